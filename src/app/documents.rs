//! The metadata documents that this process remembers, and whose turn it is to ask for one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::clock::UnixTime;
use crate::oauth::client::{Client, ClientId};
use crate::oauth::client_document::Unusable;

/// How many documents are remembered; those that are used most stay.
const REMEMBERED: u64 = 2_000;

/// How many documents may wait to be looked at anew.
const WAITING: usize = 64;

/// How long nobody asks again for a document that could not be had, in seconds.
const PATIENCE: i64 = 5;

/// All remembered documents.
pub(crate) struct Documents {
    known: moka::sync::Cache<ClientId, Arc<Known>>,
    stale: mpsc::Sender<ClientId>,
}

/// What is known of one document.
#[derive(Default)]
pub(crate) struct Known {
    state: Mutex<State>,
    /// Held while the document is asked for, so that all who wait share one request.
    pub asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    copy: Option<Client>,
    fresh_until: UnixTime,
    failed: Option<(UnixTime, Unusable)>,
}

impl Documents {
    /// Nothing remembered, and where the ids of documents that are to be looked at anew come out.
    pub fn new() -> (Self, mpsc::Receiver<ClientId>) {
        let (stale, receiver) = mpsc::channel(WAITING);
        (Documents { known: moka::sync::Cache::new(REMEMBERED), stale }, receiver)
    }

    /// What is known of a document.
    pub fn of(&self, id: &ClientId) -> Arc<Known> {
        self.known.get_with_by_ref(id, Arc::default)
    }

    /// Asks for another look at a document, by and by; where too many wait already, the next request asks again.
    pub fn look_again(&self, id: &ClientId) {
        let _ = self.stale.try_send(id.clone());
    }
}

impl Known {
    /// The answer that needs no request: a fresh copy, or a failure of a moment ago.
    pub fn answer(&self, now: UnixTime) -> Option<Result<Client, Unusable>> {
        let state = self.state();
        match (&state.copy, &state.failed) {
            (_, Some((at, failure))) if (0..PATIENCE).contains(&now.since(*at)) => Some(Err(failure.clone())),
            (Some(copy), _) if now < state.fresh_until => Some(Ok(copy.clone())),
            _ => None,
        }
    }

    /// The last good copy, fresh or not, and whether it is fresh.
    pub fn copy(&self, now: UnixTime) -> Option<(Client, bool)> {
        let state = self.state();
        state.copy.clone().map(|copy| (copy, now < state.fresh_until))
    }

    /// Remembers a copy of unknown age, without a word on whether there is a newer one.
    pub fn remember(&self, copy: &Client) {
        self.state().copy = Some(copy.clone());
    }

    /// Remembers a copy that serves until then.
    pub fn keep(&self, copy: &Client, fresh_until: UnixTime) {
        *self.state() = State { copy: Some(copy.clone()), fresh_until, failed: None };
    }

    /// Remembers for a moment that there was nothing to be had. A good copy stays, for the token endpoint.
    pub fn fail(&self, failure: &Unusable, now: UnixTime) {
        let mut state = self.state();
        state.failed = Some((now, failure.clone()));
        state.fresh_until = UnixTime(0);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
