//! What an identity provider says of a person beyond name and address, kept with the person: access is judged by it again
//! at each refresh, long after the sign-in.

use serde_json::{Map, Value};

/// What a provider said at the last sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProviderClaims {
    /// What kind of account it is, if the provider is Google.
    pub google: Option<GoogleAccount>,
}

/// The two kinds of accounts at Google, by the claim `hd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GoogleAccount {
    /// An account that anybody can make, with any address. There is no `hd`.
    Consumer,
    /// An account of a Workspace, whose primary domain this is. The address may be at a secondary domain.
    Workspace(String),
}

/// The claim's name. An account without it is stored with `null`, which a person of another provider does not have.
const HOSTED_DOMAIN: &str = "hd";

impl ProviderClaims {
    /// Reads what [`to_text`](Self::to_text) wrote, and ignores what is not known; `None` if it is no JSON object.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        let claims: Map<String, Value> = serde_json::from_str(text).ok()?;
        let google = claims.get(HOSTED_DOMAIN).map(|domain| match domain.as_str() {
            Some(domain) => GoogleAccount::Workspace(domain.to_owned()),
            None => GoogleAccount::Consumer,
        });
        Some(ProviderClaims { google })
    }

    /// The claims as a JSON object.
    pub(crate) fn to_text(&self) -> String {
        let hosted_domain = self.google.as_ref().map(|account| match account {
            GoogleAccount::Consumer => Value::Null,
            GoogleAccount::Workspace(domain) => domain.as_str().into(),
        });
        let claims: Map<String, Value> =
            hosted_domain.map(|value| (HOSTED_DOMAIN.to_owned(), value)).into_iter().collect();
        Value::Object(claims).to_string()
    }

    /// Whether this is an account of the Workspace with this primary domain.
    pub(crate) fn is_of_workspace(&self, primary: &str) -> bool {
        matches!(&self.google, Some(GoogleAccount::Workspace(domain)) if domain.eq_ignore_ascii_case(primary))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_read_back_as_they_were_written() {
        for (google, text) in [
            (None, "{}"),
            (Some(GoogleAccount::Consumer), r#"{"hd":null}"#),
            (Some(GoogleAccount::Workspace("example.com".into())), r#"{"hd":"example.com"}"#),
        ] {
            let claims = ProviderClaims { google };
            assert_eq!(claims.to_text(), text);
            assert_eq!(ProviderClaims::from_stored(text), Some(claims));
        }
        assert_eq!(ProviderClaims::from_stored(r#"{"groups":["a"]}"#), Some(ProviderClaims::default()));
        assert_eq!(ProviderClaims::from_stored("[]"), None);
    }
}
