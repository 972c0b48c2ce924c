//! Why jean could not start, or cannot go on.

use crate::config::Problems;
use crate::flow::keys;
use crate::{secret, store};

/// Why jean could not start, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] Problems),
    /// The database cannot be used.
    #[error("{0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file of the database was replaced or deleted while the server was running.
    #[error(
        "the database file {path} was replaced or deleted while the server was running, so nothing can be written any \
         more: put the right file in its place, then start again"
    )]
    DatabaseGone {
        /// The path of the file.
        path: std::path::PathBuf,
    },
    /// The root secret or the signing keys cannot be used.
    #[error("{0}")]
    Keys(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The HTTP client for the upstreams could not be made.
    #[error("the HTTP client: {0}")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The dev upstream could not listen on its address.
    #[error("the dev upstream cannot listen on {address}: {source}; set another `port` in [upstream.dev]")]
    DevUpstream {
        /// The address to listen on.
        address: String,
        /// The operating system's error.
        source: std::io::Error,
    },
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Error::Database(error.into())
    }
}

impl From<secret::Error> for Error {
    fn from(error: secret::Error) -> Self {
        Error::Keys(error.into())
    }
}

impl From<keys::Error> for Error {
    fn from(error: keys::Error) -> Self {
        Error::Keys(error.into())
    }
}

/// The configuration has no mount of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no [mcp.{name}] in the configuration; there is: {}", known.join(", "))]
pub struct UnknownMount {
    /// The requested name.
    pub name: String,
    /// The names of all mounts.
    pub known: Vec<String>,
}
