//! `[brand]`.

use std::path::PathBuf;

use serde::Deserialize;

/// `[brand]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct BrandTable {
    pub name: Option<String>,
    pub accent: Option<String>,
    pub logo: Option<PathBuf>,
    pub privacy_url: Option<String>,
    pub terms_url: Option<String>,
    pub support_url: Option<String>,
}
