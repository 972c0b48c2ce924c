//! The key sets of clients that this process remembers, by the address where they are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::UnixTime;
use crate::oauth::jwks::Jwks;

/// How many key sets are remembered; those that are used most stay.
const REMEMBERED: u64 = 500;

/// How long nobody asks the same address again, in seconds, whatever came of it.
const ASK_INTERVAL: i64 = 10;

/// All remembered key sets.
pub(crate) struct ClientKeys(moka::sync::Cache<String, Arc<KeySet>>);

/// What is known of one address.
#[derive(Default)]
pub(crate) struct KeySet {
    state: Mutex<State>,
    /// Held while the keys are asked for, so that all who wait share one request.
    pub asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    jwks: Option<Jwks>,
    fresh_until: UnixTime,
    asked_at: UnixTime,
}

impl ClientKeys {
    /// Nothing remembered.
    pub fn new() -> Self {
        ClientKeys(moka::sync::Cache::new(REMEMBERED))
    }

    /// What is known of the keys at `jwks_uri`.
    pub fn of(&self, jwks_uri: &str) -> Arc<KeySet> {
        self.0.get_with_by_ref(jwks_uri, Arc::default)
    }
}

impl KeySet {
    /// The last key set that was read, fresh or not.
    pub fn last(&self) -> Option<Jwks> {
        self.state().jwks.clone()
    }

    /// The key set, where it need not be asked for anew.
    pub fn fresh(&self, now: UnixTime) -> Option<Jwks> {
        let state = self.state();
        state.jwks.clone().filter(|_| now < state.fresh_until)
    }

    /// Whether the address may be asked now; counts as asked.
    pub fn may_ask(&self, now: UnixTime) -> bool {
        let mut state = self.state();
        let may = !(0..ASK_INTERVAL).contains(&now.since(state.asked_at));
        if may {
            state.asked_at = now;
        }
        may
    }

    /// Remembers a key set.
    pub fn keep(&self, jwks: &Jwks, lifetime: Duration, now: UnixTime) {
        let mut state = self.state();
        state.jwks = Some(jwks.clone());
        state.fresh_until = now + lifetime;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
