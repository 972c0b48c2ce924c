//! Rows of spent assertions.

use super::database::Store;
use super::error::Error;
use super::statement::{Stmt, args};
use crate::clock::UnixTime;
use crate::oauth::token::TokenHash;

impl Store {
    /// Spends the `jti` of an issuer, by its hash; `false` if it was spent before. The row stays until `until`.
    pub(crate) async fn spend_jti(&self, issuer: &str, jti: &TokenHash, until: UnixTime) -> Result<bool, Error> {
        let sql = "INSERT INTO jti_seen (issuer, jti, until) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING jti";
        Ok(!self.record(Stmt::new(sql, args![issuer, jti, until])).await?.is_empty())
    }
}
