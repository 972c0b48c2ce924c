//! The shape of `jean.toml`: its tables, their keys and their defaults, and nothing else.
//!
//! `jean.toml` at the root of the repository is the reference of the same; a test holds the two against each other.

mod access;
mod brand;
mod clients;
mod guard;
mod limits;
mod mount;
mod resource_server;
mod tokens;
mod upstream;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::secret::Secret;

pub(super) use access::AccessTable;
pub(super) use brand::BrandTable;
pub(super) use clients::{ClientTable, ClientsTable, PinnedTable};
pub(super) use guard::GuardTable;
pub(super) use limits::LimitsTable;
pub(super) use mount::MountTable;
pub(super) use resource_server::ResourceServerTable;
pub(super) use tokens::TokensTable;
pub(super) use upstream::UpstreamTable;
pub(super) use value::{List, Span};

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
