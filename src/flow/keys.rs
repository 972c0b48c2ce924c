//! The life of signing keys: made on the first start, stored sealed, published before they sign, replaced by age.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::clock::UnixTime;
use crate::config::settings::SigningAlgorithm;
use crate::flow::app::App;
use crate::keys::{self, Key, KeyRing, NewKey, Purpose, Role, SignedLifetimes};
use crate::secret::RootSecret;
use crate::store::{self, Store, StoredKey};

/// How long clients may cache the JWKS, in seconds.
pub(crate) const JWKS_MAX_AGE: u64 = 300;

/// How long a key is published before it signs: at least four times the life of a cached JWKS.
const LEAD: Duration = Duration::from_secs(24 * 3600);

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] keys::Error),
    /// The root secret does not open the database's sealed data.
    #[error(
        "the root secret is not the one that this database was sealed with: set `secret_file` or JEAN_SECRET to the old \
         one, or to both with the new one first"
    )]
    WrongSecret,
    /// The root secret cannot be used.
    #[error(transparent)]
    Secret(#[from] crate::secret::Error),
    /// A key could not be made.
    #[error("a signing key could not be made")]
    Crashed(#[from] tokio::task::JoinError),
}

/// Where the `meta` table holds the lifetimes of signed tokens.
const LIFETIMES: &str = "signed_lifetimes";

/// Loads how long signed tokens may live, those of other replicas included, and stores the lifetime configured here. While
/// replicas differ, each call extends the time for which the longer lifetime counts.
pub(crate) async fn lifetimes(
    store: &Store,
    configured: Duration,
    now: UnixTime,
) -> Result<SignedLifetimes, store::Error> {
    loop {
        let stored = store.find_meta(LIFETIMES).await?;
        let known = stored.as_deref().and_then(SignedLifetimes::parse).unwrap_or_default();
        let lifetimes = known.with_configured(configured, now);
        let text = lifetimes.to_text();
        let is_written = match stored {
            Some(stored) if stored == text => true,
            Some(stored) => store.replace_meta(LIFETIMES, &stored, &text).await?,
            None => store.insert_meta(LIFETIMES, &text).await?,
        };
        if is_written {
            return Ok(lifetimes);
        }
        // Another process was faster, perhaps with other settings, which count too.
    }
}

/// Loads the lifetimes again, for this process.
pub(crate) async fn load_lifetimes(app: &App, now: UnixTime) -> Result<(), store::Error> {
    let lifetimes = lifetimes(&app.store, app.settings.tokens.access_lifetime, now).await?;
    app.set_signed_lifetimes(lifetimes);
    Ok(())
}

/// The JSON Web Key Set (RFC 7517 section 5) of this moment.
pub(crate) fn jwks(app: &App, now: UnixTime) -> Value {
    app.key_ring().jwks(app.horizon(now))
}

/// Where the `meta` table holds the canary.
const CANARY: &str = "canary";

/// The context that the canary is sealed with.
const CANARY_PLACE: &str = "meta/canary/value";

/// Verifies that the root secret is the one that the database was sealed with.
pub(crate) async fn check_secret(store: &Store, root: &RootSecret) -> Result<(), Error> {
    if store.find_meta(CANARY).await?.is_none() {
        store.insert_meta(CANARY, &root.seal(CANARY.as_bytes(), CANARY_PLACE)?).await?;
    }
    let sealed = store.find_meta(CANARY).await?.unwrap_or_default();
    root.open(&sealed, CANARY_PLACE).ok_or(Error::WrongSecret)?;
    Ok(())
}

/// Seals with the first secret everything that an older one of the list sealed, so that the operator can remove the older
/// one before the next start.
pub(crate) async fn reseal(app: &App) -> Result<(), Error> {
    for key in app.store.keys().await? {
        if let Some(sealed) = app.root.reseal(&key.sealed, &place(&key.alg, key.slot)) {
            app.store.reseal_key(&key, &sealed).await?;
        }
    }
    let canary = app.store.find_meta(CANARY).await?.unwrap_or_default();
    if let Some(sealed) = app.root.reseal(&canary, CANARY_PLACE) {
        app.store.replace_meta(CANARY, &canary, &sealed).await?;
        tracing::info!("the data is sealed with the first root secret now; the others are needed no more");
    }
    Ok(())
}

/// Loads the keys from the database. Returns the rows.
pub(crate) async fn load(app: &App) -> Result<Vec<StoredKey>, Error> {
    let known = app.key_ring();
    let mut ring = Vec::new();
    let rows = app.store.keys().await?;
    for row in &rows {
        let (Some(algorithm), Some(purpose)) = (SigningAlgorithm::parse(&row.alg), Purpose::parse(&row.purpose)) else {
            continue;
        };
        let role = Role { purpose, algorithm, sign_from: row.sign_from, revoked: row.revoked_at.0 > 0 };
        match known.find(&row.kid).filter(|key| key.role == role) {
            Some(key) => ring.push(key.clone()),
            None => {
                let pkcs8 = app.root.open(&row.sealed, &place(&row.alg, row.slot)).ok_or(Error::WrongSecret)?;
                ring.push(Arc::new(Key::parse(role, &row.public_jwk, &pkcs8)?));
            }
        }
    }
    app.set_key_ring(KeyRing::new(ring));
    Ok(rows)
}

/// Makes a key for each purpose that has none, or whose newest key is old or has another algorithm than configured. Two
/// processes at the same time make one key: both load the table again, and neither uses a key that it did not load.
pub(crate) async fn ensure(app: &App, now: UnixTime) -> Result<(), Error> {
    let mut rows = load(app).await?;
    for purpose in Purpose::ALL {
        let algorithm = algorithm(app, purpose);
        let Some(sign_from) = due(app, purpose, now) else { continue };
        // An RSA key takes a moment to compute.
        let new = tokio::task::spawn_blocking(move || NewKey::generate(algorithm)).await??;
        let alg = algorithm.as_str();
        // The slot follows from the rows that showed the need, so processes that saw the same rows compete for the same
        // slot.
        let slot = rows.iter().filter(|key| key.alg == alg).map(|key| key.slot + 1).max().unwrap_or(0);
        let row = StoredKey {
            purpose: purpose.as_str().to_owned(),
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
        tracing::info!(purpose = purpose.as_str(), alg, slot, sign_from = sign_from.0, "a signing key was added");
        rows = load(app).await?;
    }
    Ok(())
}

/// The algorithm of a purpose. ID tokens use RS256, which every OpenID Connect library knows (Core section 15.1).
pub(crate) fn algorithm(app: &App, purpose: Purpose) -> SigningAlgorithm {
    match purpose {
        Purpose::Access => app.settings.tokens.algorithm,
        Purpose::Id => SigningAlgorithm::Rs256,
    }
}

/// When the next key of a purpose should begin to sign; `None` if no key is to be made now.
fn due(app: &App, purpose: Purpose, now: UnixTime) -> Option<UnixTime> {
    let ring = app.key_ring();
    let Some(Role { algorithm: of, sign_from, .. }) = ring.newest(purpose).map(|key| key.role) else {
        return Some(now);
    };
    let is_old = now + LEAD >= sign_from + app.settings.tokens.key_rotation;
    (sign_from <= now && (of != algorithm(app, purpose) || is_old)).then(|| now + LEAD)
}

fn place(alg: &str, slot: i64) -> String {
    format!("signing_keys/{alg}/{slot}/sealed")
}
