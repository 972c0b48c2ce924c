//! `[clients]`, with the tables below it.

use std::path::PathBuf;

use serde::Deserialize;

use super::value::{List, Span};
use crate::config::secret::Secret;

/// `[clients]`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct ClientsTable {
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
pub(in crate::config) struct PinnedTable {
    pub url: Option<String>,
    pub file: Option<PathBuf>,
}

/// `[[clients.preregistered]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct ClientTable {
    pub id: Option<String>,
    pub name: Option<String>,
    pub redirect_uris: List,
    pub secret: Option<Secret>,
    pub secret_file: Option<PathBuf>,
    pub auth_method: Option<String>,
    pub scopes: Option<List>,
}
