//! The shape of `jean.toml`: its tables, their keys and their defaults, and nothing else.
//!
//! `jean.toml` at the root of the repository is the reference of the same; a test holds the two against each other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::secret::Secret;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tables {
    pub public_url: String,
    pub listen: String,
    pub database: Secret,
    pub secret: Option<Secret>,
    pub secret_file: Option<PathBuf>,
    pub upstream: BTreeMap<String, UpstreamTable>,
    pub mcp: BTreeMap<String, MountTable>,
    pub access: AccessTable,
    pub clients: ClientsTable,
    pub resource_servers: Vec<ResourceServerTable>,
    pub brand: BrandTable,
    pub tokens: TokensTable,
    pub guard: GuardTable,
    pub limits: LimitsTable,
}

impl Default for Tables {
    fn default() -> Self {
        Tables {
            public_url: "http://localhost:8080".into(),
            listen: "127.0.0.1:8080".into(),
            database: "sqlite://jean.db".into(),
            secret: None,
            secret_file: None,
            upstream: BTreeMap::new(),
            mcp: BTreeMap::new(),
            access: AccessTable::default(),
            clients: ClientsTable::default(),
            resource_servers: Vec::new(),
            brand: BrandTable::default(),
            tokens: TokensTable::default(),
            guard: GuardTable::default(),
            limits: LimitsTable::default(),
        }
    }
}

/// `[upstream.NAME]`: which keys belong to which kind is in [`presets`](super::presets).
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct UpstreamTable {
    pub kind: Option<String>,
    pub label: Option<String>,
    pub issuer: Option<String>,
    pub domain: Option<String>,
    pub project: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub client_secret_file: Option<PathBuf>,
    pub scopes: Option<List>,
    pub hosted_domain: Option<String>,
    pub port: Option<u16>,
}

/// `[mcp.NAME]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct MountTable {
    pub path: Option<String>,
    pub scopes: Option<BTreeMap<String, String>>,
    pub default_scopes: Option<List>,
    pub required_scopes: List,
    pub tools: Option<BTreeMap<String, List>>,
    pub allowed_origins: List,
}

/// `[access]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct AccessTable {
    pub emails: Option<List>,
    pub email_domains: Option<List>,
    pub everyone: Option<bool>,
}

/// `[clients]`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClientsTable {
    pub registration: bool,
    pub openid: bool,
    pub remember_consent: bool,
    pub unused_lifetime: Span,
    pub idle_lifetime: Span,
    pub documents: bool,
    pub document_hosts: List,
    pub pinned: Vec<PinnedTable>,
    pub preregistered: Vec<ClientTable>,
}

impl Default for ClientsTable {
    fn default() -> Self {
        ClientsTable {
            registration: true,
            openid: true,
            remember_consent: false,
            unused_lifetime: Span::days(30),
            idle_lifetime: Span::days(400),
            documents: true,
            document_hosts: List::default(),
            pinned: Vec::new(),
            preregistered: Vec::new(),
        }
    }
}

/// `[[clients.pinned]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct PinnedTable {
    pub url: Option<String>,
    pub file: Option<PathBuf>,
}

/// `[[clients.preregistered]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClientTable {
    pub id: Option<String>,
    pub name: Option<String>,
    pub redirect_uris: List,
    pub secret: Option<Secret>,
    pub secret_file: Option<PathBuf>,
    pub auth_method: Option<String>,
    pub scopes: Option<List>,
}

/// `[[resource_servers]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ResourceServerTable {
    pub id: Option<String>,
    pub secret: Option<Secret>,
    pub secret_file: Option<PathBuf>,
    pub mounts: Option<List>,
}

/// `[brand]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct BrandTable {
    pub name: Option<String>,
    pub accent: Option<String>,
    pub logo: Option<PathBuf>,
    pub privacy_url: Option<String>,
    pub terms_url: Option<String>,
    pub support_url: Option<String>,
}

/// `[tokens]`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct TokensTable {
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

/// `[guard]`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct GuardTable {
    pub max_staleness: Span,
}

impl Default for GuardTable {
    fn default() -> Self {
        GuardTable { max_staleness: Span::seconds(60) }
    }
}

/// `[limits]`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(super) struct LimitsTable {
    pub body: usize,
    pub timeout: Span,
    pub keep_alive: Span,
    pub connections: usize,
}

impl Default for LimitsTable {
    fn default() -> Self {
        LimitsTable { body: 65536, timeout: Span::seconds(30), keep_alive: Span::seconds(130), connections: 4096 }
    }
}

/// A span of time, written as `"10m"` or `"1h 30m"`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub(super) struct Span(pub Duration);

impl Span {
    const fn seconds(seconds: u64) -> Self {
        Span(Duration::from_secs(seconds))
    }

    const fn days(days: u64) -> Self {
        Span::seconds(days * 24 * 3600)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SpanVisitor;

        impl Visitor<'_> for SpanVisitor {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of time such as \"30s\", \"10m\", \"1h\" or \"30d\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                humantime::parse_duration(text).map(Span).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(SpanVisitor)
    }
}

/// A list of texts: an array, or one text with commas, which is how the environment writes it.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub(super) struct List(pub Vec<String>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;

        impl<'de> Visitor<'de> for ListVisitor {
            type Value = List;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of texts such as [\"one\", \"two\"]")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<List, E> {
                Ok(List(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(List(list))
            }
        }

        deserializer.deserialize_any(ListVisitor)
    }
}
