//! The processes that serve from this database.

use super::{Error, Stmt, Store, args, int};
use crate::clock::UnixTime;

impl Store {
    /// Says that this process is there, and what time it thinks it is.
    pub async fn upsert_replica(&self, id: &str, now: UnixTime) -> Result<(), Error> {
        let sql = "INSERT INTO replicas (id, at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET at = excluded.at";
        self.write(Stmt::new(sql, args![id, now])).await.map(|_| ())
    }

    /// The newest time that any replica wrote.
    pub async fn newest_replica(&self) -> Result<UnixTime, Error> {
        let row = self.read_one(Stmt::new("SELECT at FROM replicas ORDER BY at DESC LIMIT 1", [])).await?;
        row.map_or(Ok(UnixTime(0)), |row| int(&row, "at").map(UnixTime))
    }
}
