//! `public_url`.

use url::Url;

/// The issuer identifier (RFC 8414 section 2): byte for byte the same in metadata, tokens and answers.
///
/// `https://host[:port][/prefix]`, without a trailing slash; http only on loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuer {
    text: String,
    url: Url,
}

impl Issuer {
    /// Parses `public_url`; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("is not an absolute URL ({error})"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must have neither query nor fragment".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not carry a user or a password".into());
        }
        let loopback = crate::oauth::resource::is_loopback(&url);
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err("must be https, unless its host is localhost, 127.0.0.1 or [::1]".into()),
            _ => return Err("must begin with https://".into()),
        }
        if url.path().contains("//") || url.path().contains('%') {
            return Err("must have a plain path, without empty or escaped segments".into());
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        let url = Url::parse(&text).map_err(|error| error.to_string())?;
        Ok(Issuer { text, url })
    }

    /// The identifier's text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, as in an Origin header (RFC 6454 section 6.2).
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The host alone.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Host and port, as in a Host header.
    pub(crate) fn authority(&self) -> String {
        let host = self.host();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The path prefix: empty, or `/prefix` without a trailing slash.
    pub(crate) fn prefix(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Whether it is served by https.
    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether it is on this computer.
    pub(crate) fn is_loopback(&self) -> bool {
        crate::oauth::resource::is_loopback(&self.url)
    }

    /// The address of one of our own paths, which begins with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Where the upstream of this name sends the browser back to, as it is registered there.
    pub(crate) fn callback(&self, upstream: &str) -> String {
        self.at(&format!("/oauth/callback/{upstream}"))
    }
}
