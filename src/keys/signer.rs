//! The private half of a signing key, ready to sign.
//!
//! `jsonwebtoken` keeps the bytes of a key, and parses and checks them for each signature, which costs more than an RSA
//! signature itself. So the key pair is parsed once, and signs by aws-lc directly.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::Serialize;

use super::error::{Error, unreadable};
use crate::config::settings::SigningAlgorithm;
use crate::oauth::error::Source;

/// A key pair of one algorithm.
pub(super) enum Signer {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Signer {
    /// Parses a private key.
    pub(super) fn parse(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Result<Self, Error> {
        let signer = match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Signer::Es256)
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Signer::EdDsa),
            SigningAlgorithm::Rs256 => RsaKeyPair::from_pkcs8(pkcs8).map(Signer::Rs256),
        };
        signer.map_err(unreadable)
    }

    /// A JWT in compact form (RFC 7515 section 7.1). `header` is already encoded, and names this signer's algorithm.
    pub(super) fn jwt(&self, header: &str, claims: &impl Serialize) -> Result<String, Error> {
        let claims = serde_json::to_vec(claims).map_err(used)?;
        let mut token = format!("{header}.");
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// A signature in the form of JWS (RFC 7518 sections 3.3 and 3.4, RFC 8037 section 3.1).
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Signer::Es256(pair) => {
                pair.sign(&SystemRandom::new(), message).map(|signature| signature.as_ref().to_vec()).map_err(used)
            }
            Signer::EdDsa(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Signer::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(used)?;
                Ok(signature)
            }
        }
    }
}

/// The encoded header of a token.
pub(super) fn encode(header: &Header) -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(header).map_err(unreadable)?))
}

fn used(error: impl Into<Source>) -> Error {
    Error::Key("used", error.into())
}

/// Verifies the signature by one algorithm, and no claims.
pub(super) fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims::<&str>(&[]);
    validation
}
