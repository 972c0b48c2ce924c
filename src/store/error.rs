//! Faults of the database.

use std::sync::Arc;

/// A fault of the database. For a request it means "try again".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A statement failed.
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
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A row holds what jean never writes.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(String),
    /// SQLite runs without a pragma that safety depends on.
    #[error("SQLite would not set {0}")]
    Pragma(&'static str),
    /// The transaction that the statement was part of failed, with all its statements.
    #[error(transparent)]
    Transaction(Arc<Error>),
    /// No connection became free in time.
    #[error("no connection to the database became free in time")]
    Busy,
    /// The database did not answer; whether the statement was executed is unknown.
    #[error("the database does not answer")]
    Silent,
    /// The request was over before its turn came; nothing was done.
    #[error("the request was over before its turn at the database")]
    Abandoned,
    /// The database file is no longer at its path, so writes would be lost.
    #[error("the file of the database was replaced or deleted while the server was running")]
    Gone,
    /// The store was closed.
    #[error("the database is being closed")]
    Closed,
}

impl Error {
    /// Whether this is an error of sqlx for which `what` holds.
    pub(super) fn is_database_and(&self, what: fn(&sqlx::Error) -> bool) -> bool {
        matches!(self, Error::Database(error) if what(error))
    }
}

impl From<Error> for crate::oauth::error::Error {
    fn from(error: Error) -> Self {
        crate::oauth::error::Error::unavailable(error)
    }
}
