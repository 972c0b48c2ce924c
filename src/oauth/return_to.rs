//! Where a client's answer goes by redirect (RFC 6749 section 4.1.2, RFC 9207).

use super::client::Client;
use super::error::Error;
use super::redirect::RedirectUri;

/// A place to answer to by redirect. Only [`ReturnTo::of`] makes one, which checks the redirect URI against the client, so that
/// an open redirect cannot be written.
#[derive(Clone, Debug)]
pub(crate) struct ReturnTo {
    redirect_uri: RedirectUri,
    state: Option<String>,
    issuer: String,
}

impl ReturnTo {
    /// The redirect URI that a request names, if the client registered it; the client's only one if the request names none
    /// (RFC 6749 section 3.1.2.3). One of an earlier day that is too long for a key is as good as unregistered. `state` and
    /// `issuer` (RFC 9207) go into every answer.
    pub(crate) fn of(client: &Client, asked: Option<&str>, state: Option<String>, issuer: &str) -> Option<Self> {
        let redirect_uri = match (asked, client.metadata.redirect_uris.as_slice()) {
            (Some(asked), _) => RedirectUri::parse(asked).ok().filter(|asked| client.allows(asked)),
            (None, [only]) => Some(only.clone()).filter(RedirectUri::fits),
            (None, _) => None,
        }?;
        Some(ReturnTo { redirect_uri, state, issuer: issuer.to_owned() })
    }

    /// Where the answer goes.
    pub(crate) fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// The URL that carries a code (RFC 6749 section 4.1.2).
    pub(crate) fn with_code(&self, code: &str) -> String {
        self.with(&[("code", code)])
    }

    /// The URL that carries an error (RFC 6749 section 4.1.2.1).
    pub(crate) fn with_error(&self, error: &Error) -> String {
        self.with(&[("error", error.code.as_str()), ("error_description", &error.description)])
    }

    fn with(&self, answer: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in answer {
            query.append_pair(name, value);
        }
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", &self.issuer);
        let text = self.redirect_uri.as_str();
        let separator = match text.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{text}{separator}{}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::error::ErrorCode;

    fn return_to(uri: &str, state: Option<String>) -> ReturnTo {
        let redirect_uri = RedirectUri::parse(uri).expect("a redirect URI");
        ReturnTo { redirect_uri, state, issuer: "https://jean.example".to_owned() }
    }

    #[test]
    fn an_answer_carries_state_and_iss_and_keeps_the_query() {
        let to = return_to("https://a.example/cb?x=1", Some("s&s".into()));
        assert_eq!(to.with_code("c"), "https://a.example/cb?x=1&code=c&state=s%26s&iss=https%3A%2F%2Fjean.example");
        let to = return_to("cursor://cb", None);
        let url = to.with_error(&Error::new(ErrorCode::AccessDenied, "No."));
        assert_eq!(url, "cursor://cb?error=access_denied&error_description=No.&iss=https%3A%2F%2Fjean.example");
    }
}
