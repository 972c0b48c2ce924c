//! `[limits]`.

use serde::Deserialize;

use super::value::Span;

/// `[limits]`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct LimitsTable {
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
