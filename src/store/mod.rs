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
mod person;
mod replica;
mod session;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Executor as _, Row as _, SqlSafeStr as _};

pub use consent::Consent;
pub use grant::{Lifetimes, NewGrant, Redemption, Rotation, StoredGrant};
pub use key::StoredKey;
pub use login::{LoginRow, Stage};
pub use person::SignIn;

use crate::config::settings::{ClientSettings, Database};
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

/// One statement with its arguments.
#[derive(Debug)]
pub(crate) struct Stmt {
    sql: &'static str,
    args: Vec<Arg>,
}

/// The two types that both databases agree on.
#[derive(Debug)]
pub(crate) enum Arg {
    Text(String),
    Int(i64),
}

impl Stmt {
    fn new(sql: &'static str, args: impl IntoIterator<Item = Arg>) -> Self {
        Stmt { sql, args: args.into_iter().collect() }
    }

    fn query(self) -> Query<'static, Any, AnyArguments> {
        self.args.into_iter().fold(sqlx::query(self.sql), |query, arg| match arg {
            Arg::Text(text) => query.bind(text),
            Arg::Int(int) => query.bind(int),
        })
    }
}

/// Turns what the domain has into arguments: `args![id, now, "text"]`.
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::store::Arg::from($value)),*] };
}
pub(crate) use args;

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Arg::Text(text)
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Arg::Text(text.to_owned())
    }
}

impl From<i64> for Arg {
    fn from(int: i64) -> Self {
        Arg::Int(int)
    }
}

impl From<crate::clock::UnixTime> for Arg {
    fn from(time: crate::clock::UnixTime) -> Self {
        Arg::Int(time.0)
    }
}

impl From<crate::oauth::grant::RowId> for Arg {
    fn from(id: crate::oauth::grant::RowId) -> Self {
        Arg::Int(id.0)
    }
}

impl From<&crate::oauth::token::TokenHash> for Arg {
    fn from(hash: &crate::oauth::token::TokenHash) -> Self {
        Arg::Text(hash.as_str().to_owned())
    }
}

impl Store {
    /// Opens the database, creates the file where it is SQLite, and brings the schema up to date.
    ///
    /// Installs sqlx's drivers for `Any`, which is global to the process.
    pub async fn open(database: &Database) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        match database {
            Database::Sqlite(path) => Store::open_sqlite(path).await,
            Database::Postgres(url) => Store::open_postgres(url).await,
        }
    }

    async fn open_sqlite(path: &std::path::Path) -> Result<Self, Error> {
        let file_error = |source| Error::File { path: path.display().to_string(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(file_error)?;
        }
        let absolute = std::path::absolute(path).map_err(file_error)?;
        let mut url = url::Url::parse("sqlite:///").map_err(|error| Error::Corrupt(error.to_string()))?;
        url.set_path(&absolute.to_string_lossy());
        url.set_query(Some("mode=rwc"));
        let url = url.to_string();

        // Two processes that start at once on a new file: one migrates, the other waits.
        let lock = own_file(&absolute.with_extension("lock")).map_err(file_error)?;
        let locked = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
        let lock = locked.map_err(std::io::Error::other).flatten().map_err(file_error)?;
        own_file(&absolute).map_err(file_error)?;
        let mut connection = AnyConnection::connect(&url).await?;
        prepare_sqlite(&mut connection).await?;
        migrator().run(&mut connection).await?;
        drop(lock);

        let pool = AnyPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(|connection, _| {
                Box::pin(async move {
                    prepare_sqlite(connection).await.map_err(|error| sqlx::Error::Configuration(error.into()))
                })
            })
            .connect(&url)
            .await?;
        Ok(Store { pool, writer: Some(Writer::start(connection, url)) })
    }

    async fn open_postgres(url: &SecretString) -> Result<Self, Error> {
        let pool = AnyPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(5))
            .connect(url.expose_secret())
            .await?;
        migrator().run(&pool).await?;
        Ok(Store { pool, writer: None })
    }

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

/// Makes a file for its owner alone, unless it is there. SQLite gives the files beside its own the same mode.
fn own_file(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Sets what safety rests on and checks it on the live connection, since `AnyPool` carries no pragmas.
async fn prepare_sqlite(connection: &mut AnyConnection) -> Result<(), Error> {
    // The busy timeout first: changing the journal mode needs the file for itself.
    for pragma in ["PRAGMA busy_timeout = 5000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"] {
        connection.execute(sqlx::query(pragma)).await?;
    }
    let journal = connection.fetch_all("PRAGMA journal_mode").await?;
    if journal.first().is_none_or(|row| !matches!(row.try_get::<String, _>(0).as_deref(), Ok("wal"))) {
        return Err(Error::Pragma("journal_mode=WAL"));
    }
    let synchronous = connection.fetch_all("PRAGMA synchronous").await?;
    if synchronous.first().is_none_or(|row| !matches!(row.try_get::<i64, _>(0), Ok(2))) {
        return Err(Error::Pragma("synchronous=FULL"));
    }
    Ok(())
}

/// The migrations, within the binary. The table's name keeps them apart from those of an embedder.
fn migrator() -> Migrator {
    let migrations = [
        (1, "first", include_str!("../../migrations/0001_first.sql")),
        (2, "clients", include_str!("../../migrations/0002_clients.sql")),
        (3, "key purpose", include_str!("../../migrations/0003_key_purpose.sql")),
    ]
    .map(|(version, name, sql)| Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false));
    let mut migrator = Migrator::with_migrations(migrations.into());
    migrator.dangerous_set_table_name("_jean_migrations");
    migrator
}

/// A TEXT column.
fn text(row: &AnyRow, column: &'static str) -> Result<String, Error> {
    Ok(row.try_get(column)?)
}

/// A BIGINT column.
fn int(row: &AnyRow, column: &'static str) -> Result<i64, Error> {
    Ok(row.try_get(column)?)
}

/// A BIGINT column that holds a time.
fn time(row: &AnyRow, column: &'static str) -> Result<crate::clock::UnixTime, Error> {
    int(row, column).map(crate::clock::UnixTime)
}
