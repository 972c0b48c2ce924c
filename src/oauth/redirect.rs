//! Redirect URIs, and the one way to answer by redirect.
//!
//! RFC 6749 section 3.1.2, RFC 8252 (native apps), RFC 9700 sections 2.1 and 4.1: exact comparison, no open redirect.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Position, Url};

use super::address::Place;
use super::error::{Error, ErrorCode};
use super::resource::is_loopback;

/// A registered redirect URI; it keeps its text and is compared as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RedirectUri {
    text: String,
    kind: RedirectKind,
}

/// Where a redirect URI leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RedirectKind {
    /// A web site.
    Https,
    /// http on this computer (RFC 8252 section 7.3).
    Loopback,
    /// https on this computer, which proves no more than http does: any program here may answer.
    LoopbackHttps,
    /// https in the person's own network, where any device may have the address.
    Network,
    /// An app on this computer, by a scheme of its own (RFC 8252 section 7.1).
    PrivateUse,
}

impl RedirectKind {
    /// Where an acceptable URL leads. http is acceptable on this computer only.
    fn of(url: &Url) -> Self {
        match (url.scheme(), url.host().as_ref().map(Place::of)) {
            ("http", _) => RedirectKind::Loopback,
            ("https", Some(Place::Here)) => RedirectKind::LoopbackHttps,
            ("https", Some(Place::Network)) => RedirectKind::Network,
            ("https", Some(Place::Internet)) => RedirectKind::Https,
            _ => RedirectKind::PrivateUse,
        }
    }

    /// Whether nothing but the person knows who answers there (RFC 8252 section 8.6).
    pub(crate) fn is_native(self) -> bool {
        self != RedirectKind::Https
    }

    /// Whether an address of this computer answers, by http or https.
    pub(crate) fn is_loopback(self) -> bool {
        matches!(self, RedirectKind::Loopback | RedirectKind::LoopbackHttps)
    }
}

/// The longest redirect URI that comes in, in bytes: it is part of a key in rows.
pub(crate) const MAX_REDIRECT_URI: usize = 1024;

/// Schemes that open a page, a file or a program of somebody's choice: those of browsers and of systems.
const FOREIGN_SCHEMES: &[&str] =
    &["brave", "firefox", "googlechrome", "itms", "microsoft-edge", "opera", "samsungbrowser", "vivaldi", "x-safari"];

/// Schemes that a browser runs, reads or hands to another program: never a place to send a code.
const DANGEROUS_SCHEMES: &[&str] = &[
    "about",
    "blob",
    "chrome",
    "chrome-extension",
    "content",
    "cid",
    "data",
    "feed",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "livescript",
    "mailto",
    "mhtml",
    "mocha",
    "moz-extension",
    "ms-appx",
    "ms-appx-web",
    "ms-settings",
    "resource",
    "res",
    "safari-extension",
    "search-ms",
    "sms",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "vnd.ms.radio",
    "ws",
    "wss",
    "wyciwyg",
    "help",
    "ldap",
    "ldaps",
    "nfs",
    "search",
    "sftp",
    "shell",
    "smb",
    "ssh",
    "telnet",
];

/// The parameters of an answer (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207 section 2).
const ANSWER: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

impl RedirectUri {
    /// Parses a redirect URI that a client registers now. Beyond the rules of [`parse`](Self::parse), it names no parameter
    /// of an answer: the client would get two of it, and which one it reads is anybody's guess.
    pub(crate) fn parse_new(text: &str) -> Result<Self, Error> {
        let uri = RedirectUri::parse(text)?;
        let url = Url::parse(text).ok();
        let mut names = url.iter().flat_map(|url| url.query_pairs()).map(|(name, _)| name);
        match names.find(|name| ANSWER.contains(&name.as_ref())) {
            Some(name) => Err(Error::new(
                ErrorCode::InvalidRedirectUri,
                format!("The redirect URI {text} has the parameter {name}, which is one of the answer's."),
            )),
            None => Ok(uri),
        }
    }

