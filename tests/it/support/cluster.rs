//! PostgreSQL servers to throw away, by `tests/postgres.sh`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

/// A server, which ends with this value or with this process.
pub(crate) struct Cluster {
    /// Its URL, with the database `postgres`.
    pub url: String,
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Cluster {
    /// A server that does not wait for the disk.
    pub(crate) fn start() -> Self {
        Cluster::start_with(&[])
    }

    /// One with these variables for the script.
    pub(crate) fn start_with(environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres.sh"));
        command.envs(environment.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("tests/postgres.sh runs");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut url = String::new();
        out.read_line(&mut url).expect("its first line");
        assert!(url.starts_with("postgres://"), "PostgreSQL did not start: install Debian's postgresql");
        Cluster { url: url.trim().to_owned(), child, out }
    }

    /// Restarts the server: `fast` ends every connection, `immediate` is as a crash. Returns when it is up again.
    pub(crate) fn restart(&mut self, mode: &str) {
        let stdin = self.child.stdin.as_mut().expect("its input");
        writeln!(stdin, "restart {mode}").expect("it is told");
        let mut done = String::new();
        self.out.read_line(&mut done).expect("its answer");
        assert_eq!(done.trim(), "restarted");
    }

    /// The URL of a new, empty database of this name.
    pub(crate) async fn database(&self, name: &str) -> String {
        create_database(&self.url, name).await
    }
}

/// The URL of a new, empty database of this name, in the cluster at `url`.
pub(crate) async fn create_database(url: &str, name: &str) -> String {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.expect("PostgreSQL answers");
    // The names are the tests' own.
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    connection.execute(create).await.expect("a database is made");
    connection.close().await.expect("the connection closes");
    let mut url = url::Url::parse(url).expect("a URL");
    url.set_path(name);
    url.into()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
