//! The signing keys' life: made on the first start, kept sealed, published before they sign, replaced by age.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::clock::UnixTime;
use crate::config::settings::SigningAlgorithm;
use crate::keys::{self, Key, KeyRing, NewKey};
use crate::secret::RootSecret;
use crate::store::{self, Store, StoredKey};

/// How long readers may keep a JWKS, in seconds.
pub const JWKS_MAX_AGE: u64 = 300;

/// How long a key is published before it signs: at least four times the life of a cached JWKS.
const LEAD: Duration = Duration::from_secs(24 * 3600);

/// Why the keys are not usable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A key is no good.
    #[error(transparent)]
    Key(#[from] keys::Error),
    /// The private half does not open.
    #[error(
        "the root secret is not the one that this database was sealed with: set `secret_file` or JEAN_SECRET to the old \
         one, or to both with the new one first"
    )]
    WrongSecret,
    /// The root secret is no good.
    #[error(transparent)]
    Secret(#[from] crate::secret::Error),
    /// A key could not be made.
    #[error("a signing key could not be made")]
    Crashed,
}

/// The canary's place among the single facts.
const CANARY: &str = "canary";

/// Refuses to go on with another root secret than the one that the database was sealed with.
pub async fn check_secret(store: &Store, root: &RootSecret) -> Result<(), Error> {
    if store.find_meta(CANARY).await?.is_none() {
        store.insert_meta(CANARY, &root.seal(CANARY.as_bytes(), "meta/canary/value")?).await?;
    }
    let sealed = store.find_meta(CANARY).await?.unwrap_or_default();
    root.open(&sealed, "meta/canary/value").map(|_| ()).ok_or(Error::WrongSecret)
}

/// Reads the keys from the database; answers with what it read.
pub async fn load(app: &App) -> Result<Vec<StoredKey>, Error> {
    let known = app.key_ring();
    let mut ring = Vec::new();
    let rows = app.store.keys().await?;
    for row in &rows {
        let Some(algorithm) = SigningAlgorithm::parse(&row.alg) else { continue };
        let revoked = row.revoked_at.0 > 0;
        match known.find(&row.kid).filter(|key| key.revoked == revoked && key.sign_from == row.sign_from) {
            Some(key) => ring.push(key.clone()),
            None => {
                let pkcs8 = app.root.open(&row.sealed, &place(&row.alg, row.slot)).ok_or(Error::WrongSecret)?;
                ring.push(Arc::new(Key::read(algorithm, &row.public_jwk, &pkcs8, row.sign_from, revoked)?));
            }
        }
    }
    app.set_key_ring(KeyRing::new(ring));
    Ok(rows)
}

/// Makes a key where there is none, the newest one is old, or it is of another algorithm than the configured one. Two
/// processes at once make one key: both read the table back, and none uses a key that it did not read.
pub async fn ensure(app: &App, now: UnixTime) -> Result<(), Error> {
    let rows = load(app).await?;
    let tokens = &app.settings.tokens;
    let ring = app.key_ring();
    let due = match ring.newest() {
        None => Some(now),
        Some(newest) if newest.sign_from > now => None,
        Some(newest) if newest.algorithm != tokens.algorithm => Some(now + LEAD),
        Some(newest) if now.since(newest.sign_from) + span(LEAD) >= span(tokens.key_rotation) => Some(now + LEAD),
        Some(_) => None,
    };
    let Some(sign_from) = due else { return Ok(()) };
    let algorithm = tokens.algorithm;
    // An RSA key takes a moment of computing.
    let new = tokio::task::spawn_blocking(move || NewKey::generate(algorithm)).await.map_err(|_| Error::Crashed)??;
    let alg = algorithm.as_str();
    // Behind the keys that the decision rests on: whoever decides on the same ones wants the same slot, and one gets it.
    let slot = rows.iter().filter(|key| key.alg == alg).map(|key| key.slot + 1).max().unwrap_or(0);
    let row = StoredKey {
        alg: alg.to_owned(),
        slot,
        kid: new.kid,
        public_jwk: new.public.to_string(),
        sealed: app.root.seal(&new.pkcs8, &place(alg, slot))?,
        created_at: now,
        sign_from,
        revoked_at: UnixTime(0),
    };
    app.store.insert_key(&row).await?;
    tracing::info!(alg, slot, sign_from = sign_from.0, "a signing key was added");
    load(app).await.map(drop)
}

fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn place(alg: &str, slot: i64) -> String {
    format!("signing_keys/{alg}/{slot}/sealed")
}
