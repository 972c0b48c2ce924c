//! The key sets of clients that this process remembers, by the address where they are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::documents::REORDER;
use crate::clock::UnixTime;
use crate::fetch::Receipt;
use crate::oauth::jwks::Jwks;

/// How many key sets are remembered; those that are used most stay.
const REMEMBERED: u64 = 500;

/// How long nobody asks the same address again, in seconds, whatever came of it.
const ASK_INTERVAL: i64 = 10;

/// How long a key set serves after its host gave it last, in seconds: for so long a key that was taken out of the set may
/// still be believed, if its host fails meanwhile.
const OUTLASTS: i64 = 24 * 3600;

/// A key set as it was fetched.
pub(crate) struct FetchedKeys {
    pub jwks: Jwks,
    /// How long it need not be asked for again.
    pub lifetime: Duration,
    pub receipt: Receipt,
}

/// All remembered key sets.
pub(crate) struct ClientKeys(moka::sync::Cache<String, Arc<KeySet>>);

/// What is known of one address.
pub(crate) struct KeySet {
    /// The address.
    pub uri: String,
    state: Mutex<State>,
    /// Held while the keys are asked for, so that all who wait share one request.
    pub asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    read: Option<Read>,
    asked_at: UnixTime,
    had_keys: bool,
}

/// A key set that was read.
struct Read {
    jwks: Jwks,
    at: UnixTime,
    fresh_until: UnixTime,
    /// Until an assertion shows that a client has one of the keys.
    receipt: Option<Receipt>,
}

impl Read {
    /// Whether it may still be believed. A time in the future is that of a clock that was set back since.
    fn serves(&self, now: UnixTime) -> bool {
        (-REORDER..OUTLASTS).contains(&now.since(self.at))
    }
}

impl ClientKeys {
    /// Nothing remembered.
    pub(crate) fn new() -> Self {
        ClientKeys(moka::sync::Cache::new(REMEMBERED))
    }

    /// What is known of the keys at `jwks_uri`.
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
    /// The last key set that was read, fresh or not: a day at most after its host gave it.
    pub(crate) fn last(&self, now: UnixTime) -> Option<Jwks> {
        self.state().read.as_ref().filter(|read| read.serves(now)).map(|read| read.jwks.clone())
    }

    /// The key set, if it need not be asked for again.
    pub(crate) fn fresh(&self, now: UnixTime) -> Option<Jwks> {
        let state = self.state();
        let is_fresh = |read: &&Read| read.serves(now) && now < read.fresh_until;
        state.read.as_ref().filter(is_fresh).map(|read| read.jwks.clone())
    }

    /// Whether there were keys here before.
    pub(crate) fn had_keys(&self) -> bool {
        self.state().had_keys
    }

    /// Whether the address may be asked now; counts as asked.
    pub(crate) fn may_ask(&self, now: UnixTime) -> bool {
        let mut state = self.state();
        let may = !(-REORDER..ASK_INTERVAL).contains(&now.since(state.asked_at));
        if may {
            state.asked_at = now;
        }
        may
    }

    /// Remembers a key set that was read just now.
    pub(crate) fn keep(&self, set: FetchedKeys, now: UnixTime) {
        let FetchedKeys { jwks, lifetime, receipt } = set;
        let mut state = self.state();
        state.read = Some(Read { jwks, at: now, fresh_until: now + lifetime, receipt: Some(receipt) });
        state.had_keys = true;
    }

    /// Forgets the keys: the host says that there are none any more.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.read = None;
        state.had_keys = true;
    }

    /// What was counted for the last fetch, once, when an assertion was verified by what it brought.
    pub(crate) fn take_receipt(&self) -> Option<Receipt> {
        self.state().read.as_mut().and_then(|read| read.receipt.take())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
