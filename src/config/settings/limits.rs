//! `[limits]`.

use std::time::Duration;

/// Bounds on what a request may cost.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The largest body of a form, a registration, or a message to the built-in MCP server, in bytes.
    pub body: usize,
    /// How long an answer may take to begin, unless a write of the request has begun.
    pub timeout: Duration,
    /// How long a connection may idle between two requests.
    pub keep_alive: Duration,
    /// The most connections at once.
    pub connections: usize,
}
