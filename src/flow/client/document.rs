//! Clients with a metadata document (draft-ietf-oauth-client-id-metadata-document-02, section 5).
//!
//! The authorization endpoint fetches a document if it is unknown or too old. It then serves for as long as its headers say,
//! within bounds. Failures are remembered for seconds. If a fetch fails, the use of the last good copy depends on the host:
//!
//! - **404, 410, or a wrong document**: the copy is over for new authorizations at once, and stays so until the host
//!   sends a good document again, even if other failures follow. This is remembered here and stored with the copy, so it
//!   holds after a restart and at other replicas that have nothing newer. It is stored a moment later, in the background:
//!   a process that stops before that asks the host again after its restart, and gets the same answer.
//! - **Any other failure**: the copy serves for seven days after the host last sent it.
//! - **A pinned copy** is the operator's decision and serves in all these cases, except if the host sends a wrong document.
//!
//! The token endpoint uses any copy, so that no session depends on a client's web site, and has the document fetched again
//! later.

use std::time::Duration;

use crate::clock::UnixTime;
use crate::fetch::{self, Wanted};
use crate::flow::app::App;
use crate::oauth::client::{Client, ClientOrigin};
use crate::oauth::client_document::{self, DocumentCopy, Fault, MAX_DOCUMENT, Unusable};
use crate::oauth::client_id::ClientId;
use crate::oauth::document_url::DocumentUrl;
use crate::oauth::error::Error;
use crate::oauth::masked::without_addresses;
use crate::store;

use super::not_found::NotFound;

/// The shortest time that a document serves, whatever its headers say (section 5.2).
const MIN_LIFETIME: Duration = Duration::from_secs(60);

/// The longest time that a document serves, whatever its headers say (section 5.2).
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The client by its current document, for a new authorization.
pub(crate) async fn current(app: &App, id: &ClientId, now: UnixTime) -> Result<Client, NotFound> {
    require_permitted(app, id)?;
    let known = app.documents.of(id);
    if let Some(outcome) = known.fresh_outcome(now) {
        return outcome.map_err(NotFound::Document);
    }
    let _turn = known.asking.lock().await;
    if let Some(outcome) = known.fresh_outcome(now) {
        return outcome.map_err(NotFound::Document);
    }
    let stored = app.store.find_document(id).await?;
    if let Some(stored) = &stored {
        known.remember(stored);
    }
    let copy = known.copy();
    let pinned = app.settings.clients.documents.pinned.get(id);
    let is_known = pinned.is_some() || copy.as_ref().is_some_and(|copy| copy.was_given_lately(now));
    let failure = match fetch_document(app, id, is_known, now).await {
        Ok(FetchedDocument { client, lifetime }) => {
            known.keep(&client, now + lifetime);
            if stored.is_some_and(|stored| stored.is_outdated(&client)) {
                // This may be a GET request, which writes nothing.
                app.documents.schedule_refetch(id);
            }
            return Ok(client);
        }
        Err(failure) => failure,
    };
    if failure.fault.ends_copies() {
        known.end(now);
        if stored.is_some_and(|stored| !stored.is_over) {
            app.documents.schedule_refetch(id);
        }
    }
    let copy = known.copy().filter(|copy| copy.serves(now));
    // A wrong document is the host's latest word: neither an older copy nor a pinned one overrules it.
    let pinned = pinned.filter(|_| failure.fault != Fault::Document);
    let until = copy.as_ref().and_then(DocumentCopy::serves_until).unwrap_or(now + MIN_LIFETIME);
    match copy.map(|copy| copy.client).or_else(|| pinned.cloned()) {
        Some(client) => {
            tracing::info!(client = %without_addresses(id.as_str()), why = failure.why, "the last good copy of a client's metadata document serves");
            known.serve(client.clone(), now, until.min(now + MIN_LIFETIME));
            Ok(client)
        }
        None => {
            tracing::info!(client = %without_addresses(id.as_str()), why = failure.why, "a client's metadata document cannot be used");
            known.fail(&failure, now);
            Err(NotFound::Document(failure))
        }
    }
}

