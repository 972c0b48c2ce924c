//! `[tokens]`.

use std::time::Duration;

/// How tokens are made, and how long they live.
#[derive(Clone, Debug)]
pub(crate) struct TokenSettings {
    /// What signs access tokens.
    pub algorithm: SigningAlgorithm,
    /// Of an authorization code.
    pub code_lifetime: Duration,
    /// Of an access token.
    pub access_lifetime: Duration,
    /// Of a refresh token that is not used.
    pub refresh_idle: Duration,
    /// Of a grant, however much it is used.
    pub grant_lifetime: Duration,
    /// How long the predecessor of a refresh token still gets its successor again.
    pub refresh_grace: Duration,
    /// The age at which a signing key is replaced.
    pub key_rotation: Duration,
}

/// The signing algorithms on offer (RFC 7518 section 3.1, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA, for readers that know nothing newer.
    Rs256,
}

impl SigningAlgorithm {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            SigningAlgorithm::Es256 => "ES256",
            SigningAlgorithm::EdDsa => "EdDSA",
            SigningAlgorithm::Rs256 => "RS256",
        }
    }

    /// Reads the name on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa, SigningAlgorithm::Rs256]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
    }
}
