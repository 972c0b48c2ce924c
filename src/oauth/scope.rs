//! Scopes (RFC 6749 section 3.3).

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;

use super::error::{Error, ErrorCode};

/// One scope token: printable ASCII without space, `"` and `\`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Scope(String);

impl Scope {
    /// Parses one token by RFC 6749's grammar; `None` where it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        (!text.is_empty() && text.bytes().all(allowed)).then(|| Scope(text.to_owned()))
    }

    /// The token's text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Scope {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Asks for an ID token and the UserInfo endpoint (OpenID Connect Core section 3.1.2.1).
pub(crate) const OPENID: &str = "openid";

/// Asks for the email and whether it is verified (OpenID Connect Core section 5.4).
pub(crate) const EMAIL: &str = "email";

/// Asks for the name (OpenID Connect Core section 5.4).
pub(crate) const PROFILE: &str = "profile";

/// By this some clients ask for refresh tokens (OpenID Connect Core section 11).
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

/// The words that the authorization server itself understands: known everywhere, and no permission of any resource.
pub(crate) const OWN: [&str; 4] = [OPENID, EMAIL, PROFILE, OFFLINE_ACCESS];

/// A set of scopes, always told in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Parses the space-separated list of a `scope` parameter.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        text.split(' ').filter(|word| !word.is_empty()).map(Scope::parse).collect::<Option<_>>().map(Scopes).ok_or_else(
            || Error::new(ErrorCode::InvalidScope, "scope holds a character that RFC 6749 section 3.3 does not allow."),
        )
    }

    /// Whether the set is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every scope of `self` is in `other`.
    pub(crate) fn is_subset(&self, other: &Scopes) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Whether the set holds the scope of this text.
    pub(crate) fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// The scopes that `known` holds too; the rest is dropped.
    #[must_use]
    pub(crate) fn narrow(&self, known: &Scopes) -> Scopes {
        Scopes(self.0.intersection(&known.0).cloned().collect())
    }

    /// The scopes of both.
    #[must_use]
    pub(crate) fn union(&self, other: &Scopes) -> Scopes {
        Scopes(self.0.union(&other.0).cloned().collect())
    }

    /// The scopes, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// The texts, in order, as metadata lists them.
    pub(crate) fn to_vec(&self) -> Vec<String> {
        self.0.iter().map(|scope| scope.0.clone()).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Scopes(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&scope.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_told_in_one_order_and_once() {
        assert_eq!(Scopes::parse("write read  read").unwrap().to_string(), "read write");
        assert!(Scopes::parse("read \"quoted\"").is_err());
        assert!(Scopes::parse("").unwrap().is_empty());
    }

    #[test]
    fn narrow_drops_what_is_unknown() {
        let asked = Scopes::parse("claudeai read").unwrap();
        let known = Scopes::parse("read write").unwrap();
        assert_eq!(asked.narrow(&known).to_string(), "read");
        assert!(asked.narrow(&known).is_subset(&known));
        assert!(!asked.is_subset(&known));
    }
}
