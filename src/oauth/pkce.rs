//! Proof Key for Code Exchange (RFC 7636), S256 only.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, URL_SAFE_NO_PAD};

use super::error::Error;

/// 43 characters hold two bits more than a SHA-256 has: what stands in them says nothing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// `code_challenge` of the method S256: the SHA-256 of a verifier. There is no "plain" (OAuth 2.1 section 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// Reads `code_challenge` and `code_challenge_method`. A missing method means "plain" in RFC 7636 section 4.3 and is refused.
    pub(crate) fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Self, Error> {
        let challenge = challenge.ok_or_else(|| {
            Error::invalid_request("code_challenge is missing: PKCE with S256 is required (RFC 7636).")
        })?;
        if method != Some("S256") {
            return Err(Error::invalid_request("code_challenge_method must be S256 (RFC 7636)."));
        }
        LENIENT.decode(challenge).ok().and_then(|bytes| bytes.try_into().ok()).map(CodeChallenge).ok_or_else(|| {
            Error::invalid_request(
                "code_challenge must be the base64url of a SHA-256, 43 characters (RFC 7636 section 4.2).",
            )
        })
    }

    /// The challenge as it stands on the wire: 43 characters of base64url.
    pub(crate) fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// `code_verifier`: 43 to 128 unreserved characters (RFC 7636 section 4.1). Its text is never shown or kept.
#[derive(Clone)]
pub(crate) struct CodeVerifier(String);

impl CodeVerifier {
    /// Reads what a token request carries; a missing verifier is the caller's to refuse.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(CodeVerifier(text.to_owned()))
        } else {
            Err(Error::invalid_request(
                "code_verifier must be 43 to 128 characters out of A-Z a-z 0-9 - . _ ~ (RFC 7636 section 4.1).",
            ))
        }
    }

    /// The challenge that belongs to this verifier (RFC 7636 section 4.6).
    pub(crate) fn challenge(&self) -> CodeChallenge {
        let hash = digest(&SHA256, self.0.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.as_ref());
        CodeChallenge(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_rfcs_own_vector() {
        let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!(verifier.challenge().encode(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let challenge = CodeChallenge::parse(Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), Some("S256"));
        assert_eq!(challenge.unwrap(), verifier.challenge());
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        for (length, good) in [(42, false), (43, true), (128, true), (129, false)] {
            assert_eq!(CodeVerifier::parse(&"a".repeat(length)).is_ok(), good, "{length}");
        }
        assert!(CodeVerifier::parse(&format!("{}+", "a".repeat(43))).is_err());
    }

    #[test]
    fn only_s256_exists() {
        let challenge = Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(CodeChallenge::parse(None, Some("S256")).is_err());
        assert!(CodeChallenge::parse(challenge, None).is_err());
        assert!(CodeChallenge::parse(challenge, Some("plain")).is_err());
        assert!(CodeChallenge::parse(challenge, Some("s256")).is_err());
        assert!(CodeChallenge::parse(Some("E9Melhoa"), Some("S256")).is_err());
    }
}
