//! The issuer's keys, and ID tokens signed with them or, by a fault, with something worse.
//!
//! JWS and JWK: RFC 7515, RFC 7517, RFC 7518 and RFC 8037.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use super::{Fault, Shared};
use crate::random;

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA, PKCS #1 v1.5.
    Rs256,
    /// RSA, PSS.
    Ps256,
    /// RSA, PKCS #1 v1.5 with SHA-512, which few accept.
    Rs512,
}

impl Algorithm {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
            Algorithm::Rs256 => "RS256",
            Algorithm::Ps256 => "PS256",
            Algorithm::Rs512 => "RS512",
        }
    }

    fn of_jwt(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
            Algorithm::Rs512 => jsonwebtoken::Algorithm::RS512,
        }
    }
}

/// A key pair.
pub(super) struct Key {
    algorithm: Algorithm,
    kid: String,
    private: EncodingKey,
    /// The public half, as a JWK.
    pub public: Value,
}

impl Key {
    /// A new one.
    pub fn generate(algorithm: Algorithm) -> Self {
        Key::try_generate(algorithm).expect("a key can be made where there is randomness")
    }

    fn try_generate(algorithm: Algorithm) -> Result<Self, Box<dyn std::error::Error>> {
        let private = match algorithm {
            Algorithm::Es256 => {
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
                EncodingKey::from_ec_der(der.as_ref())
            }
            Algorithm::EdDsa => {
                EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())?.as_ref())
            }
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Rs512 => {
                let der = rsa::KeyPair::generate(KeySize::Rsa2048)?.as_der()?;
                let text = STANDARD.encode(der.as_ref());
                EncodingKey::from_rsa_pem(
                    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n").as_bytes(),
                )?
            }
        };
        let kid = random::text::<8>();
        let mut public = Jwk::from_encoding_key(&private, algorithm.of_jwt())?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Key { algorithm, kid, private, public: serde_json::to_value(public)? })
    }

    fn sign(&self, claims: &Value) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(self.algorithm.of_jwt());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.private)
    }
}

/// Signs an ID token, well or badly.
pub(super) fn sign(
    shared: &Shared,
    claims: &Value,
    fault: Option<&Fault>,
) -> Result<String, jsonwebtoken::errors::Error> {
    let memory = shared.memory();
    let key = &memory.keys[0];
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let by_hmac = |secret: &[u8]| {
        let input = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT", "kid": key.kid })), part(claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    match fault {
        Some(Fault::AlgNone) => Ok(format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(claims))),
        Some(Fault::Hs256WithPublicKey) => Ok(by_hmac(key.public.to_string().as_bytes())),
        Some(Fault::Hs256WithClientSecret) => Ok(by_hmac(shared.client_secret.as_bytes())),
        Some(Fault::UnknownKey) => Key::generate(key.algorithm).sign(claims),
        Some(Fault::WrongSignature) => {
            let (good, other) = (key.sign(claims)?, key.sign(&json!({}))?);
            let input = good.rsplit_once('.').map_or("", |(input, _)| input);
            let signature = other.rsplit_once('.').map_or("", |(_, signature)| signature);
            Ok(format!("{input}.{signature}"))
        }
        _ => key.sign(claims),
    }
}
