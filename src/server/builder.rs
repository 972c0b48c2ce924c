//! Starts jean.

use std::fmt;
use std::sync::Arc;

use super::error::Error;
use super::jean::Jean;
use super::open;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::fetch::{Names, SystemNames};

/// Starts [`Jean`] with options beyond the configuration. Made by [`Jean::builder`].
#[must_use]
pub struct Builder {
    config: Config,
    clock: Arc<dyn Clock>,
    names: Arc<dyn Names>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

impl Builder {
    pub(super) fn new(config: Config) -> Self {
        Builder { config, clock: Arc::new(SystemClock), names: Arc::new(SystemNames) }
    }

    /// Uses another clock than the operating system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Resolves host names by `names` instead of DNS, for the addresses that clients supply: of their metadata documents and
    /// keys. An empty list means that the name does not exist.
    #[cfg(feature = "testing")]
    pub fn names(mut self, names: fn(&str) -> Vec<std::net::IpAddr>) -> Self {
        self.names = Arc::new(names);
        self
    }

    /// Starts the server, as [`Jean::start`] does, with the same errors.
    pub async fn start(self) -> Result<Jean, Error> {
        open::open(self.config, self.clock, self.names).await.map(Jean::run)
    }
}

impl Jean {
    /// Opens the database, loads or makes the signing keys, and begins to fetch the upstreams' discovery documents. An
    /// upstream that does not answer does not keep jean from starting.
    pub async fn start(config: Config) -> Result<Self, Error> {
        Jean::builder(config).start().await
    }

    /// Like [`start`](Self::start), with more options.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }
}
