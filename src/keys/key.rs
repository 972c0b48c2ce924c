//! Signing keys: their roles, and how they are made and parsed.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::Value;

use super::error::{Error, unreadable};
use super::signer::{self, Signer};
use crate::clock::UnixTime;
use crate::config::settings::SigningAlgorithm;
use crate::oauth::error::Source;

/// What a key signs. Each purpose has its own succession of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Access tokens (RFC 9068).
    Access,
    /// ID tokens (OpenID Connect Core section 2).
    Id,
}

impl Purpose {
    pub(crate) const ALL: [Purpose; 2] = [Purpose::Access, Purpose::Id];

    /// The name in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Purpose::Access => "access",
            Purpose::Id => "id",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// The `typ` of the signed JWTs: `at+jwt` for access tokens (RFC 9068 section 2.1), so that no other JWT can pass as
    /// one.
    pub(crate) fn typ(self) -> &'static str {
        match self {
            Purpose::Access => "at+jwt",
            Purpose::Id => "JWT",
        }
    }
}

/// What a key signs, how, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub purpose: Purpose,
    pub algorithm: SigningAlgorithm,
    /// When it begins to sign.
    pub sign_from: UnixTime,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// A key pair, ready to sign and to verify.
pub(crate) struct Key {
    pub role: Role,
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// The public half, as the JWKS lists it.
    pub public: Value,
    /// The encoded header of all JWTs that it signs.
    pub(super) header: String,
    pub(super) signer: Signer,
    pub(super) decoding: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).field("role", &self.role).finish_non_exhaustive()
    }
}

/// A new key pair, not in use yet.
pub(crate) struct NewKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// The public half, as the JWKS lists it.
    pub public: Value,
    /// The private half, as PKCS#8.
    pub pkcs8: Vec<u8>,
}

impl NewKey {
    /// Makes a key pair. An RSA key has 2048 bits and takes a moment.
    pub(crate) fn generate(algorithm: SigningAlgorithm) -> Result<Self, Error> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let pkcs8 = match algorithm {
            SigningAlgorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map_err(not_made)?
                .as_ref()
                .to_vec(),
            // Version 1, since the function that makes the JWK cannot parse version 2.
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8v1(&random).map_err(not_made)?.as_ref().to_vec(),
            SigningAlgorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048)
                .and_then(|pair| pair.as_der())
                .map_err(not_made)?
                .as_ref()
                .to_vec(),
        };
        let key = encoding_key(algorithm, &pkcs8).map_err(not_made)?;
        let mut jwk = Jwk::from_encoding_key(&key, algorithm.into()).map_err(not_made)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(not_made)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        // `use` is enough without `key_ops` (RFC 7517 section 4.3).
        jwk.common.key_operations = None;
        let public = serde_json::to_value(&jwk).map_err(not_made)?;
        Ok(NewKey { kid, public, pkcs8 })
    }
}

impl Key {
    /// Parses a stored key pair, once for all signatures.
    pub(crate) fn parse(role: Role, public: &str, pkcs8: &[u8]) -> Result<Self, Error> {
        let jwk: Jwk = serde_json::from_str(public).map_err(unreadable)?;
        let kid = jwk.common.key_id.clone().ok_or("it has no kid").map_err(unreadable)?;
        let mut header = Header::new(role.algorithm.into());
        header.typ = Some(role.purpose.typ().to_owned());
        header.kid = Some(kid.clone());
        Ok(Key {
            role,
            kid,
            public: serde_json::to_value(&jwk).map_err(unreadable)?,
            header: signer::encode(&header)?,
            signer: Signer::parse(role.algorithm, pkcs8)?,
            decoding: DecodingKey::from_jwk(&jwk).map_err(unreadable)?,
        })
    }
}

fn not_made(error: impl Into<Source>) -> Error {
    Error::Key("made", error.into())
}

pub(super) fn encoding_key(
    algorithm: SigningAlgorithm,
    pkcs8: &[u8],
) -> Result<EncodingKey, jsonwebtoken::errors::Error> {
    Ok(match algorithm {
        SigningAlgorithm::Es256 => EncodingKey::from_ec_der(pkcs8),
        SigningAlgorithm::EdDsa => EncodingKey::from_ed_der(pkcs8),
        // Only the PEM reader takes PKCS#8; the DER one wants PKCS#1.
        SigningAlgorithm::Rs256 => {
            let lines: Vec<String> = STANDARD
                .encode(pkcs8)
                .as_bytes()
                .chunks(64)
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect();
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
            EncodingKey::from_rsa_pem(pem.as_bytes())?
        }
    })
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::Es256 => Algorithm::ES256,
            SigningAlgorithm::EdDsa => Algorithm::EdDSA,
            SigningAlgorithm::Rs256 => Algorithm::RS256,
        }
    }
}
