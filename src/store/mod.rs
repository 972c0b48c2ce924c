//! The database: SQLite by default, PostgreSQL where there is more than one machine, the same SQL for both.
//!
//! Owns every SQL statement and the only `use` of sqlx; one file for each table, methods named by what they mean in the
//! protocol. A decision is one guarded statement; a unit of several begins with one. `now` is an argument, SQL has no
//! clock. Secrets arrive as hashes or sealed.
//!
//! No request holds a connection. All writes go through one [`door`], in tasks of its own, and are answered only after
//! their commit; reads run in tasks that own their [connection](connections). [`request`] says what a request that is
//! dropped leaves behind.

mod client;
mod connections;
mod consent;
mod door;
mod grant;
mod jti;
mod key;
mod login;
mod open;
mod person;
mod replica;
mod request;
mod session;
mod statement;

use std::sync::Arc;

use sqlx::any::AnyRow;

pub use consent::Consent;
pub use grant::{Lifetimes, NewGrant, Redemption, Rotation, StoredGrant};
pub use key::StoredKey;
pub use login::{LoginRow, Stage};
pub use person::SignIn;
pub use request::{to_the_end, within};

use crate::config::settings::ClientSettings;
use connections::Connections;
use door::{Door, Purpose};
use statement::{Stmt, args, int, text, time};

/// A fault of the database; what it means for a request is "try again".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do what was asked.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
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
    /// The store was closed.
    #[error("the database is being closed")]
    Closed,
}

impl Error {
    /// Whether the database said this.
    fn says(&self, what: fn(&sqlx::Error) -> bool) -> bool {
        matches!(self, Error::Database(error) if what(error))
    }
}

impl From<Error> for crate::oauth::error::Error {
    fn from(error: Error) -> Self {
        crate::oauth::error::Error::unavailable(error)
    }
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    reads: Connections,
    door: Door,
}

impl Store {
    /// One guarded statement that gives or spends something: its rows, once they are committed. It does not run if the
    /// request is over before its turn comes.
    async fn give(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.door.run(Purpose::Give, vec![stmt]).await
    }

    /// The same with several statements. If the first one returns no row, nothing happens; else all of it happens or
    /// nothing. Gives the rows of the first.
    async fn give_all(&self, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        self.door.run(Purpose::Give, unit).await
    }

    /// One guarded statement that ends, saves or records something: its rows, once they are committed. It runs even if
    /// the request is over.
    async fn record(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.door.run(Purpose::Record, vec![stmt]).await
    }

    /// The same with several statements, as in [`give_all`](Self::give_all).
    async fn record_all(&self, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        self.door.run(Purpose::Record, unit).await
    }

    /// The rows of a SELECT.
    async fn read(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.reads.read(stmt).await
    }

    /// The first row of a SELECT.
    async fn read_one(&self, stmt: Stmt) -> Result<Option<AnyRow>, Error> {
        Ok(self.read(stmt).await?.into_iter().next())
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.read(Stmt::new("SELECT 1 AS one", [])).await.map(|_| ())
    }

    /// The value of a single fact.
    pub async fn find_meta(&self, name: &str) -> Result<Option<String>, Error> {
        let row = self.read_one(Stmt::new("SELECT value FROM meta WHERE name = $1", args![name])).await?;
        row.map(|row| text(&row, "value")).transpose()
    }

    /// Sets a single fact, unless it is set already; read it back.
    pub async fn insert_meta(&self, name: &str, value: &str) -> Result<(), Error> {
        let sql = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        self.record(Stmt::new(sql, args![name, value])).await.map(|_| ())
    }

    /// Replaces a single fact, unless it has changed meanwhile.
    pub async fn replace_meta(&self, name: &str, old: &str, new: &str) -> Result<(), Error> {
        let sql = "UPDATE meta SET value = $3 WHERE name = $1 AND value = $2";
        self.record(Stmt::new(sql, args![name, old, new])).await.map(|_| ())
    }

    /// Deletes what has expired. People stay; a grant stays for as long as a token of it could be presented, and a client
    /// for as long as it has a grant, and a good while longer.
    pub async fn sweep(&self, clients: &ClientSettings, now: crate::clock::UnixTime) -> Result<(), Error> {
        for sql in [
            "DELETE FROM logins WHERE expires_at < $1",
            "DELETE FROM sessions WHERE expires_at < $1",
            "DELETE FROM sign_ins WHERE expires_at < $1 - 86400",
            "DELETE FROM jti_seen WHERE until < $1",
            "DELETE FROM replicas WHERE at < $1 - 3600 OR at > $1 + 3600",
        ] {
            self.record(Stmt::new(sql, args![now])).await?;
        }
        self.sweep_grants(now).await?;
        self.sweep_clients(clients, now).await
    }

    /// Waits for what is being written, then ends all connections.
    pub async fn close(&self) {
        self.door.close().await;
        self.reads.close().await;
    }
}
