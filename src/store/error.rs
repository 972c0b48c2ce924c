//! What goes wrong at the database.

use std::sync::Arc;

/// A fault of the database; what it means for a request is "try again".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do what was asked.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// No connection could be opened.
    #[error("the database cannot be reached: {0}")]
    Connect(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database's migrations: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The file cannot be used.
    #[error("the database file {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A row holds what jean never writes.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(String),
    /// SQLite runs without what its safety rests on.
    #[error("SQLite would not set {0}")]
    Pragma(&'static str),
    /// The transaction failed that the statement was part of, with all others in it.
    #[error(transparent)]
    Transaction(Arc<Error>),
    /// No connection became free in time.
    #[error("no connection to the database became free in time")]
    Busy,
    /// The database did not answer; whether it did what was asked is not known.
    #[error("the database does not answer")]
    Silent,
    /// The request was over before its turn came; nothing was done.
    #[error("the request was over before its turn at the database")]
    Abandoned,
    /// The file of the database is no longer at its place: what is written goes nowhere.
    #[error("the file of the database was replaced or deleted while the server was running")]
    Gone,
    /// The store was closed.
    #[error("the database is being closed")]
    Closed,
}

impl Error {
    /// Whether the database said this.
    pub(super) fn says(&self, what: fn(&sqlx::Error) -> bool) -> bool {
        matches!(self, Error::Database(error) if what(error))
    }
}

impl From<Error> for crate::oauth::error::Error {
    fn from(error: Error) -> Self {
        crate::oauth::error::Error::unavailable(error)
    }
}
