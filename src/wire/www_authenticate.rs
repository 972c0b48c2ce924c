//! `WWW-Authenticate` (RFC 9110 section 11.6.1): the only type that renders this header.

use axum::http::HeaderValue;

use crate::oauth::error::Error;

/// A challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WwwAuthenticate {
    /// A client's id and secret (RFC 7617).
    Basic,
    /// A token (RFC 6750 section 3), with these parameters.
    Bearer(Vec<(&'static str, String)>),
}

impl WwwAuthenticate {
    /// A challenge for a token, without parameters.
    pub(crate) fn bearer() -> Self {
        WwwAuthenticate::Bearer(Vec::new())
    }

    /// Adds a parameter. Names and values are this server's own or were parsed by it: none contains a quotation mark or a
    /// backslash.
    pub(crate) fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            WwwAuthenticate::Basic => WwwAuthenticate::Basic,
            WwwAuthenticate::Bearer(mut parameters) => {
                parameters.push((name, value.into()));
                WwwAuthenticate::Bearer(parameters)
            }
        }
    }

    /// Adds what is wrong with the token that was sent: `error` and `error_description`.
    pub(crate) fn with_error(self, error: &Error) -> Self {
        self.with("error", error.code.as_str()).with("error_description", &*error.description)
    }

    /// The header's value; `None` if a parameter is not valid in a header.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        match self {
            WwwAuthenticate::Basic => Some(HeaderValue::from_static("Basic realm=\"oauth\", charset=\"UTF-8\"")),
            WwwAuthenticate::Bearer(parameters) if parameters.is_empty() => Some(HeaderValue::from_static("Bearer")),
            WwwAuthenticate::Bearer(parameters) => {
                let parameters: Vec<String> =
                    parameters.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
                HeaderValue::from_str(&format!("Bearer {}", parameters.join(", "))).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_names_its_parameters_in_order() {
        let bearer = WwwAuthenticate::bearer();
        assert_eq!(bearer.header().unwrap(), "Bearer");
        let error = Error::new(crate::oauth::error::ErrorCode::InvalidToken, "It has expired.");
        let challenge = bearer.with_error(&error).with("scope", "read write");
        assert_eq!(
            challenge.header().unwrap(),
            "Bearer error=\"invalid_token\", error_description=\"It has expired.\", scope=\"read write\""
        );
        assert_eq!(WwwAuthenticate::Basic.header().unwrap(), "Basic realm=\"oauth\", charset=\"UTF-8\"");
    }

    #[test]
    fn a_value_that_no_header_may_hold_gives_no_header() {
        assert_eq!(WwwAuthenticate::bearer().with("scope", "a\r\nb").header(), None);
    }
}
