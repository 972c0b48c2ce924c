//! The issuer's keys.
//!
//! JWS and JWK: RFC 7515, RFC 7517, RFC 7518 and RFC 8037.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::Value;

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
    pub(super) algorithm: Algorithm,
    pub(super) kid: String,
    private: EncodingKey,
    /// The public half, as a JWK.
    pub(super) public: Value,
}

impl Key {
    /// A new one.
    pub(super) fn generate(algorithm: Algorithm) -> Self {
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

    /// A JWT with these claims.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(self.algorithm.of_jwt());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.private)
    }
}