    /// Parses a redirect URI; `invalid_redirect_uri` says which rule it breaks.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse =
            |why: &str| Err(Error::new(ErrorCode::InvalidRedirectUri, format!("The redirect URI {text} {why}.")));
        if text.len() > MAX_REDIRECT_URI {
            let description = format!("A redirect URI is longer than {MAX_REDIRECT_URI} bytes.");
            return Err(Error::new(ErrorCode::InvalidRedirectUri, description));
        }
        if text.bytes().any(|b| b <= b' ' || b == b'\\' || b >= 0x7f) {
            return refuse("holds a space, a backslash or a character outside ASCII");
        }
        let Ok(url) = Url::parse(text) else { return refuse("is not an absolute URI") };
        if url.fragment().is_some() {
            return refuse("has a fragment");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("has userinfo");
        }
        if has_dot_segment(text) {
            return refuse("has a dot segment in its path");
        }
        match url.scheme() {
            "http" if !is_named_loopback(&url) => {
                return refuse("must be https, unless it is http on localhost, 127.0.0.1 or [::1]");
            }
            "https" | "http" => {}
            scheme if leads_elsewhere(scheme) => {
                return refuse("has a scheme that no client may use");
            }
            _ => {}
        }
        let kind = RedirectKind::of(&url);
        if kind != RedirectKind::PrivateUse {
            // The text is what is compared and the URL what a browser follows: they must name the same place.
            let rest = text.strip_prefix(url.scheme()).and_then(|rest| rest.strip_prefix("://"));
            let authority = rest.map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
            let same_host = authority.is_some_and(|authority| {
                let host = url.host_str().unwrap_or_default();
                let port = authority.strip_prefix(host);
                port.is_some_and(|port| {
                    port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok())
                })
            });
            if !same_host || url.host_str().is_some_and(|host| host.ends_with('.')) {
                return refuse("must name its scheme and its host in lower case, without a trailing dot");
            }
        }
        Ok(RedirectUri { text: text.to_owned(), kind })
    }

    /// Reads back what was registered, by the rules of that day: a rule that came later does not make a row unreadable.
    /// Where it leads is judged as [`parse`](Self::parse) does.
    pub(crate) fn from_stored(text: String) -> Self {
        let kind = Url::parse(&text).map_or(RedirectKind::PrivateUse, |url| RedirectKind::of(&url));
        RedirectUri { text, kind }
    }

    /// Whether it is as short as one that comes in now has to be.
    pub(crate) fn fits(&self) -> bool {
        self.text.len() <= MAX_REDIRECT_URI
    }

    /// Whether a request may use `asked`, being registered as `self`: the same text, but for the port of a loopback one
    /// (RFC 8252 section 7.3; by the name `localhost` too, as native clients use it).
    pub(crate) fn allows(&self, asked: &RedirectUri) -> bool {
        self.text == asked.text
            || self.kind == RedirectKind::Loopback
                && asked.kind == RedirectKind::Loopback
                && self.without_port() == asked.without_port()
    }

    /// The text, without the port where it is on loopback: what stays the same from one run of a native app to the next.
    pub(crate) fn without_port(&self) -> String {
        match self.kind {
            RedirectKind::Loopback => without_port(&self.text),
            _ => self.text.clone(),
        }
    }

    /// Where it leads.
    pub(crate) fn kind(&self) -> RedirectKind {
        self.kind
    }

    /// The text as it was registered or asked for.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The host with its port, for the page: `claude.ai`; or the scheme of an app. In ASCII, so that no letter looks like another.
    pub(crate) fn host(&self) -> String {
        match Url::parse(&self.text) {
            Ok(url) if self.kind != RedirectKind::PrivateUse => {
                url[Position::BeforeHost..Position::AfterPort].to_owned()
            }
            Ok(url) => format!("{}:", url.scheme()),
            Err(_) => String::new(),
        }
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for RedirectUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RedirectUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(RedirectUri::from_stored)
    }
}

/// Whether a scheme belongs to something else than one app: what it opens is in the rest of the URI, and not the app's own.
fn leads_elsewhere(scheme: &str) -> bool {
    DANGEROUS_SCHEMES.contains(&scheme)
        || scheme.starts_with("ms-")
        || scheme.contains("http")
        || FOREIGN_SCHEMES.iter().any(|foreign| scheme.starts_with(foreign))
}

fn is_named_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(_)) => is_loopback(url),
        None => false,
    }
}

fn has_dot_segment(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    path.split('/').any(|segment| segment == "." || segment == "..")
}

