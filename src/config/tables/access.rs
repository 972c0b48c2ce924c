//! `[access]`.

use serde::Deserialize;

use super::value::List;

/// `[access]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct AccessTable {
    pub emails: Option<List>,
    pub email_domains: Option<List>,
    pub everyone: Option<bool>,
}
