//! `[[resource_servers]]`.

use std::path::PathBuf;

use serde::Deserialize;

use super::value::List;
use crate::config::secret::Secret;

/// `[[resource_servers]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct ResourceServerTable {
    pub id: Option<String>,
    pub secret: Option<Secret>,
    pub secret_file: Option<PathBuf>,
    pub mounts: Option<List>,
}
