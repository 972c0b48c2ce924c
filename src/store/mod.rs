//! The database: SQLite by default, PostgreSQL where there is more than one machine, the same SQL for both.
//!
//! Owns every SQL statement and the only `use` of sqlx; one file for each table, with methods named by what they mean in
//! the protocol. A decision is one guarded statement; a unit of several begins with one. `now` is an argument, SQL has no
//! clock. Secrets arrive as hashes or sealed.
//!
//! No request holds a connection. All writes go through one [`door`], in tasks of its own, and are answered only after
//! their commit; reads run in tasks that own their [connection](connections), and those by which replicas learn of each
//! other have [one to themselves](watch). [`request`] says what a request that is dropped leaves behind.

mod client;
mod connections;
mod consent;
mod door;
mod file;
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
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::any::AnyRow;

pub use consent::Consent;
pub use grant::{Lifetimes, NewGrant, OwnedGrant, Redemption, Rotation, StoredGrant};
pub use key::StoredKey;
pub use login::{Bounds, LoginRow, Stage};
pub use person::SignIn;
pub use request::{to_the_end, within};

use crate::config::settings::ClientSettings;
use connections::Connections;
use door::{Door, Kind};
use file::DatabaseFile;
use statement::{Stmt, args, int, text, time};
use watch::Watch;

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
    watch: Watch,
    door: Door,
    /// The file of SQLite.
    file: Option<Arc<DatabaseFile>>,
    /// Whether anything was written that is more than housekeeping.
    written: Arc<AtomicBool>,
}

impl Store {
    /// One guarded statement that gives or spends something: its rows, once they are committed. It does not run if the
    /// request is over before its turn comes.
    async fn give(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.write(Kind::Give, vec![stmt]).await
    }

    /// The same with several statements. If the first one returns no row, nothing happens; else all of it happens or
    /// nothing. Gives the rows of the first.
    async fn give_all(&self, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        self.write(Kind::Give, unit).await
    }

    /// One guarded statement that ends, saves or records something: its rows, once they are committed. It runs even if
    /// the request is over.
    async fn record(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.write(Kind::Record, vec![stmt]).await
    }

    /// The same with several statements, as in [`give_all`](Self::give_all).
    async fn record_all(&self, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        self.write(Kind::Record, unit).await
    }

    /// One statement of this process's own housekeeping.
    async fn tidy(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.write(Kind::Tidy, vec![stmt]).await
    }

    async fn write(&self, kind: Kind, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        self.is_there()?;
        if kind != Kind::Tidy {
            self.written.store(true, Ordering::Release);
        }
        self.door.run(kind, unit).await
    }

    /// Refuses to go on if the file of the database is gone: another one may be at its place by now.
    fn is_there(&self) -> Result<(), Error> {
        match &self.file {
            Some(file) if file.is_gone() => Err(Error::Gone),
            _ => Ok(()),
        }
    }

    /// The rows of a SELECT.
    async fn read(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.is_there()?;
        self.reads.read(stmt).await
    }

    /// The rows of a SELECT of what other processes change, within a bounded time.
    async fn read_changes(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.is_there()?;
        self.watch.read(stmt).await
    }

    /// The first row of a SELECT.
    async fn read_one(&self, stmt: Stmt) -> Result<Option<AnyRow>, Error> {
        Ok(self.read(stmt).await?.into_iter().next())
    }

    /// Whether other machines may serve from the same database. A file of SQLite is one machine's, which has one clock.
    pub fn is_shared(&self) -> bool {
        self.file.is_none()
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

    /// Sets a single fact; `false` if it is set already.
    pub async fn insert_meta(&self, name: &str, value: &str) -> Result<bool, Error> {
        let sql = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name";
        Ok(!self.record(Stmt::new(sql, args![name, value])).await?.is_empty())
    }

    /// Replaces a single fact; `false` if it has changed meanwhile.
    pub async fn replace_meta(&self, name: &str, old: &str, new: &str) -> Result<bool, Error> {
        let sql = "UPDATE meta SET value = $3 WHERE name = $1 AND value = $2 RETURNING name";
        Ok(!self.record(Stmt::new(sql, args![name, old, new])).await?.is_empty())
    }

    /// Writes down what time it is, if anything else was written since that was done last.
    pub async fn note_time(&self, name: &str, now: crate::clock::UnixTime) -> Result<(), Error> {
        if !self.written.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let sql =
            "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        let noted = self.tidy(Stmt::new(sql, args![name, now.to_string()])).await;
        if noted.is_err() {
            self.written.store(true, Ordering::Release);
        }
        noted.map(|_| ())
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
            self.tidy(Stmt::new(sql, args![now])).await?;
        }
        self.sweep_grants(now).await?;
        self.trim_clients(&clients.registrations, now).await?;
        self.sweep_clients(clients, now).await
    }

    /// Verifies that the file at the path of the database is still the one that was opened. After two failures in a row
    /// nothing is read or written any more.
    pub async fn verify_file(&self) {
        if let Some(file) = self.file.clone() {
            let _ = tokio::task::spawn_blocking(move || file.look()).await;
        }
    }

    /// Resolves when nothing can be written any more, because the file of the database is gone; else never.
    pub async fn gone(&self) -> std::path::PathBuf {
        match &self.file {
            Some(file) => file.gone().await,
            None => std::future::pending().await,
        }
    }

    /// Waits for what is being written, then ends all connections.
    pub async fn close(&self) {
        self.door.close().await;
        self.watch.close().await;
        self.reads.close().await;
    }
}
