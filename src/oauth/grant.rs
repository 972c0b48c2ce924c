//! Who allowed what to whom: people, grants, and the ids that name them.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::client_id::ClientId;
use super::provider_claims::{GoogleAccount, ProviderClaims};
use super::resource::Resources;
use super::scope::Scopes;
use crate::clock::UnixTime;

/// jean's own name for a person: `u_` and 26 characters of base32, made from the upstream's issuer and `sub` as exact
/// strings. Never the email, which may change hands; the same on every replica. It is the `sub` of every token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PersonId(String);

impl PersonId {
    /// The id of whoever `issuer` calls `sub`.
    pub(crate) fn new(issuer: &str, sub: &str) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(issuer.as_bytes());
        hash.update(&[0]);
        hash.update(sub.as_bytes());
        PersonId(format!("u_{}", base32(hash.finish().as_ref(), 26)))
    }

    /// Reads back what the store or a token holds.
    pub(crate) fn from_stored(text: impl Into<String>) -> Self {
        PersonId(text.into())
    }

    /// The id's text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 4648 section 6, in lower case, the first `length` characters.
fn base32(bytes: &[u8], length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    (0..length)
        .map(|i| {
            let bit = i * 5;
            let pair = u16::from(bytes[bit / 8]) << 8 | u16::from(*bytes.get(bit / 8 + 1).unwrap_or(&0));
            let index = pair >> (11 - bit % 8) & 31;
            char::from(ALPHABET[usize::from(index)])
        })
        .collect()
}

/// A person as an upstream described them when they last signed in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// jean's own id.
    pub id: PersonId,
    /// The upstream, and what it said beyond the rest.
    pub origin: Origin,
    /// The upstream's `sub`.
    pub sub: String,
    /// The email, if the upstream told one. For anything but showing it, ask [`vouched_email`](Self::vouched_email).
    pub email: Option<String>,
    /// `email_verified`, as the upstream said it. Whether that counts is decided by
    /// [`is_email_vouched_for`](Self::is_email_vouched_for).
    pub email_verified: bool,
    /// The name to show.
    pub name: Option<String>,
}

/// Without what the upstream told of the person, since it may end in a log.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("id", &self.id).field("issuer", &self.origin.issuer).finish_non_exhaustive()
    }
}

/// Where a person comes from: the upstream that signed them in, and what else it said of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The upstream's issuer, exactly as in its id_token.
    pub issuer: String,
    /// What it said, to be judged again later. `None` for a person who was stored before claims were, and who has not
    /// signed in since: they are judged as they were at their sign-in.
    pub claims: Option<ProviderClaims>,
}

impl Person {
    /// What a page calls this person: the email, else the name, else the upstream's id.
    pub(crate) fn label(&self) -> &str {
        self.email.as_deref().or(self.name.as_deref()).unwrap_or(&self.sub)
    }

    /// Whether the email is the person's own by the word of somebody who can know it. The only place that decides: access
    /// rules and every `email_verified` of ours ask it.
    ///
    /// The upstream says that it verified the address. That of a consumer account at Google was verified once, and stays
    /// after its owner has left the company that it belongs to, unless Google itself is who hands out the address.
    pub(crate) fn is_email_vouched_for(&self) -> bool {
        let Some(email) = self.email.as_deref().filter(|_| self.email_verified) else { return false };
        match self.origin.claims.as_ref().and_then(|claims| claims.google.as_ref()) {
            Some(GoogleAccount::Consumer) => email.to_ascii_lowercase().ends_with("@gmail.com"),
            Some(GoogleAccount::Workspace(_)) | None => true,
        }
    }

    /// The email, if it is [vouched for](Self::is_email_vouched_for).
    pub(crate) fn vouched_email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.is_email_vouched_for())
    }
}

/// The id of a row that is named in a token: seconds since 2025 in the upper 31 bits, 32 random ones below, so that new
/// rows stand at the end of the index. Told as base36, since JavaScript loses integers above 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RowId(pub(crate) i64);

/// 2025-01-01T00:00:00Z.
const EPOCH: i64 = 1_735_689_600;

impl RowId {
    /// A new id; `random` makes it hard to meet another one of the same second.
    pub(crate) fn new(now: UnixTime, random: [u8; 4]) -> Self {
        let seconds = (now.0 - EPOCH).clamp(0, 0x7fff_ffff);
        RowId(seconds << 32 | i64::from(u32::from_be_bytes(random)))
    }

    /// Reads the base36 text; `None` where it is none, or not in its one canonical spelling.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let id = i64::from_str_radix(text, 36).ok().filter(|id| *id >= 0).map(RowId)?;
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0u8; 13];
        let mut rest = self.0;
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % 36) as usize];
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        f.write_str(std::str::from_utf8(&digits[at..]).unwrap_or_default())
    }
}

/// A grant's id, and the id of the family of all tokens that came from it.
pub(crate) type GrantId = RowId;

/// What a person allowed a client: the facts that never change after the consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The grant, and the family of tokens.
    pub id: GrantId,
    /// Who allowed it.
    pub person: PersonId,
    /// To whom.
    pub client: ClientId,
    /// What.
    pub scopes: Scopes,
    /// Where; each access token is for one of these.
    pub resources: Resources,
    /// `nonce` of the authorization request, or empty.
    pub nonce: String,
    /// When the person signed in at the upstream, if it told.
    pub auth_time: Option<UnixTime>,
    /// When the family ends, however much it is used.
    pub expires_at: UnixTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_as_in_rfc_4648() {
        assert_eq!(base32(b"foobar", 10), "mzxw6ytboi");
        assert_eq!(base32(b"foob", 7), "mzxw6yq");
    }

    #[test]
    fn two_upstreams_never_collide() {
        let id = PersonId::new("https://a.example", "1");
        assert_eq!(id, PersonId::new("https://a.example", "1"));
        assert_ne!(id, PersonId::new("https://a.example/", "1"));
        assert_ne!(PersonId::new("https://a", ".example1"), PersonId::new("https://a.example", "1"));
        assert_eq!(id.as_str().len(), 28);
    }

    #[test]
    fn a_row_id_reads_back_in_one_spelling_only() {
        for id in [0, 35, 36, i64::MAX, RowId::new(UnixTime(1_800_000_000), [1, 2, 3, 4]).0] {
            assert_eq!(RowId::parse(&RowId(id).to_string()), Some(RowId(id)));
        }
        for bad in ["", "-1", "+1", "01", "A", "zzzzzzzzzzzzzz", "é"] {
            assert_eq!(RowId::parse(bad), None, "{bad}");
        }
    }
}
