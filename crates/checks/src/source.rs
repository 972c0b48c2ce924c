//! Where requirements stand: the specifications, their sections and links, and the revisions of MCP that build on them.

use std::fmt;

use serde::{Serialize, Serializer};

/// A revision of the MCP specification that has authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// 2025-03-26: the server is its own authorization server.
    V2025_03_26,
    /// 2025-06-18: protected resource metadata and resource indicators.
    V2025_06_18,
    /// 2025-11-25: client ID metadata documents, OpenID Connect Discovery, scopes in challenges.
    V2025_11_25,
    /// 2026-07-28: `iss`, and a transport without sessions.
    V2026_07_28,
}

impl Revision {
    /// All of them, the oldest first.
    pub const ALL: [Revision; 4] =
        [Revision::V2025_03_26, Revision::V2025_06_18, Revision::V2025_11_25, Revision::V2026_07_28];

    /// Its name: the date.
    pub fn as_str(self) -> &'static str {
        match self {
            Revision::V2025_03_26 => "2025-03-26",
            Revision::V2025_06_18 => "2025-06-18",
            Revision::V2025_11_25 => "2025-11-25",
            Revision::V2026_07_28 => "2026-07-28",
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Revision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How strict a requirement is (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Absolute.
    Must,
    /// Unless there is a good reason.
    Should,
    /// Optional, and done here.
    May,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
            Level::May => "MAY",
        })
    }
}

/// A document that asks for something. The order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Specification {
    /// An RFC by its number.
    Rfc(u16),
    /// OAuth 2.1, where it says what RFC 6749 does not.
    OAuth21,
    /// Client ID metadata documents.
    Cimd,
    /// OpenID Connect Discovery 1.0.
    OpenIdDiscovery,
    /// OpenID Connect Core 1.0.
    OpenIdCore,
    /// A revision of MCP.
    Mcp(Revision),
}

impl Specification {
    /// What it is about.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Specification::Rfc(6749) => "The OAuth 2.0 Authorization Framework",
            Specification::Rfc(6750) => "Bearer Token Usage",
            Specification::Rfc(7009) => "Token Revocation",
            Specification::Rfc(7523) => "JWT Profile for Client Authentication",
            Specification::Rfc(7591) => "Dynamic Client Registration",
            Specification::Rfc(7592) => "Dynamic Client Registration Management",
            Specification::Rfc(7636) => "Proof Key for Code Exchange",
            Specification::Rfc(7662) => "Token Introspection",
            Specification::Rfc(8252) => "OAuth 2.0 for Native Apps",
            Specification::Rfc(8414) => "Authorization Server Metadata",
            Specification::Rfc(8707) => "Resource Indicators",
            Specification::Rfc(9068) => "JWT Profile for Access Tokens",
            Specification::Rfc(9207) => "Authorization Server Issuer Identification",
            Specification::Rfc(9700) => "Best Current Practice for OAuth 2.0 Security",
            Specification::Rfc(9728) => "Protected Resource Metadata",
            Specification::Rfc(_) => "",
            Specification::OAuth21 => "The OAuth 2.1 Authorization Framework",
            Specification::Cimd => "OAuth Client ID Metadata Document, draft 02",
            Specification::OpenIdDiscovery => "OpenID Connect Discovery 1.0",
            Specification::OpenIdCore => "OpenID Connect Core 1.0",
            Specification::Mcp(_) => "Model Context Protocol, new in this revision",
        }
    }

    /// How row names begin.
    pub(crate) fn slug(self) -> String {
        match self {
            Specification::Rfc(number) => format!("rfc{number}"),
            Specification::OAuth21 => "oauth21".into(),
            Specification::Cimd => "cimd".into(),
            Specification::OpenIdDiscovery => "openid-discovery".into(),
            Specification::OpenIdCore => "openid-core".into(),
            Specification::Mcp(revision) => format!("mcp-{revision}"),
        }
    }

    /// Where to read a section.
    pub(crate) fn link(self, section: &str) -> String {
        let draft =
            |name: &str| format!("https://datatracker.ietf.org/doc/html/draft-ietf-oauth-{name}#section-{section}");
        let openid = |name: &str| format!("https://openid.net/specs/openid-connect-{name}-1_0.html#{section}");
        match self {
            Specification::Rfc(number) => format!("https://www.rfc-editor.org/rfc/rfc{number}#section-{section}"),
            Specification::OAuth21 => draft("v2-1-13"),
            Specification::Cimd => draft("client-id-metadata-document-02"),
            Specification::OpenIdDiscovery => openid("discovery"),
            Specification::OpenIdCore => openid("core"),
            Specification::Mcp(revision) => {
                format!("https://modelcontextprotocol.io/specification/{revision}/basic/{section}")
            }
        }
    }

    /// The first revision of MCP that asks for it; `None` for what stands beside MCP.
    fn since(self) -> Option<Revision> {
        match self {
            Specification::Rfc(6749 | 6750 | 7591 | 7636 | 8414) | Specification::OAuth21 => {
                Some(Revision::V2025_03_26)
            }
            Specification::Rfc(8707 | 9728) => Some(Revision::V2025_06_18),
            Specification::Cimd | Specification::OpenIdDiscovery => Some(Revision::V2025_11_25),
            Specification::Rfc(9207) => Some(Revision::V2026_07_28),
            Specification::Rfc(_) | Specification::OpenIdCore => None,
            Specification::Mcp(revision) => Some(revision),
        }
    }
}

