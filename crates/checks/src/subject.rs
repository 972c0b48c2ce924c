//! The server that is checked: how the table wants it set up, and how it is reached.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;

/// The public URL of most subjects. A subject with a router answers within this process: nothing listens there.
pub(crate) const ISSUER: &str = "http://localhost:8080";

/// Its one protected resource, the built-in MCP server.
pub(crate) const RESOURCE: &str = "http://localhost:8080/mcp";

/// Where clients of the table want their answers.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:7777/callback";

/// The mount of the built-in server: one scope by default, one to ask for.
pub(crate) const MOUNT: &str = "[mcp.default]\nscopes = { read = \"Read your data\", write = \"Change your data\" }\n\
                     default_scopes = [\"read\"]\nrequired_scopes = [\"read\"]\n";

/// What some rows need of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setup {
    /// `public_url`.
    pub public_url: String,
    /// The other tables of its `jean.toml`.
    pub tables: String,
    /// Its one identity provider, `[upstream.idp]`.
    pub provider: Provider,
    /// The time by which it has to go.
    pub clock: Clock,
    /// A folder for its data, for its owner alone, which the table deletes afterwards.
    pub folder: PathBuf,
}

/// How the server is registered at its provider.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Provider {
    /// `issuer`.
    pub issuer: String,
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: String,
}

/// A running server.
pub struct Subject {
    pub(crate) router: Option<Router>,
    pub(crate) end: Pin<Box<dyn Future<Output = ()>>>,
}

impl Subject {
    /// A server in this process; `end` is awaited after its last row.
    pub fn new(router: Router, end: impl Future<Output = ()> + 'static) -> Self {
        Subject { router: Some(router), end: Box::pin(end) }
    }

    /// A server that answers at its public URL, which must be on loopback, over the network.
    pub fn on_network(end: impl Future<Output = ()> + 'static) -> Self {
        Subject { router: None, end: Box::pin(end) }
    }
}

/// Time that stands still until a row moves it.
#[derive(Clone, Debug)]
pub struct Clock {
    start: i64,
    passed: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that shows the time of the operating system.
    #[expect(clippy::disallowed_methods, reason = "the time at which a table begins; it moves by hand from there")]
    pub(crate) fn new() -> Self {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Clock { start: i64::try_from(start).unwrap_or(i64::MAX), passed: Arc::default() }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn now(&self) -> i64 {
        self.start.saturating_add(self.passed.load(Ordering::Relaxed))
    }

    /// How much time has passed since the table began, for a clock that nobody sets.
    pub fn passed(&self) -> Duration {
        Duration::from_secs(self.passed.load(Ordering::Relaxed).unsigned_abs())
    }

    /// Lets seconds pass.
    pub(crate) fn advance(&self, seconds: i64) {
        self.passed.fetch_add(seconds, Ordering::Relaxed);
    }
}
