//! Opens the database, an SQLite file or connections to PostgreSQL, and runs the migrations.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection as _, Executor as _, SqlSafeStr as _};

use super::connections::{BOUNDS, Connections, RetiredAt, prepare_sqlite};
use super::database::Store;
use super::door::{Door, Postgres, Sqlite};
use super::error::Error;
use super::file::DatabaseFile;
use super::watch::{Own, Watch};
use crate::config::settings::Database;

impl Store {
    /// Opens the database, creates the file if it is SQLite, and migrates the schema.
    ///
    /// Installs sqlx's drivers for `Any`, which is global to the process.
    pub(crate) async fn open(database: &Database) -> Result<Self, Error> {
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
        // SQLite must never create the file: that of a running server may have been deleted.
        url.set_query(Some("mode=rw"));
        let url = url.to_string();

        // Two processes that start at once on a new file: one migrates, the other waits.
        let mut options = std::fs::OpenOptions::new();
        let lock = absolute.with_added_extension("lock");
        let lock = own_file(options.create(true).truncate(false), &lock).map_err(file_error)?;
        let locked = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
        let lock = locked.map_err(std::io::Error::other).flatten().map_err(file_error)?;
        make_own_file(&absolute).map_err(file_error)?;
        let mut connection = AnyConnection::connect(&url).await?;
        prepare_sqlite(&mut connection).await?;
        migrator().run(&mut connection).await?;
        drop(lock);

        let pool = AnyPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            // Connections to a file need no ping.
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    prepare_sqlite(connection).await.map_err(|error| sqlx::Error::Configuration(error.into()))
                })
            })
            .connect(&url)
            .await?;
        let file = Arc::new(DatabaseFile::opened(absolute).map_err(file_error)?);
        let door = Door::Sqlite(Sqlite::start(connection, url, file.clone()));
        let reads = Connections::new(pool, RetiredAt::default());
        Ok(Store { watch: Watch::Pool(reads.clone()), reads, door, file: Some(file), written: Arc::default() })
    }

    async fn open_postgres(secret_url: &SecretString) -> Result<Self, Error> {
        let url = secret_url.expose_secret();
        // On a connection of its own: it releases the migrations' lock when it ends, whatever happens.
        let mut connection = AnyConnection::connect(url).await?;
        migrator().run(&mut connection).await?;
        connection.close().await?;
        let writes = postgres_pool(url, WRITES).await?;
        let reads = postgres_pool(url, READS).await?;
        let watch = Own::new(secret_url.clone());
        let door = Door::Postgres(Postgres { writes, reads: reads.clone(), watch: watch.clone() });
        Ok(Store { reads, watch: Watch::Own(watch), door, file: None, written: Arc::default() })
    }
}

/// The most connections to PostgreSQL for writes. Most of them wait for the disk, and those that wait at the same time share
/// one flush.
const WRITES: u32 = 12;

/// The most connections to PostgreSQL for reads.
const READS: u32 = 8;

/// Connections are pinged before use only after they have been idle for this long.
const LONG_IDLE: Duration = Duration::from_secs(30);

async fn postgres_pool(url: &str, connections: u32) -> Result<Connections, sqlx::Error> {
    let retired_at = RetiredAt::default();
    let before = retired_at.clone();
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .before_acquire(move |connection, about| {
            let is_retired = before.includes(about.age);
            Box::pin(async move { Ok(!is_retired && (about.idle_for < LONG_IDLE || connection.ping().await.is_ok())) })
        })
        .after_connect(|connection, _| Box::pin(async move { connection.execute(BOUNDS).await.map(drop) }))
        .connect(url)
        .await?;
    Ok(Connections::new(pool, retired_at))
}

/// Creates the database file, readable by its owner only; SQLite gives its other files the same mode. An existing file is
/// not opened: closing it here would drop the locks of other connections of this process.
fn make_own_file(path: &std::path::Path) -> std::io::Result<()> {
    match own_file(std::fs::OpenOptions::new().create_new(true), path) {
        Err(_) if path.is_dir() => Err(std::io::ErrorKind::IsADirectory.into()),
        // A symbolic link to a file that does not exist yet.
        Err(_) if path.is_symlink() && !path.exists() => {
            own_file(std::fs::OpenOptions::new().create(true), path).map(drop)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Opens a file to write. A new one is readable by its owner only.
fn own_file(options: &mut std::fs::OpenOptions, path: &std::path::Path) -> std::io::Result<std::fs::File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true).open(path)
}

/// The migrations, embedded in the binary. The table's name keeps them apart from an embedder's.
fn migrator() -> Migrator {
    let migrations = [
        (1, "first", include_str!("../../migrations/0001_first.sql")),
        (2, "clients", include_str!("../../migrations/0002_clients.sql")),
        (3, "key purpose", include_str!("../../migrations/0003_key_purpose.sql")),
        (4, "journeys and people", include_str!("../../migrations/0004_journeys_and_people.sql")),
    ]
    .map(|(version, name, sql)| Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false));
    let mut migrator = Migrator::with_migrations(migrations.into());
    migrator.dangerous_set_table_name("_jean_migrations");
    migrator
}
