//! `[guard]`.

use serde::Deserialize;

use super::value::Span;

/// `[guard]`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct GuardTable {
    pub max_staleness: Span,
}

impl Default for GuardTable {
    fn default() -> Self {
        GuardTable { max_staleness: Span::seconds(60) }
    }
}