/// The client by any copy, else by its current document.
pub(crate) async fn any_copy(app: &App, id: &ClientId, now: UnixTime) -> Result<Client, NotFound> {
    require_permitted(app, id)?;
    match at_hand(app, id, now).await? {
        Some(copy) => Ok(copy),
        None => current(app, id, now).await,
    }
}

/// The client by any copy: this process's, the stored one, or a pinned one. Sends no request; an old copy is fetched again
/// later.
pub(crate) async fn at_hand(app: &App, id: &ClientId, now: UnixTime) -> Result<Option<Client>, store::Error> {
    let known = app.documents.of(id);
    if let Some(Ok(client)) = known.fresh_outcome(now) {
        return Ok(Some(client));
    }
    if let Some(stored) = app.store.find_document(id).await? {
        known.remember(&stored);
    }
    let pinned = app.settings.clients.documents.pinned.get(id).cloned();
    // The copy that serves new authorizations comes first: a code that was issued by it must work at the token endpoint.
    let client = match known.copy() {
        Some(copy) if copy.serves(now) => Some(copy.client),
        copy => pinned.or(copy.map(|copy| copy.client)),
    };
    if client.is_some() {
        app.documents.schedule_refetch(id);
    }
    Ok(client)
}

/// Fetches a document again, and updates the stored copy if there is one.
pub(crate) async fn refetch(app: &App, id: &ClientId, now: UnixTime) -> Result<(), Error> {
    if let Err(NotFound::Fault(error)) = current(app, id, now).await {
        return Err(error);
    }
    match app.documents.of(id).copy() {
        Some(copy) => Ok(app.store.renew_document(&copy, now).await?),
        None => Ok(()),
    }
}

/// Whether a grant for this client needs a stored copy of its document. A client that equals its pinned copy needs none.
pub(crate) fn needs_copy(app: &App, client: &Client) -> bool {
    let pinned = app.settings.clients.documents.pinned.get(&client.id);
    client.origin == ClientOrigin::Document && pinned.is_none_or(|pinned| pinned.metadata != client.metadata)
}

/// Verifies that documents are on, and that the operator allows this address.
fn require_permitted(app: &App, id: &ClientId) -> Result<(), NotFound> {
    let settings = &app.settings.clients.documents;
    if !settings.on {
        return Err(NotFound::Unknown);
    }
    let unusable = |fault, why: &str| NotFound::Document(Unusable::new(id, fault, why));
    let url = DocumentUrl::parse(id.as_str(), settings.local)
        .map_err(|why| unusable(Fault::Address, &format!("its address {why}")))?;
    if !settings.allows(url.authority()) {
        return Err(unusable(Fault::Operator, "its host is not among those whose apps may connect here"));
    }
    Ok(())
}

/// A document that follows the rules.
struct FetchedDocument {
    client: Client,
    /// How long it need not be fetched again.
    lifetime: Duration,
}

/// Fetches a document; `known` if its host gave a good one within the last 30 days.
async fn fetch_document(app: &App, id: &ClientId, known: bool, now: UnixTime) -> Result<FetchedDocument, Unusable> {
    let wanted = Wanted { url: id.as_str(), most: MAX_DOCUMENT, known };
    let fetched = app.fetch.get(wanted, now).await.map_err(|error| {
        let source = &error as &dyn std::error::Error;
        tracing::debug!(client = %without_addresses(id.as_str()), error = source, "a client's metadata document was not fetched");
        let fault = match &error {
            fetch::Error::Address(_) => Fault::Address,
            fetch::Error::Busy => Fault::Busy,
            error if error.is_gone() => Fault::Gone,
            error if error.passes() => Fault::Passing,
            _ => Fault::Host,
        };
        Unusable::new(id, fault, &error.to_string())
    })?;
    let client = client_document::parse(id, &fetched.body, now)
        .map_err(|error| Unusable::new(id, Fault::Document, error.description.trim_end_matches('.')))?;
    app.fetch.prove(&fetched.receipt, now);
    Ok(FetchedDocument { client, lifetime: fetched.lifetime.clamp(MIN_LIFETIME, MAX_LIFETIME) })
}
