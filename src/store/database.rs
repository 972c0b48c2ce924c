//! The handle to the database: reads and writes rows, and holds the statements that belong to no single table.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::any::AnyRow;

use super::connections::Connections;
use super::door::{Door, Kind};
use super::error::Error;
use super::file::DatabaseFile;
use super::statement::{Stmt, args, text};
use super::watch::Watch;
use crate::config::settings::ClientSettings;

#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(super) reads: Connections,
    pub(super) watch: Watch,
    pub(super) door: Door,
    /// The SQLite file, if that is the database.
    pub(super) file: Option<Arc<DatabaseFile>>,
    /// Whether anything but housekeeping was written since the time was last stored.
    pub(super) written: Arc<AtomicBool>,
}

impl Store {
    /// Runs one guarded statement that gives or spends something. Returns its rows after the commit. It does not run if the
    /// request is over before its turn comes.
    pub(super) async fn give(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.write(Kind::Give, vec![stmt]).await
    }

    /// The same with several statements. If the first one returns no row, the others do not run; else all or none of them
    /// are committed. Returns the rows of the first.
    pub(super) async fn give_all(&self, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        self.write(Kind::Give, unit).await
    }

    /// Runs one guarded statement that ends, saves or records something. Returns its rows after the commit. It runs even
    /// if the request is over.
    pub(super) async fn record(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.write(Kind::Record, vec![stmt]).await
    }

    /// The same with several statements, as in [`give_all`](Self::give_all).
    pub(super) async fn record_all(&self, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        self.write(Kind::Record, unit).await
    }

    /// Runs one statement of this process's own housekeeping.
    pub(super) async fn tidy(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.write(Kind::Tidy, vec![stmt]).await
    }

    async fn write(&self, kind: Kind, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        self.is_there()?;
        if kind != Kind::Tidy {
            self.written.store(true, Ordering::Release);
        }
        self.door.run(kind, unit).await
    }

    /// Fails if the database file is gone: another one may be at its path by now.
    fn is_there(&self) -> Result<(), Error> {
        match &self.file {
            Some(file) if file.is_gone() => Err(Error::Gone),
            _ => Ok(()),
        }
    }

    /// Runs a SELECT.
    pub(super) async fn read(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.is_there()?;
        self.reads.read(stmt).await
    }

    /// Runs a SELECT of what other processes change, within a bounded time.
    pub(super) async fn read_changes(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        self.is_there()?;
        self.watch.read(stmt).await
    }

    /// Runs a SELECT. Returns the first row.
    pub(super) async fn read_one(&self, stmt: Stmt) -> Result<Option<AnyRow>, Error> {
        Ok(self.read(stmt).await?.into_iter().next())
    }

    /// Whether other machines may use the same database. An SQLite file belongs to one machine, which has one clock.
    pub(crate) fn is_shared(&self) -> bool {
        self.file.is_none()
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.read(Stmt::new("SELECT 1 AS one", [])).await.map(|_| ())
    }

    /// The value of a row of `meta`.
    pub(crate) async fn find_meta(&self, name: &str) -> Result<Option<String>, Error> {
        let row = self.read_one(Stmt::new("SELECT value FROM meta WHERE name = $1", args![name])).await?;
        row.map(|row| text(&row, "value")).transpose()
    }

    /// Inserts a row of `meta`; `false` if there is one of this name already.
    pub(crate) async fn insert_meta(&self, name: &str, value: &str) -> Result<bool, Error> {
        let sql = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name";
        Ok(!self.record(Stmt::new(sql, args![name, value])).await?.is_empty())
    }

    /// Replaces the value of a row of `meta`; `false` if it has changed meanwhile.
    pub(crate) async fn replace_meta(&self, name: &str, old: &str, new: &str) -> Result<bool, Error> {
        let sql = "UPDATE meta SET value = $3 WHERE name = $1 AND value = $2 RETURNING name";
        Ok(!self.record(Stmt::new(sql, args![name, old, new])).await?.is_empty())
    }

    /// Stores the time, if anything else was written since it was last stored.
    pub(crate) async fn note_time(&self, name: &str, now: crate::clock::UnixTime) -> Result<(), Error> {
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

    /// Deletes what has expired. People stay. A grant stays for as long as one of its tokens could be presented; a client
    /// stays for as long as it has a grant, and for some time after that.
    pub(crate) async fn sweep(&self, clients: &ClientSettings, now: crate::clock::UnixTime) -> Result<(), Error> {
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

    /// Verifies that the file at the database's path is still the one that was opened. After two failures in a row
    /// nothing is read or written any more.
    pub(crate) async fn verify_file(&self) {
        if let Some(file) = self.file.clone() {
            let _ = tokio::task::spawn_blocking(move || file.verify()).await;
        }
    }

    /// Resolves with its path when the database file is gone, so that nothing can be written any more; else never.
    pub(crate) async fn gone(&self) -> std::path::PathBuf {
        match &self.file {
            Some(file) => file.gone().await,
            None => std::future::pending().await,
        }
    }

    /// Waits for pending writes, then closes all connections.
    pub(crate) async fn close(&self) {
        self.door.close().await;
        self.watch.close().await;
        self.reads.close().await;
    }
}
