//! Who can sign in.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// `sub`.
    pub sub: String,
    /// `name`.
    pub name: Option<String>,
    /// `email`.
    pub email: Option<String>,
    /// `email_verified`, in whatever shape.
    pub email_verified: Option<Value>,
    /// Claims of the ID token beside these; they overrule every other.
    pub claims: Map<String, Value>,
}

impl Account {
    /// The account of someone who types this name: its `sub` and email follow from the name, and the email is verified.
    pub fn named(name: &str) -> Self {
        let sub = slug(name);
        Account {
            email: Some(format!("{sub}@example.com")),
            email_verified: Some(Value::Bool(true)),
            name: Some(name.to_owned()),
            claims: Map::new(),
            sub,
        }
    }

    /// The same with one more claim, or another value for one.
    #[must_use]
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(claim.to_owned(), value.into());
        self
    }
}

/// The same name gives the same `sub`, today and after a restart: its ASCII letters and digits where that says enough, else a
/// hash.
fn slug(name: &str) -> String {
    let words: Vec<String> =
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let slug = words.join("-");
    if !slug.is_empty() && slug.is_ascii() && slug.len() <= 64 {
        return slug;
    }
    let hash = digest(&SHA256, name.as_bytes());
    hash.as_ref().iter().take(6).fold("person-".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
