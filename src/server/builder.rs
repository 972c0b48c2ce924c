//! How jean is started.

use std::fmt;
use std::sync::Arc;

use super::error::Error;
use super::jean::Jean;
use super::open;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::fetch::{Names, SystemNames};

/// Starts [`Jean`] with more to choose than the configuration; made by [`Jean::builder`].
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

    /// Goes by another clock than the operating system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Asks `names` instead of DNS where clients name addresses: their metadata documents and keys. An empty list is no
    /// answer.
    #[cfg(feature = "testing")]
    pub fn names(mut self, names: fn(&str) -> Vec<std::net::IpAddr>) -> Self {
        self.names = Arc::new(names);
        self
    }

    /// As [`Jean::start`].
    pub async fn start(self) -> Result<Jean, Error> {
        open::open(self.config, self.clock, self.names).await.map(Jean::run)
    }
}

impl Jean {
    /// Opens the database, reads or makes the keys, and begins to ask the upstreams who they are. An upstream that is
    /// away does not keep jean from starting.
    pub async fn start(config: Config) -> Result<Self, Error> {
        Jean::builder(config).start().await
    }

    /// The same with more to choose.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }
}
