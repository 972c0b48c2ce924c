//! Clients that are known by their metadata document (draft-ietf-oauth-client-id-metadata-document-02, section 5).
//!
//! A document is fetched at the authorization endpoint, if it is not known or too old, and serves for as long as its headers
//! say, within bounds. Failures are kept for seconds. What its last good copy is good for then depends on the host:
//!
//! - **404 and 410, or a document that is wrong**: the host has spoken. The copy is over for new authorizations, at once, and
//!   stays so until the host gives the document again, even if it only fails meanwhile. This is remembered here, and stored
//!   with the copy, so that it holds after a restart and at other replicas that have nothing newer. A process that stops
//!   before it is stored (a moment later, in the background) does not know; it asks again and is told again.
//! - **Any other failure**: the copy serves for seven days after the host gave it last.
//! - **A pinned copy** is the operator's word and serves in all these cases, but where the host gives a document that is
//!   wrong.
//!
//! The token endpoint goes by any copy, so that nobody's session hangs on a client's web site, and has it fetched again later.

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

/// How long a document serves at least, whatever its headers say (section 5.2).
const MIN_LIFETIME: Duration = Duration::from_secs(60);

/// How long a document serves at most, whatever its headers say (section 5.2).
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The client as its document says now, for a new authorization.
pub(crate) async fn current(app: &App, id: &ClientId, now: UnixTime) -> Result<Client, NotFound> {
    check(app, id)?;
    let known = app.documents.of(id);
    if let Some(answer) = known.answer(now) {
        return answer.map_err(NotFound::Document);
    }
    let _turn = known.asking.lock().await;
    if let Some(answer) = known.answer(now) {
        return answer.map_err(NotFound::Document);
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
                // This may be a GET, which writes nothing.
                app.documents.look_again(id);
            }
            return Ok(client);
        }
        Err(failure) => failure,
    };
    if failure.fault.ends_copies() {
        known.end(now);
        if stored.is_some_and(|stored| !stored.is_over) {
            app.documents.look_again(id);
        }
    }
    let copy = known.copy().filter(|copy| copy.serves(now));
    // What its host says in so many words is not overruled, by whatever it or the operator said before.
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

/// The client by any copy that is at hand, else as its document says now.
pub(crate) async fn known(app: &App, id: &ClientId, now: UnixTime) -> Result<Client, NotFound> {
    check(app, id)?;
    match at_hand(app, id, now).await? {
        Some(copy) => Ok(copy),
        None => current(app, id, now).await,
    }
}

/// The client by any copy: this process's, the stored one, or a pinned one. Asks nobody; if the copy is old, it is fetched
/// again later.
pub(crate) async fn at_hand(app: &App, id: &ClientId, now: UnixTime) -> Result<Option<Client>, store::Error> {
    let known = app.documents.of(id);
    if let Some(Ok(client)) = known.answer(now) {
        return Ok(Some(client));
    }
    if let Some(stored) = app.store.find_document(id).await? {
        known.remember(&stored);
    }
    let pinned = app.settings.clients.documents.pinned.get(id).cloned();
    // What serves new authorizations comes first: the code that one got must be good at the token endpoint.
    let client = match known.copy() {
        Some(copy) if copy.serves(now) => Some(copy.client),
        copy => pinned.or(copy.map(|copy| copy.client)),
    };
    if client.is_some() {
        app.documents.look_again(id);
    }
    Ok(client)
}

/// Fetches a document again, and brings the stored copy up to date if there is one.
pub(crate) async fn look_again(app: &App, id: &ClientId, now: UnixTime) -> Result<(), Error> {
    if let Err(NotFound::Fault(error)) = current(app, id, now).await {
        return Err(error);
    }
    match app.documents.of(id).copy() {
        Some(copy) => Ok(app.store.renew_document(&copy, now).await?),
        None => Ok(()),
    }
}

/// Whether a client that was allowed something needs a stored copy: one that is pinned as it is has a copy already, which
/// a newer version may replace.
pub(crate) fn needs_copy(app: &App, client: &Client) -> bool {
    let pinned = app.settings.clients.documents.pinned.get(&client.id);
    client.origin == ClientOrigin::Document && pinned.is_none_or(|pinned| pinned.metadata != client.metadata)
}

/// Whether such a client may be at all.
fn check(app: &App, id: &ClientId) -> Result<(), NotFound> {
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

/// A good document.
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
