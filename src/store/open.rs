//! Opening the database: the file of SQLite or the connections to PostgreSQL, and the migrations.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _, Row as _, SqlSafeStr as _};

use super::connections::Connections;
use super::door::{Door, Postgres, Sqlite};
use super::{Error, Store};
use crate::config::settings::Database;

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
        Ok(Store { reads: Connections::new(pool), door: Door::Sqlite(Sqlite::start(connection, url)) })
    }

    async fn open_postgres(url: &SecretString) -> Result<Self, Error> {
        let url = url.expose_secret();
        // On a connection of its own: the lock that migrations take ends with it, whatever happens.
        let mut connection = AnyConnection::connect(url).await?;
        migrator().run(&mut connection).await?;
        connection.close().await?;
        let writes = Connections::new(postgres_pool(url).await?);
        let reads = Connections::new(postgres_pool(url).await?);
        Ok(Store { reads: reads.clone(), door: Door::Postgres(Postgres { writes, reads }) })
    }
}

/// How many connections each of the two pools has at most.
const POSTGRES_CONNECTIONS: u32 = 8;

/// Connections are looked at before use only after they have been idle for this long.
const LONG_IDLE: Duration = Duration::from_secs(30);

async fn postgres_pool(url: &str) -> Result<AnyPool, sqlx::Error> {
    AnyPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move { Ok(about.idle_for < LONG_IDLE || connection.ping().await.is_ok()) })
        })
        .after_connect(|connection, _| Box::pin(async move { connection.execute(BOUNDS).await.map(drop) }))
        .connect(url)
        .await
}

/// What bounds a request that waits for its outcome. The last one is a net: no transaction is left open.
const BOUNDS: &str = "SET lock_timeout = '5s'; SET statement_timeout = '30s'; \
                      SET idle_in_transaction_session_timeout = '10s'";

/// Makes a file for its owner alone, unless it is there. SQLite gives the files beside its own the same mode.
fn own_file(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Sets what safety rests on and checks it on the live connection, since `AnyPool` carries no pragmas.
pub(super) async fn prepare_sqlite(connection: &mut AnyConnection) -> Result<(), Error> {
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
