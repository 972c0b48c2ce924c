//! The database from outside, as an operator's shell or a fault would reach it.

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

use super::World;

impl World {
    /// The URL of its database.
    pub(crate) fn database_url(&self) -> String {
        let line = self.config.lines().find_map(|line| line.strip_prefix("database = ")).expect("a database");
        line.trim_matches('"').to_owned()
    }

    /// Runs a statement of the test's own.
    pub(crate) async fn sql(&self, sql: &str) {
        let mut connection = self.connection().await;
        connection.execute(AssertSqlSafe(sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        connection.close().await.expect("the connection closes");
    }

    /// The texts of the first row of a SELECT.
    pub(crate) async fn row(&self, sql: &str) -> Vec<String> {
        let mut connection = self.connection().await;
        let row = connection.fetch_one(AssertSqlSafe(sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        connection.close().await.expect("the connection closes");
        (0..row.len()).map(|i| row.get(i)).collect()
    }

    async fn connection(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.database_url()).await.expect("the database answers")
    }
}