impl fmt::Display for Specification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Specification::Rfc(number) => write!(f, "RFC {number}"),
            Specification::OAuth21 => f.write_str("OAuth 2.1"),
            Specification::Cimd => f.write_str("CIMD"),
            Specification::OpenIdDiscovery => f.write_str("OIDC Discovery"),
            Specification::OpenIdCore => f.write_str("OIDC Core"),
            Specification::Mcp(revision) => write!(f, "MCP {revision}"),
        }
    }
}

/// Where one requirement stands, and how long MCP asked for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) specification: Specification,
    pub(crate) section: &'static str,
    until: Revision,
}

impl Source {
    fn new(specification: Specification, section: &'static str) -> Self {
        Source { specification, section, until: Revision::V2026_07_28 }
    }

    /// The last revision of MCP that asks for it.
    pub(crate) fn until(mut self, revision: Revision) -> Self {
        self.until = revision;
        self
    }

    /// The revisions of MCP that ask for it.
    pub(crate) fn revisions(self) -> impl Iterator<Item = Revision> {
        let since = self.specification.since();
        Revision::ALL
            .into_iter()
            .filter(move |revision| since.is_some_and(|since| since <= *revision) && *revision <= self.until)
    }
}

/// A section of an RFC.
pub(crate) fn rfc(number: u16, section: &'static str) -> Source {
    Source::new(Specification::Rfc(number), section)
}

/// A section of OAuth 2.1, the draft that MCP names.
pub(crate) fn oauth21(section: &'static str) -> Source {
    Source::new(Specification::OAuth21, section)
}

/// A section of the draft about client ID metadata documents.
pub(crate) fn cimd(section: &'static str) -> Source {
    Source::new(Specification::Cimd, section)
}

/// A part of OpenID Connect Core, by the name of its anchor.
pub(crate) fn openid(anchor: &'static str) -> Source {
    Source::new(Specification::OpenIdCore, anchor)
}

/// A part of OpenID Connect Discovery, by the name of its anchor.
pub(crate) fn openid_discovery(anchor: &'static str) -> Source {
    Source::new(Specification::OpenIdDiscovery, anchor)
}

/// A page and heading of a revision of MCP, below `basic/`; what it asks for goes on in later revisions.
pub(crate) fn mcp(revision: Revision, section: &'static str) -> Source {
    Source::new(Specification::Mcp(revision), section)
}
