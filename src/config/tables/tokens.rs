//! `[tokens]`.

use serde::Deserialize;

use super::value::Span;

/// `[tokens]`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct TokensTable {
    pub algorithm: String,
    pub code_lifetime: Span,
    pub access_lifetime: Span,
    pub refresh_idle: Span,
    pub grant_lifetime: Span,
    pub refresh_grace: Span,
    pub key_rotation: Span,
}

impl Default for TokensTable {
    fn default() -> Self {
        TokensTable {
            algorithm: "ES256".into(),
            code_lifetime: Span::seconds(60),
            access_lifetime: Span::seconds(3600),
            refresh_idle: Span::days(30),
            grant_lifetime: Span::days(365),
            refresh_grace: Span::seconds(60),
            key_rotation: Span::days(90),
        }
    }
}
