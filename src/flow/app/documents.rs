//! The metadata documents that this process remembers, and the queue of those to fetch again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::clock::UnixTime;
use crate::oauth::client::Client;
use crate::oauth::client_document::{DocumentCopy, Unusable};
use crate::oauth::client_id::ClientId;
use crate::oauth::name::Outline;

/// How far apart the times of two requests may be that wait for the same fetch, in seconds: a fetch takes five at most.
pub(super) const REORDER: i64 = 10;

/// How many documents are remembered; the most used ones stay.
const REMEMBERED: u64 = 2_000;

/// How many documents may wait to be fetched again.
const WAITING: usize = 64;

/// How long a failed document is not fetched again, in seconds. Longer than a fetch may take, since it counts from the
/// beginning of the fetch.
const FAILURE_KEPT: i64 = 10;

pub(crate) struct Documents {
    known: moka::sync::Cache<ClientId, Arc<Known>>,
    stale: mpsc::Sender<ClientId>,
}

/// What this process knows of one document.
#[derive(Default)]
pub(crate) struct Known {
    state: Mutex<State>,
    /// Held during a fetch, so that all requests that wait share one.
    pub asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    copy: Option<DocumentCopy>,
    outcome: Option<Outcome>,
}

/// The outcome of the last fetch, which new authorizations use without a request to the host.
struct Outcome {
    result: Result<Client, Unusable>,
    since: UnixTime,
    until: UnixTime,
}

impl Documents {
    /// An empty cache, and the receiver of the ids of documents that must be fetched again.
    pub(crate) fn new() -> (Self, mpsc::Receiver<ClientId>) {
        let (stale, receiver) = mpsc::channel(WAITING);
        (Documents { known: moka::sync::Cache::new(REMEMBERED), stale }, receiver)
    }

    /// What this process knows of the document.
    pub(crate) fn of(&self, id: &ClientId) -> Arc<Known> {
        self.known.get_with_by_ref(id, Arc::default)
    }

    /// Whether a host with a known document has this outline.
    pub(crate) fn names(&self, outline: &Outline) -> bool {
        self.known.iter().any(|(id, known)| known.state().copy.is_some() && Outline::of(&id.host()) == *outline)
    }

    /// Queues the document for another fetch in the background. If the queue is full, the next request queues it again.
    pub(crate) fn schedule_refetch(&self, id: &ClientId) {
        let _ = self.stale.try_send(id.clone());
    }
}

impl Known {
    /// The outcome that needs no request: the client of a fresh copy, or a recent failure.
    pub(crate) fn fresh_outcome(&self, now: UnixTime) -> Option<Result<Client, Unusable>> {
        let state = self.state();
        let is_valid = |outcome: &&Outcome| now.since(outcome.since) >= -REORDER && now < outcome.until;
        state.outcome.as_ref().filter(is_valid).map(|outcome| outcome.result.clone())
    }

    /// The last good copy, of any age.
    pub(crate) fn copy(&self) -> Option<DocumentCopy> {
        self.state().copy.clone()
    }

    /// Remembers a stored copy, unless the host has answered since.
    pub(crate) fn remember(&self, copy: &DocumentCopy) {
        let mut state = self.state();
        if state.copy.as_ref().is_none_or(|known| known.heard_at < copy.heard_at) {
            state.copy = Some(copy.clone());
        }
    }

    /// Remembers a document that was fetched just now, and serves it until `until`.
    pub(crate) fn keep(&self, client: &Client, until: UnixTime) {
        let outcome = Outcome { result: Ok(client.clone()), since: client.created_at, until };
        *self.state() = State { copy: Some(DocumentCopy::fetched(client)), outcome: Some(outcome) };
    }

    /// Serves a copy until `until`, since its host does not answer.
    pub(crate) fn serve(&self, client: Client, now: UnixTime, until: UnixTime) {
        self.state().outcome = Some(Outcome { result: Ok(client), since: now, until });
    }

    /// Remembers a failure for a moment. A good copy stays, for the token endpoint.
    pub(crate) fn fail(&self, failure: &Unusable, now: UnixTime) {
        let until = UnixTime(now.0.saturating_add(FAILURE_KEPT));
        self.state().outcome = Some(Outcome { result: Err(failure.clone()), since: now, until });
    }

    /// The host said that the document is gone or wrong: the copy is over for new authorizations. Existing sessions keep it.
    pub(crate) fn end(&self, now: UnixTime) {
        if let Some(copy) = &mut self.state().copy {
            copy.is_over = true;
            copy.heard_at = now;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client_document::{self, Fault};

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
        let [old, newer] = [copy("Old", UnixTime(100)), copy("Newer, by another process", UnixTime(400))]
            .map(|client| DocumentCopy::fetched(&client));
        known.remember(&old);
        known.keep(&copy("New", UnixTime(200)), UnixTime(300));
        known.remember(&old);
        assert_eq!(known.fresh_outcome(UnixTime(200)).unwrap().unwrap().name(), "New");
        assert_eq!(known.copy().unwrap().client.name(), "New");
        known.remember(&newer);
        assert_eq!(known.copy().unwrap().client.name(), "Newer, by another process");
    }

    #[test]
    fn a_stored_copy_from_before_the_host_spoke_does_not_come_back() {
        let known = Known::default();
        let stored = DocumentCopy::fetched(&copy("Old", UnixTime(100)));
        known.remember(&stored);
        known.end(UnixTime(200));
        known.remember(&stored);
        assert!(known.copy().unwrap().is_over);
        known.remember(&DocumentCopy::fetched(&copy("Given again, to another process", UnixTime(300))));
        assert!(!known.copy().unwrap().is_over);
    }

    #[test]
    fn an_answer_holds_for_its_time_and_for_those_who_came_a_moment_before_it() {
        let known = Known::default();
        let answers = |at: i64| known.fresh_outcome(UnixTime(at)).is_some();
        known.keep(&copy("New", UnixTime(1_000)), UnixTime(1_060));
        assert_eq!([980, 995, 1_000, 1_059, 1_060].map(answers), [false, true, true, true, false]);
        known.fail(&Unusable::new(&copy("New", UnixTime(0)).id, Fault::Gone, "x"), UnixTime(2_000));
        assert_eq!([980, 1_995, 2_000, 2_009, 2_010].map(answers), [false, true, true, true, false]);
    }
}
