//! Resource indicators (RFC 8707): which protected resource a token is for.

use std::collections::BTreeSet;
use std::fmt;

use url::{Host, Position, Url};

use super::error::{Error, ErrorCode};

/// The canonical identifier of a protected resource: an absolute https URL (http on loopback), without fragment.
///
/// Two spellings of one resource compare equal: the case of scheme and host, the default port, and one trailing slash
/// do not count (clients add one: protocol practice). The text is the form without the trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Resource(String);

impl Resource {
    /// Parses and canonicalises; `invalid_target` where it is no resource identifier (RFC 8707 section 2).
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| Error::new(ErrorCode::InvalidTarget, format!("resource {why} (RFC 8707 section 2)."));
        let url = Url::parse(text).map_err(|_| invalid("must be an absolute URL"))?;
        if url.fragment().is_some() {
            return Err(invalid("must not have a fragment"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("must not have userinfo"));
        }
        if !is_https_or_loopback(&url) {
            return Err(invalid("must be an https URL, or http on loopback"));
        }
        if !is_plain(text, &url) {
            return Err(invalid("must be a plain URI"));
        }
        let text = url.as_str();
        let text = if url.query().is_none() { text.strip_suffix('/').unwrap_or(text) } else { text };
        Ok(Resource(text.to_owned()))
    }

    /// The canonical text; it is the `aud` of tokens and the `resource` of the metadata.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` differs from what was read out of it in case of scheme and host, and in the default port alone. A URL
/// parser takes more for the same: dot segments, backslashes, spaces, other forms of an address.
fn is_plain(text: &str, url: &Url) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = authority.to_ascii_lowercase();
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    let is_host = authority.strip_prefix(url.host_str().unwrap_or_default()).is_some_and(|rest| match rest {
        "" => url.port().is_none(),
        rest => rest == port,
    });
    let canonical = &url[Position::BeforePath..];
    scheme.eq_ignore_ascii_case(url.scheme()) && is_host && (path == canonical || path.is_empty() && canonical == "/")
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the host is this computer, by name or by address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether what is sent to a URL is read by nobody on the way: https, or http on this computer (RFC 8252 section 8.3).
pub(crate) fn is_https_or_loopback(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_loopback(url)
}

/// The longest resource that can be configured, in bytes.
pub(crate) const MAX_RESOURCE: usize = 512;

/// The longest text of a set that a request may ask for, in bytes: it is part of a key in rows, with a client id and a
/// redirect URI, and PostgreSQL takes 2,700 bytes for all of it.
const MAX_SET: usize = 1024;

/// A set of resources, always told in the same order, separated by spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resources(BTreeSet<Resource>);

impl Resources {
    /// Reads the text that [`Display`](fmt::Display) wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        text.split(' ').filter(|word| !word.is_empty()).map(Resource::parse).collect()
    }

    /// Whether the set holds `resource`.
    pub(crate) fn contains(&self, resource: &Resource) -> bool {
        self.0.contains(resource)
    }

    /// Whether its text is as short as a request may ask for.
    pub(crate) fn fits(&self) -> bool {
        self.to_string().len() <= MAX_SET
    }

    /// The one resource, where there is exactly one.
    pub(crate) fn only(&self) -> Option<&Resource> {
        if self.0.len() == 1 { self.0.first() } else { None }
    }

    /// The resources, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.0.iter()
    }
}

impl FromIterator<Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = Resource>>(resources: I) -> Self {
        Resources(resources.into_iter().collect())
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, resource) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(resource.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_resource_are_equal() {
        let canonical = Resource::parse("https://example.com/mcp").unwrap();
        for spelling in ["HTTPS://Example.COM/mcp", "https://example.com:443/mcp", "https://example.com/mcp/"] {
            assert_eq!(Resource::parse(spelling).unwrap(), canonical, "{spelling}");
        }
        for other in [
            "https://example.com/MCP",
            "https://example.com:8443/mcp",
            "https://example.com/mcp//",
            "https://example.com",
        ] {
            assert_ne!(Resource::parse(other).unwrap(), canonical, "{other}");
        }
        assert_eq!(Resource::parse("https://example.com/").unwrap().as_str(), "https://example.com");
    }

    /// What a parser of URLs would repair is another text, and no other spelling of ours.
    #[test]
    fn only_case_port_and_slash_may_differ() {
        for text in [
            "https://example.com/x/../mcp",
            "https://example.com/./mcp",
            "https://example.com/%2e/mcp",
            "https:\\\\example.com\\mcp",
            "https://example.com\\mcp",
            "https:example.com/mcp",
            "https:/example.com/mcp",
            "https:///example.com/mcp",
            " https://example.com/mcp",
            "https://example.com/mcp ",
            "https://example.com/m\tcp",
            "https://example.com/m\ncp",
            "https://@example.com/mcp",
            "https://:@example.com/mcp",
            "https://example.com:/mcp",
            "https://example.com:0443/mcp",
            "https://ex%61mple.com/mcp",
            "https://\u{ff45}xample.com/mcp",
            "https://m\u{fc}nchen.example/mcp",
            "https://example.com/m\u{fc}p",
            "http://127.1:8080/mcp",
            "http://0x7f.0.0.1:8080/mcp",
            "http://[0:0:0:0:0:0:0:1]:8080/mcp",
        ] {
            assert!(Resource::parse(text).is_err(), "{text}");
        }
        for text in
            ["https://example.com", "https://example.com:8443/a/b?c=d", "http://[::1]:80/", "http://127.0.0.1:8080"]
        {
            let resource = Resource::parse(text).unwrap();
            assert_eq!(Resource::parse(resource.as_str()).unwrap(), resource, "{text}");
        }
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        for bad in [
            "",
            "mcp",
            "/mcp",
            "https://example.com/mcp#part",
            "http://example.com/mcp",
            "urn:x",
            "https://u:p@example.com/",
        ] {
            assert!(Resource::parse(bad).is_err(), "{bad}");
        }
        assert!(Resource::parse("http://localhost:8080/mcp").is_ok());
        assert!(Resource::parse("http://[::1]:8080/mcp").is_ok());
    }
}
