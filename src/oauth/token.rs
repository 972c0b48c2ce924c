//! Codes and tokens as values that cannot be printed, and the hashes that the store keeps of them.
//!
//! Each kind has a prefix of its own (`jc1_`, `jr1_`, `ja1_`, `jcs1_`), which leak scanners know and which keeps one kind from
//! being taken for another. The refresh token's successor is computed from the token itself and a salt in the database,
//! so that a repeated request gets the same answer, and the database alone can make no token.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::grant::GrantId;
use crate::random;

/// The SHA-256 of a secret, in base64url: the only form in which the store takes one.
#[derive(Clone, Debug)]
pub(crate) struct TokenHash(String);

impl TokenHash {
    /// The hash of `secret`.
    pub(crate) fn of(secret: &[u8]) -> Self {
        TokenHash(URL_SAFE_NO_PAD.encode(digest(&SHA256, secret)))
    }

    /// Reads back what the store holds.
    pub(crate) fn from_stored(text: impl Into<String>) -> Self {
        TokenHash(text.into())
    }

    /// Whether both are the same, in constant time.
    pub(crate) fn matches(&self, other: &TokenHash) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    /// The text that the store keeps.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Declares a secret that is some random bytes behind a prefix: no `Display`, no `Serialize`, a redacted `Debug`.
macro_rules! redacted {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    };
}

/// An authorization code: `jc1_<grant>.<32 random bytes>` (RFC 6749 section 4.1.2).
#[derive(Clone)]
pub(crate) struct AuthorizationCode {
    id: GrantId,
    secret: [u8; 32],
}

redacted!(AuthorizationCode);

impl AuthorizationCode {
    const PREFIX: &str = "jc1_";

    /// A new code for the grant.
    pub(crate) fn new(id: GrantId) -> Self {
        AuthorizationCode { id, secret: random::bytes() }
    }

    /// Reads what a token request carries; `None` where it is no code of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = parse(text, Self::PREFIX)?;
        Some(AuthorizationCode { id, secret })
    }

    /// The grant that the code names, which nothing vouches for yet.
    pub(crate) fn id(&self) -> GrantId {
        self.id
    }

    /// What the store keeps.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(&self.secret)
    }

    /// The text for the client.
    pub(crate) fn expose(&self) -> String {
        format!("{}{}.{}", Self::PREFIX, self.id, URL_SAFE_NO_PAD.encode(self.secret))
    }
}

/// A refresh token: `jr1_<grant>.<F ‖ S>`, where the 16 bytes F stay for the whole family and prove that a token belongs
/// to it, and the 32 bytes S are new in each generation.
#[derive(Clone)]
pub(crate) struct RefreshToken {
    id: GrantId,
    secret: [u8; 48],
}

redacted!(RefreshToken);

/// What makes the successor of a refresh token; kept beside its hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Salt([u8; 16]);

impl Salt {
    /// A new salt.
    pub(crate) fn new() -> Self {
        Salt(random::bytes())
    }

    /// The text that the store keeps.
    pub(crate) fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads back what the store holds.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Salt)
    }
}

impl Default for Salt {
    fn default() -> Self {
        Salt::new()
    }
}

impl RefreshToken {
    const PREFIX: &str = "jr1_";

    /// The first token of a family.
    pub(crate) fn new(id: GrantId) -> Self {
        RefreshToken { id, secret: random::bytes() }
    }

    /// Reads what a token request carries; `None` where it is no refresh token of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = parse(text, Self::PREFIX)?;
        Some(RefreshToken { id, secret })
    }

    /// The family that the token names, which only [`tag`](Self::tag) proves.
    pub(crate) fn id(&self) -> GrantId {
        self.id
    }

    /// The hash of the whole secret: this one generation.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(&self.secret)
    }

    /// The hash of F: any generation of this family.
    pub(crate) fn tag(&self) -> TokenHash {
        TokenHash::of(&[b"tag", self.family()].concat())
    }

    /// The next generation: the same for the same token and salt, and not to be computed without the token.
    #[must_use]
    pub(crate) fn successor(&self, salt: Salt) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret[16..]);
        let mut hmac = hmac::Context::with_key(&key);
        hmac.update(b"jean/rt/1");
        hmac.update(self.id.to_string().as_bytes());
        hmac.update(&salt.0);
        let mut secret = self.secret;
        secret[16..].copy_from_slice(hmac.sign().as_ref());
        RefreshToken { id: self.id, secret }
    }

    /// The text for the client.
    pub(crate) fn expose(&self) -> String {
        format!("{}{}.{}", Self::PREFIX, self.id, URL_SAFE_NO_PAD.encode(self.secret))
    }

    fn family(&self) -> &[u8] {
        &self.secret[..16]
    }
}