fn without_port(text: &str) -> String {
    let after_scheme = text.find("://").map_or(0, |at| at + 3);
    let path_at = text[after_scheme..].find(['/', '?']).map_or(text.len(), |at| after_scheme + at);
    let authority = &text[after_scheme..path_at];
    let host_end = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => after_scheme + colon,
        _ => path_at,
    };
    format!("{}{}", &text[..host_end], &text[path_at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap()
    }

    #[test]
    fn the_port_of_a_loopback_uri_is_free_and_nothing_else() {
        assert!(uri("http://localhost/callback").allows(&uri("http://localhost:52100/callback")));
        assert!(uri("http://127.0.0.1:33418/").allows(&uri("http://127.0.0.1:1/")));
        assert!(uri("http://[::1]:1/cb").allows(&uri("http://[::1]:65535/cb")));
        assert!(!uri("http://localhost/callback").allows(&uri("http://127.0.0.1/callback")));
        assert!(!uri("http://localhost/callback").allows(&uri("http://localhost/callback/")));
        assert!(!uri("http://localhost/callback").allows(&uri("http://localhost/Callback")));
        assert!(!uri("http://localhost/callback").allows(&uri("http://localhost/callback?x=1")));
        assert!(!uri("https://a.example/cb").allows(&uri("https://a.example:8443/cb")));
        assert!(!uri("https://a.example/cb").allows(&uri("https://a.example/CB")));
        assert!(!uri("https://localhost/cb").allows(&uri("https://localhost:2/cb")));
        assert!(!uri("https://localhost/cb").allows(&uri("http://localhost/cb")));
        assert!(!uri("https://192.168.1.5/cb").allows(&uri("https://192.168.1.5:2/cb")));
    }

    /// fastmcp #3963 and #3098: what passed a pattern and must not.
    #[test]
    fn a_uri_that_could_be_read_in_two_ways_is_refused() {
        for bad in [
            "https://a.example/ok/../evil",
            "https://a.example/ok/%2e%2e/evil",
            "https://a.example/./cb",
            "https://user@a.example/cb",
            "https://user:pass@a.example/cb",
            "https://a.example/cb#fragment",
            "https://a.example/cb#",
            "https://A.example/cb",
            "HTTPS://a.example:443/cb#",
            "HTTPS://a.example/cb",
            "Http://localhost/cb",
            "https://a.example./cb",
            "https://a.example\\@evil.example/cb",
            "http://localhost.example.com/cb",
            "http://127.0.0.1.example.com/cb",
            "http://localhost./cb",
            "http://0x7f.1/cb",
            "http://127.0.0.2/cb",
            "http://a.example/cb",
            "/cb",
            "",
            "https://",
            "https:///cb",
            "https:a.example/cb",
        ] {
            assert!(RedirectUri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn schemes_that_a_browser_runs_are_refused() {
        for scheme in
            ["microsoft-edge", "microsoft-edge-https", "googlechromes", "x-safari-https", "shell", "ldap", "ssh"]
        {
            assert!(RedirectUri::parse(&format!("{scheme}://evil.example/cb")).is_err(), "{scheme}");
        }
        for scheme in ["javascript", "data", "vbscript", "blob", "file", "about", "view-source", "ms-msdt", "intent"] {
            assert!(RedirectUri::parse(&format!("{scheme}:alert(1)")).is_err(), "{scheme}");
            assert!(RedirectUri::parse(&format!("{}://x/y", scheme.to_uppercase())).is_err(), "{scheme}");
        }
        assert_eq!(uri("cursor://anysphere.cursor-mcp/oauth/callback").kind(), RedirectKind::PrivateUse);
        assert_eq!(uri("com.example.app:/cb").kind(), RedirectKind::PrivateUse);
    }

    /// What a browser finds at such an address is whatever listens there, with any certificate that the person accepts.
    #[test]
    fn what_leads_to_this_computer_or_its_network_is_native_whatever_its_scheme() {
        use RedirectKind::{Https, Loopback, LoopbackHttps, Network, PrivateUse};
        for (text, kind) in [
            ("https://a.example/cb", Https),
            ("https://localhost.example/cb", Https),
            ("https://8.8.8.8/cb", Https),
            ("http://localhost/cb", Loopback),
            ("http://127.0.0.1:1/cb", Loopback),
            ("http://[::1]/cb", Loopback),
            ("https://localhost/cb", LoopbackHttps),
            ("https://localhost:8443/cb", LoopbackHttps),
            ("https://app.localhost/cb", LoopbackHttps),
            ("https://127.0.0.1/cb", LoopbackHttps),
            ("https://127.255.0.3/cb", LoopbackHttps),
            ("https://[::1]/cb", LoopbackHttps),
            ("https://[::ffff:7f00:1]/cb", LoopbackHttps),
            ("https://0.0.0.0/cb", LoopbackHttps),
            ("https://10.1.2.3/cb", Network),
            ("https://172.20.0.1/cb", Network),
            ("https://192.168.1.5:8443/cb", Network),
            ("https://169.254.169.254/cb", Network),
            ("https://100.100.0.1/cb", Network),
            ("https://[fd00::1]/cb", Network),
            ("https://[fe80::1]/cb", Network),
            ("https://[::ffff:c0a8:105]/cb", Network),
            ("https://nas.local/cb", Network),
            ("com.example.app:/cb", PrivateUse),
            ("cursor://localhost/cb", PrivateUse),
        ] {
            assert_eq!(uri(text).kind(), kind, "{text}");
            let stored = RedirectUri::from_stored(text.to_owned());
            assert_eq!(stored, uri(text), "{text}, as it is read back");
            assert_eq!(kind.is_native(), kind != Https);
        }
    }

    #[test]
    fn a_redirect_uri_has_at_most_1024_bytes() {
        let long = |length: usize| format!("{:x<length$}", "https://a.example/");
        assert!(RedirectUri::parse(&long(1024)).is_ok_and(|uri| uri.fits()));
        assert!(RedirectUri::parse(&long(1025)).unwrap_err().description.contains("longer than 1024 bytes"));
        assert!(!RedirectUri::from_stored(long(1025)).fits(), "an older one is read");
    }
}
