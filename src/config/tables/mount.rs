//! `[mcp.NAME]`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::value::List;

/// `[mcp.NAME]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct MountTable {
    pub path: Option<String>,
    pub scopes: Option<BTreeMap<String, String>>,
    pub default_scopes: Option<List>,
    pub required_scopes: List,
    pub tools: Option<BTreeMap<String, List>>,
    pub allowed_origins: List,
}
