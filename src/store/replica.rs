//! Rows of the processes that use this database.

use super::database::Store;
use super::error::Error;
use super::statement::{Stmt, args, int};
use crate::clock::UnixTime;

impl Store {
    /// Stores that this process runs, and its time.
    pub(crate) async fn upsert_replica(&self, id: &str, now: UnixTime) -> Result<(), Error> {
        let sql = "INSERT INTO replicas (id, at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET at = excluded.at";
        self.tidy(Stmt::new(sql, args![id, now])).await.map(|_| ())
    }

    /// The newest time that another replica stored.
    pub(crate) async fn newest_replica(&self, id: &str) -> Result<UnixTime, Error> {
        let sql = "SELECT at FROM replicas WHERE id <> $1 ORDER BY at DESC LIMIT 1";
        let row = self.read_one(Stmt::new(sql, args![id])).await?;
        row.map_or(Ok(UnixTime(0)), |row| int(&row, "at").map(UnixTime))
    }
}
