//! The address of a document that somebody else names: a client's metadata document, or its keys.
//!
//! draft-ietf-oauth-client-id-metadata-document-02 section 3. What is at the address is asked by `fetch` alone.

use std::fmt;

use url::{Host, Url};

use super::resource::is_loopback;

/// An address that may be asked; its text is compared as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DocumentUrl(Url);

impl DocumentUrl {
    /// Reads an address; the error says which rule it breaks, as the end of a sentence that begins with the address.
    ///
    /// `local`: jean itself is on loopback, for trying things out; then the document may be, by http too (section 8.6).
    pub(crate) fn parse(text: &str, local: bool) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "is not an absolute URL")?;
        let here = is_loopback(&url);
        match url.scheme() {
            "https" | "http" if here && !local => {
                return Err("is on this computer, where only a server on loopback looks");
            }
            "https" => {}
            "http" if here => {}
            _ => return Err("does not begin with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has a user or a password in it");
        }
        if url.fragment().is_some() {
            return Err("has a fragment");
        }
        let path = text.split_once("://").and_then(|(_, rest)| rest.split(['?', '#']).next()?.split_once('/'));
        let path = path.map_or("", |(_, path)| path);
        if path.is_empty() {
            return Err("has no path");
        }
        if path.to_ascii_lowercase().replace("%2e", ".").split(['/', '\\']).any(|part| part == "." || part == "..") {
            return Err("has a dot segment in its path");
        }
        if matches!(url.host(), Some(Host::Domain(name)) if name.ends_with('.')) {
            return Err("has a dot at the end of its host");
        }
        // The text is what is compared and shown, and the URL what is asked: they must not differ.
        if url.as_str() != text {
            return Err("is not written in its normal form");
        }
        Ok(DocumentUrl(url))
    }

    /// The address, parsed.
    pub(crate) fn as_url(&self) -> &Url {
        &self.0
    }

    /// Host, and port where it is not the usual one.
    pub(crate) fn authority(&self) -> &str {
        &self.0[url::Position::BeforeHost..url::Position::AfterPort]
    }
}

impl fmt::Display for DocumentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// Which hosts may have documents: one by its name, with its port where that is not the usual one, or with `*.` in front
/// all below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPattern(String);

impl HostPattern {
    /// Reads a pattern; `None` where it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        let url = Url::parse(&format!("https://{name}/")).ok()?;
        let is_host = &url[url::Position::BeforeHost..url::Position::AfterPort] == name && !name.ends_with('.');
        let fits = match url.host() {
            Some(Host::Domain(name)) => !name.contains('*'),
            _ => !text.starts_with("*."),
        };
        (is_host && fits).then(|| HostPattern(text.to_owned()))
    }

    /// The host, without the star for those below it.
    pub(crate) fn host(&self) -> &str {
        self.0.strip_prefix("*.").unwrap_or(&self.0)
    }

    /// Whether the pattern is for this host.
    pub(crate) fn matches(&self, authority: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some(end) => authority.len() > end.len() && authority.ends_with(end),
            None => authority == self.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_s_address_keeps_the_draft_s_rules() {
        for good in [
            "https://claude.ai/oauth/mcp-oauth-client-metadata",
            "https://client.example:8443/a",
            "https://client.example/a?x=1",
            "https://client.example/a.b/..c/",
            "https://203.0.113.7/a",
        ] {
            assert!(DocumentUrl::parse(good, false).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("client.example/a", "absolute"),
            ("http://client.example/a", "https"),
            ("ftp://client.example/a", "https"),
            ("https://client.example", "no path"),
            ("https://client.example/", "no path"),
            ("https://client.example?x=/a", "no path"),
            ("https://u@client.example/a", "user"),
            ("https://u:p@client.example/a", "user"),
            ("https://client.example/a#", "fragment"),
            ("https://client.example/a#b", "fragment"),
            ("https://client.example/./a", "dot segment"),
            ("https://client.example/b/../a", "dot segment"),
            ("https://client.example/b/%2e%2E/a", "dot segment"),
            ("https://client.example/b/.%2e", "dot segment"),
            ("https://client.example/b\\..\\a", "dot segment"),
            ("https://client.example./a", "at the end"),
            ("https://Client.example/a", "normal form"),
            ("HTTPS://client.example/a", "normal form"),
            ("https://client.example:443/a", "normal form"),
            ("https://client.example\\a", "no path"),
            ("https:client.example/a", "no path"),
            ("https://0x7f.1/a", "computer"),
            ("https://2130706433/a", "computer"),
            ("https://0300.0250.1/a", "normal form"),
            ("https://client.example/ä", "normal form"),
            ("https://client.example/a b", "normal form"),
            (" https://client.example/a", "normal form"),
            ("https://client.example/a\n", "normal form"),
            ("https://localhost/a", "computer"),
            ("http://127.0.0.1:9/a", "computer"),
            ("https://[::1]/a", "computer"),
        ] {
            let told = DocumentUrl::parse(bad, false).unwrap_err();
            assert!(told.contains(why), "{bad}: {told}");
        }
    }

    #[test]
    fn a_document_on_this_computer_is_for_a_server_on_this_computer() {
        for here in ["http://127.0.0.1:9/a", "http://localhost:9/a", "https://localhost/a", "http://[::1]:9/a"] {
            assert!(DocumentUrl::parse(here, true).is_ok(), "{here}");
            assert!(DocumentUrl::parse(here, false).is_err(), "{here}");
        }
        for elsewhere in ["http://client.example/a", "http://10.0.0.1/a", "http://localhost.example/a"] {
            assert!(DocumentUrl::parse(elsewhere, true).is_err(), "{elsewhere}");
        }
    }

    #[test]
    fn a_pattern_is_a_host_or_all_below_one() {
        let matches = |pattern: &str, host: &str| HostPattern::parse(pattern).unwrap().matches(host);
        assert!(matches("claude.ai", "claude.ai") && matches("*.example.com", "a.b.example.com"));
        assert!(matches("127.0.0.1:8000", "127.0.0.1:8000"));
        for (pattern, host) in [
            ("claude.ai", "claude.ai:8443"),
            ("claude.ai", "www.claude.ai"),
            ("*.example.com", "example.com"),
            ("*.example.com", "badexample.com"),
            ("*.example.com", "a.example.com.evil.example"),
        ] {
            assert!(!matches(pattern, host), "{pattern} {host}");
        }
        for bad in ["", "*", "*.", "https://claude.ai", "claude.ai/x", "Claude.ai", "a.*.b", "*.127.0.0.1", "a b", "a."]
        {
            assert!(HostPattern::parse(bad).is_none(), "{bad}");
        }
    }
}
