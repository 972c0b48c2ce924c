//! The database: SQLite by default, PostgreSQL where there is more than one machine, the same SQL for both.
//!
//! Owns every SQL statement and the only `use` of sqlx; one file for each table, methods named by what they mean in the
//! protocol. All writes go through one door, [`Store::write`]: it answers only after the commit, on SQLite with up to 64
//! queued statements in one transaction. A decision is one guarded statement; a unit of several begins with one. `now` is
//! an argument, SQL has no clock. Secrets arrive as hashes or sealed.

mod client;
mod consent;
mod grant;
mod jti;
mod key;
mod login;
mod open;
mod person;
mod replica;
mod session;
mod statement;
mod writer;

use std::sync::Arc;

use sqlx::AnyPool;
use sqlx::any::AnyRow;

pub use consent::Consent;
pub use grant::{Lifetimes, NewGrant, Redemption, Rotation, StoredGrant};
pub use key::StoredKey;
pub use login::{LoginRow, Stage};
pub use person::SignIn;

use crate::config::settings::ClientSettings;
use statement::{Stmt, args, int, text, time};
use writer::Writer;

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
    /// The writer has stopped.
    #[error("the database is being closed")]
    Closed,
}

impl From<Error> for crate::oauth::error::Error {
    fn from(error: Error) -> Self {
        crate::oauth::error::Error::unavailable(error)
    }
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    writer: Option<Writer>,
}

impl Store {
    /// One guarded statement: its rows, once they are committed.
    pub(crate) async fn write(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        match &self.writer {
            Some(writer) => writer.run(vec![stmt]).await,
            None => Ok(stmt.query().fetch_all(&self.pool).await?),
        }
    }

    /// A unit: where the first statement returns no row, nothing of it happens; else all of it or nothing does.
    /// Answers with the rows of the first.
    pub(crate) async fn write_unit(&self, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        if let Some(writer) = &self.writer {
            return writer.run(unit).await;
        }
        let mut transaction = self.pool.begin().await?;
        let mut rows = Vec::new();
        for (i, stmt) in unit.into_iter().enumerate() {
            let returned = stmt.query().fetch_all(&mut *transaction).await?;
            if i == 0 {
                if returned.is_empty() {
                    return Ok(returned);
                }
                rows = returned;
            }
        }
        transaction.commit().await?;
        Ok(rows)
    }

    /// The rows of a SELECT.
    pub(crate) async fn read(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        Ok(stmt.query().fetch_all(&self.pool).await?)
    }

    /// The first row of a SELECT.
    pub(crate) async fn read_one(&self, stmt: Stmt) -> Result<Option<AnyRow>, Error> {
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
        self.write(Stmt::new(sql, args![name, value])).await.map(|_| ())
    }

    /// Replaces a single fact, unless it has changed meanwhile.
    pub async fn replace_meta(&self, name: &str, old: &str, new: &str) -> Result<(), Error> {
        let sql = "UPDATE meta SET value = $3 WHERE name = $1 AND value = $2";
        self.write(Stmt::new(sql, args![name, old, new])).await.map(|_| ())
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
            self.write(Stmt::new(sql, args![now])).await?;
        }
        self.sweep_grants(now).await?;
        self.sweep_clients(clients, now).await
    }

    /// Ends all connections; what was committed stays.
    pub async fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
        self.pool.close().await;
    }
}
