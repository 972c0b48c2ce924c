//! The clients' key sets that this process remembers, by their `jwks_uri`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::documents::REORDER;
use crate::clock::UnixTime;
use crate::fetch::Receipt;
use crate::oauth::jwks::Jwks;

/// How many key sets are remembered; the most used ones stay.
const REMEMBERED: u64 = 500;

/// The shortest time between two requests to the same address, in seconds, whatever the outcome.
const ASK_INTERVAL: i64 = 10;

/// How long a key set serves after its host last sent it, in seconds. If the host fails, a key that was removed from the
/// set may be accepted for that long.
const OUTLASTS: i64 = 24 * 3600;

/// A fetched key set.
pub(crate) struct FetchedKeys {
    pub jwks: Jwks,
    /// How long it need not be fetched again.
    pub lifetime: Duration,
    pub receipt: Receipt,
}

pub(crate) struct ClientKeys(moka::sync::Cache<String, Arc<KeySet>>);

/// What this process knows of one address.
pub(crate) struct KeySet {
    pub uri: String,
    state: Mutex<State>,
    /// Held during a fetch, so that all requests that wait share one.
    pub asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    read: Option<Read>,
    asked_at: UnixTime,
    had_keys: bool,
}

struct Read {
    jwks: Jwks,
    at: UnixTime,
    fresh_until: UnixTime,
    /// Kept until an assertion proves that a client has one of the keys.
    receipt: Option<Receipt>,
}

impl Read {
    /// Whether it may still be used. If the time is in the future, the clock was set back since.
    fn serves(&self, now: UnixTime) -> bool {
        (-REORDER..OUTLASTS).contains(&now.since(self.at))
    }
}

impl ClientKeys {
    pub(crate) fn new() -> Self {
        ClientKeys(moka::sync::Cache::new(REMEMBERED))
    }

    /// What this process knows of the keys at `jwks_uri`.
    pub(crate) fn of(&self, jwks_uri: &str) -> Arc<KeySet> {
        self.0.get_with_by_ref(jwks_uri, || {
            Arc::new(KeySet {
                uri: jwks_uri.to_owned(),
                state: Mutex::default(),
                asking: tokio::sync::Mutex::default(),
            })
        })
    }
}

impl KeySet {
    /// The last key set, fresh or not: at most a day after its host sent it.
    pub(crate) fn last(&self, now: UnixTime) -> Option<Jwks> {
        self.state().read.as_ref().filter(|read| read.serves(now)).map(|read| read.jwks.clone())
    }

    /// The key set, if it need not be fetched again.
    pub(crate) fn fresh(&self, now: UnixTime) -> Option<Jwks> {
        let state = self.state();
        let is_fresh = |read: &&Read| read.serves(now) && now < read.fresh_until;
        state.read.as_ref().filter(is_fresh).map(|read| read.jwks.clone())
    }

    /// Whether this address ever had keys.
    pub(crate) fn had_keys(&self) -> bool {
        self.state().had_keys
    }

    /// Whether the address may be asked now. If so, this counts as a request.
    pub(crate) fn may_ask(&self, now: UnixTime) -> bool {
        let mut state = self.state();
        let may = !(-REORDER..ASK_INTERVAL).contains(&now.since(state.asked_at));
        if may {
            state.asked_at = now;
        }
        may
    }

    /// Stores a key set that was fetched just now.
    pub(crate) fn keep(&self, set: FetchedKeys, now: UnixTime) {
        let FetchedKeys { jwks, lifetime, receipt } = set;
        let mut state = self.state();
        state.read = Some(Read { jwks, at: now, fresh_until: now + lifetime, receipt: Some(receipt) });
        state.had_keys = true;
    }

    /// Forgets the keys: the host says that they are gone.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.read = None;
        state.had_keys = true;
    }

    /// The receipt for the last fetch, once: called when an assertion was verified by a key from it.
    pub(crate) fn take_receipt(&self) -> Option<Receipt> {
        self.state().read.as_mut().and_then(|read| read.receipt.take())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
