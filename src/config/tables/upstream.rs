//! `[upstream.NAME]`.

use std::path::PathBuf;

use serde::Deserialize;

use super::value::List;
use crate::config::secret::Secret;

/// `[upstream.NAME]`: which keys belong to which kind is in [`presets`](crate::config::presets).
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct UpstreamTable {
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
