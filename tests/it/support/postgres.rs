//! A throw-away PostgreSQL cluster for the tests of this process; `tests/postgres.sh` ends it when this process does.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

/// The URL of a new, empty database.
pub async fn postgres() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let cluster = tokio::task::spawn_blocking(cluster).await.expect("the cluster starts");
    let name = format!("jean_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&cluster).await.expect("PostgreSQL answers");
    // The name is made here, of digits.
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    connection.execute(create).await.expect("a database is made");
    connection.close().await.expect("the connection closes");
    let mut url = url::Url::parse(&cluster).expect("a URL");
    url.set_path(&name);
    url.into()
}

/// The URL of the cluster: the one that JEAN_TEST_POSTGRES names, or one of our own.
fn cluster() -> String {
    static CLUSTER: OnceLock<String> = OnceLock::new();
    /// Held for its standard input, whose end is the end of the cluster.
    static CHILD: Mutex<Option<Child>> = Mutex::new(None);
    let start = || {
        if let Ok(url) = std::env::var("JEAN_TEST_POSTGRES") {
            return url;
        }
        let mut child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres.sh"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests/postgres.sh runs");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut url).expect("its first line");
        assert!(url.starts_with("postgres://"), "PostgreSQL did not start: install Debian's postgresql");
        *CHILD.lock().expect("nobody panicked") = Some(child);
        url.trim().to_owned()
    };
    CLUSTER.get_or_init(start).clone()
}
