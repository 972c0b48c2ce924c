//! What an accept loop allows.

use std::time::Duration;

/// The bounds of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The most connections at once, 4096 by default; fewer if the process may not open as many files and 128 more.
    pub connections: usize,
    /// How many files the rest of the application may open, beyond those 128: none by default.
    pub reserved: usize,
    /// How long a head may take from its first byte to its last: 15 s by default.
    pub head: Duration,
    /// How long a connection may idle between two requests: 130 s by default. Proxies reuse connections for 60 to 120 s,
    /// and a POST that meets the close is lost.
    pub keep_alive: Duration,
    /// How long a client may take no byte of an answer that waits to be sent: 60 s by default. Else clients that ask and never
    /// read could hold all connections.
    pub stall: Duration,
    /// How long requests under way may go on after the signal to stop: 30 s by default.
    pub grace: Duration,
    /// How long what does not end even then may take before it is cut off: 5 s by default.
    pub cut: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            connections: 4096,
            reserved: 0,
            head: Duration::from_secs(15),
            keep_alive: Duration::from_secs(130),
            stall: Duration::from_secs(60),
            grace: Duration::from_secs(30),
            cut: Duration::from_secs(5),
        }
    }
}
