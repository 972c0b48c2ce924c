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

/// How long nobody asks again for a document that could not be had, in seconds; longer than a fetch may take, since it
/// counts from the beginning of one.
const FAILURE_KEPT: i64 = 10;

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
            (_, Some((at, failure))) if (0..FAILURE_KEPT).contains(&now.since(*at)) => Some(Err(failure.clone())),
            (Some(copy), _) if now < state.fresh_until => Some(Ok(copy.clone())),
            _ => None,
        }
    }

    /// The last good copy, fresh or not, and whether it is fresh.
    pub fn copy(&self, now: UnixTime) -> Option<(Client, bool)> {
        let state = self.state();
        state.copy.clone().map(|copy| (copy, now < state.fresh_until))
    }

    /// Remembers a copy that may be old, unless one as new came meanwhile.
    pub fn remember(&self, copy: &Client) {
        let mut state = self.state();
        if state.copy.as_ref().is_none_or(|known| known.created_at < copy.created_at) {
            state.copy = Some(copy.clone());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client_document;

    fn copy(name: &str, at: UnixTime) -> Client {
        let id = ClientId::parse("https://app.example/client.json").unwrap();
        let document = serde_json::json!({
            "client_id": id.as_str(), "client_name": name, "redirect_uris": ["https://app.example/callback"],
        });
        client_document::parse(&id, document.to_string().as_bytes(), at).unwrap()
    }

    /// A request that read the old copy, and comes to remember it when the new one was fetched by another.
    #[test]
    fn an_old_copy_does_not_take_the_place_of_a_fresh_one() {
        let known = Known::default();
        known.remember(&copy("Old", UnixTime(100)));
        known.keep(&copy("New", UnixTime(200)), UnixTime(300));
        known.remember(&copy("Old", UnixTime(100)));
        assert_eq!(known.answer(UnixTime(200)).unwrap().unwrap().name(), "New");
        known.remember(&copy("Newer, by another process", UnixTime(400)));
        assert_eq!(known.copy(UnixTime(400)).unwrap().0.name(), "Newer, by another process");
    }
}
