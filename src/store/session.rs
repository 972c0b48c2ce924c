//! Rows of browser sessions. The data holds only the id of a sign-in.

use super::database::Store;
use super::error::Error;
use super::statement::{Stmt, args, text};
use crate::clock::UnixTime;
use crate::oauth::token::TokenHash;

impl Store {
    /// Inserts a session; `false` if the id is taken.
    pub(crate) async fn insert_session(&self, id: &TokenHash, data: &str, expires_at: UnixTime) -> Result<bool, Error> {
        let sql = "INSERT INTO sessions (id_hash, data, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id_hash";
        Ok(!self.record(Stmt::new(sql, args![id, data, expires_at])).await?.is_empty())
    }

    /// Replaces what a session holds.
    pub(crate) async fn save_session(&self, id: &TokenHash, data: &str, expires_at: UnixTime) -> Result<(), Error> {
        let sql = "INSERT INTO sessions (id_hash, data, expires_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (id_hash) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at";
        self.record(Stmt::new(sql, args![id, data, expires_at])).await.map(|_| ())
    }

    /// What the session holds, unless it has expired.
    pub(crate) async fn find_session(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, Error> {
        let sql = "SELECT data FROM sessions WHERE id_hash = $1 AND expires_at > $2";
        self.read_one(Stmt::new(sql, args![id, now])).await?.map(|row| text(&row, "data")).transpose()
    }

    pub(crate) async fn delete_session(&self, id: &TokenHash) -> Result<(), Error> {
        self.record(Stmt::new("DELETE FROM sessions WHERE id_hash = $1", args![id])).await.map(|_| ())
    }
}
