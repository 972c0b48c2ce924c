//! Rows of `signing_keys`. The private half is sealed.

use super::database::Store;
use super::error::Error;
use super::statement::{Stmt, args, int, text, time};
use crate::clock::UnixTime;

/// A row of `signing_keys`.
#[derive(Clone, Debug)]
pub(crate) struct StoredKey {
    /// What it signs.
    pub purpose: String,
    /// The algorithm, as in JOSE headers.
    pub alg: String,
    /// Its place among the keys of its algorithm.
    pub slot: i64,
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// The public half, as JSON.
    pub public_jwk: String,
    /// The private half, sealed with the root secret.
    pub sealed: String,
    pub created_at: UnixTime,
    /// When it begins to sign.
    pub sign_from: UnixTime,
    /// When it was revoked, or 0.
    pub revoked_at: UnixTime,
}

impl Store {
    /// Inserts a key into its slot, unless another process was faster. Load the table again in either case.
    pub(crate) async fn insert_key(&self, key: &StoredKey) -> Result<(), Error> {
        let sql = "INSERT INTO signing_keys (alg, slot, kid, public_jwk, sealed, created_at, sign_from, revoked_at, \
                   purpose) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
        let args = args![
            key.alg.as_str(),
            key.slot,
            key.kid.as_str(),
            key.public_jwk.as_str(),
            key.sealed.as_str(),
            key.created_at,
            key.sign_from,
            key.revoked_at,
            key.purpose.as_str(),
        ];
        self.record(Stmt::new(sql, args)).await.map(|_| ())
    }

    /// Replaces the sealed half of a key, unless another process was faster.
    pub(crate) async fn reseal_key(&self, key: &StoredKey, sealed: &str) -> Result<(), Error> {
        let sql = "UPDATE signing_keys SET sealed = $3 WHERE kid = $1 AND sealed = $2";
        self.record(Stmt::new(sql, args![key.kid.as_str(), key.sealed.as_str(), sealed])).await.map(|_| ())
    }

    /// All keys, the oldest first.
    pub(crate) async fn keys(&self) -> Result<Vec<StoredKey>, Error> {
        let sql = "SELECT purpose, alg, slot, kid, public_jwk, sealed, created_at, sign_from, revoked_at \
                   FROM signing_keys ORDER BY sign_from, alg, slot";
        let rows = self.read_changes(Stmt::new(sql, [])).await?;
        rows.iter()
            .map(|row| {
                Ok(StoredKey {
                    purpose: text(row, "purpose")?,
                    alg: text(row, "alg")?,
                    slot: int(row, "slot")?,
                    kid: text(row, "kid")?,
                    public_jwk: text(row, "public_jwk")?,
                    sealed: text(row, "sealed")?,
                    created_at: time(row, "created_at")?,
                    sign_from: time(row, "sign_from")?,
                    revoked_at: time(row, "revoked_at")?,
                })
            })
            .collect()
    }
}
