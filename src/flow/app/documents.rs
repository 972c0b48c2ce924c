//! The metadata documents that this process remembers, and whose turn it is to ask for one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::clock::UnixTime;
use crate::oauth::client::Client;
use crate::oauth::client_document::{DocumentCopy, Unusable};
use crate::oauth::client_id::ClientId;
use crate::oauth::name::Outline;

/// How far the times of two requests may be apart that wait for the same keys, in seconds: a fetch takes five at most.
pub(super) const REORDER: i64 = 10;

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
    copy: Option<DocumentCopy>,
    answer: Option<Answer>,
}

/// What new authorizations are told without a request to the host.
struct Answer {
    result: Result<Client, Unusable>,
    since: UnixTime,
    until: UnixTime,
}

impl Documents {
    /// Nothing remembered, and where the ids of documents that are to be looked at anew come out.
    pub(crate) fn new() -> (Self, mpsc::Receiver<ClientId>) {
        let (stale, receiver) = mpsc::channel(WAITING);
        (Documents { known: moka::sync::Cache::new(REMEMBERED), stale }, receiver)
    }

    /// What is known of a document.
    pub(crate) fn of(&self, id: &ClientId) -> Arc<Known> {
        self.known.get_with_by_ref(id, Arc::default)
    }

    /// Whether this is the outline of a host whose document is known.
    pub(crate) fn names(&self, outline: &Outline) -> bool {
        self.known.iter().any(|(id, known)| known.state().copy.is_some() && Outline::of(&id.host()) == *outline)
    }

    /// Asks for another look at a document, by and by; where too many wait already, the next request asks again.
    pub(crate) fn look_again(&self, id: &ClientId) {
        let _ = self.stale.try_send(id.clone());
    }
}

impl Known {
    /// What needs no request: the client of a fresh copy, or a failure of a moment ago.
    pub(crate) fn answer(&self, now: UnixTime) -> Option<Result<Client, Unusable>> {
        let state = self.state();
        let is_valid = |answer: &&Answer| now.since(answer.since) >= -REORDER && now < answer.until;
        state.answer.as_ref().filter(is_valid).map(|answer| answer.result.clone())
    }

    /// The last good copy, however old.
    pub(crate) fn copy(&self) -> Option<DocumentCopy> {
        self.state().copy.clone()
    }

    /// Remembers a stored copy, unless the host was heard since.
    pub(crate) fn remember(&self, copy: &DocumentCopy) {
        let mut state = self.state();
        if state.copy.as_ref().is_none_or(|known| known.heard_at < copy.heard_at) {
            state.copy = Some(copy.clone());
        }
    }

    /// Remembers what was fetched just now, which serves until then.
    pub(crate) fn keep(&self, client: &Client, until: UnixTime) {
        let answer = Answer { result: Ok(client.clone()), since: client.created_at, until };
        *self.state() = State { copy: Some(DocumentCopy::fetched(client)), answer: Some(answer) };
    }

    /// Lets a copy serve until then, while its host cannot be asked.
    pub(crate) fn serve(&self, client: Client, now: UnixTime, until: UnixTime) {
        self.state().answer = Some(Answer { result: Ok(client), since: now, until });
    }

    /// Remembers for a moment that there was nothing to be had. A good copy stays, for the token endpoint.
    pub(crate) fn fail(&self, failure: &Unusable, now: UnixTime) {
        let until = UnixTime(now.0.saturating_add(FAILURE_KEPT));
        self.state().answer = Some(Answer { result: Err(failure.clone()), since: now, until });
    }

    /// Notes that the host has spoken: the copy is over, but for sessions that there are.
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
        assert_eq!(known.answer(UnixTime(200)).unwrap().unwrap().name(), "New");
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
        let answers = |at: i64| known.answer(UnixTime(at)).is_some();
        known.keep(&copy("New", UnixTime(1_000)), UnixTime(1_060));
        assert_eq!([980, 995, 1_000, 1_059, 1_060].map(answers), [false, true, true, true, false]);
        known.fail(&Unusable::new(&copy("New", UnixTime(0)).id, Fault::Gone, "x"), UnixTime(2_000));
        assert_eq!([980, 1_995, 2_000, 2_009, 2_010].map(answers), [false, true, true, true, false]);
    }
}