/// A client's secret: `jcs1_<32 random bytes>`, or whatever the operator chose for a client of their own.
#[derive(Clone)]
pub(crate) struct ClientSecret(String);

redacted!(ClientSecret);

impl ClientSecret {
    /// A new secret for a registration.
    pub(crate) fn generate() -> Self {
        ClientSecret(format!("jcs1_{}", random::text::<32>()))
    }

    /// A secret that was presented, or configured.
    pub(crate) fn presented(text: impl Into<String>) -> Self {
        ClientSecret(text.into())
    }

    /// What the store keeps.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }

    /// The text for the client.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// A registration access token (RFC 7592 section 3): `ja1_<32 random bytes>`.
#[derive(Clone)]
pub(crate) struct RegistrationToken(String);

redacted!(RegistrationToken);

impl RegistrationToken {
    /// A new token for a registration.
    pub(crate) fn generate() -> Self {
        RegistrationToken(format!("ja1_{}", random::text::<32>()))
    }

    /// A token that was presented.
    pub(crate) fn presented(text: impl Into<String>) -> Self {
        RegistrationToken(text.into())
    }

    /// What the store keeps.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }

    /// The text for the client.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Reads `<prefix><id>.<base64url>`, in its one canonical spelling.
fn parse<const N: usize>(text: &str, prefix: &str) -> Option<(GrantId, [u8; N])> {
    let (id, secret) = text.strip_prefix(prefix)?.split_once('.')?;
    if secret.len() != (N * 8).div_ceil(6) {
        return None;
    }
    Some((GrantId::parse(id)?, URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;

    fn id() -> GrantId {
        GrantId::new(UnixTime(1_800_000_000), [1, 2, 3, 4])
    }

    #[test]
    fn each_kind_reads_back_and_is_taken_for_no_other() {
        let code = AuthorizationCode::new(id());
        let refresh = RefreshToken::new(id());
        let read = AuthorizationCode::parse(&code.expose()).unwrap();
        assert!(read.id() == id() && read.hash().matches(&code.hash()));
        let read = RefreshToken::parse(&refresh.expose()).unwrap();
        assert!(read.id() == id() && read.hash().matches(&refresh.hash()) && read.tag().matches(&refresh.tag()));
        assert!(AuthorizationCode::parse(&refresh.expose()).is_none());
        assert!(RefreshToken::parse(&code.expose()).is_none());
        for bad in ["", "jr1_", "jr1_.", "jr1_1.", "jr1_1.AAAA", "jr1_1.é", &refresh.expose()[1..]] {
            assert!(RefreshToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_successor_is_the_same_for_the_same_salt_and_stays_in_the_family() {
        let token = RefreshToken::new(id());
        let salt = Salt::new();
        let next = token.successor(salt);
        assert!(next.hash().matches(&token.successor(salt).hash()));
        assert!(!next.hash().matches(&token.successor(Salt::new()).hash()));
        assert!(!next.hash().matches(&token.hash()));
        assert!(next.tag().matches(&token.tag()));
        assert!(!next.tag().matches(&RefreshToken::new(id()).tag()));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let token = RefreshToken::new(id());
        assert_eq!(format!("{token:?}"), "RefreshToken(redacted)");
        assert_eq!(format!("{:?}", ClientSecret::generate()), "ClientSecret(redacted)");
        assert_eq!(format!("{:?}", RegistrationToken::generate()), "RegistrationToken(redacted)");
        assert_eq!(format!("{:?}", AuthorizationCode::new(id())), "AuthorizationCode(redacted)");
    }
}
