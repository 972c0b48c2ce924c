//! Clients that are known by their metadata document (draft-ietf-oauth-client-id-metadata-document-02, section 5).
//!
//! A document is asked for at the authorization endpoint, when it is not known or too old, and serves for as long as its
//! headers say, within bounds. Failures are not kept. While a document cannot be had, its last good copy serves: this
//! process's, the one that was stored when somebody allowed the client something, or a pinned one. The token endpoint goes
//! by any copy that is at hand, so that nobody's session hangs on a client's web site, and has it looked at anew later.

use std::time::Duration;

use crate::app::App;
use crate::clock::UnixTime;
use crate::fetch;
use crate::oauth::client::{Client, ClientId, ClientOrigin};
use crate::oauth::client_document::{self, Fault, MAX_DOCUMENT, Unusable};
use crate::oauth::document_url::DocumentUrl;
use crate::store;

/// How long a document serves at least and at most, whatever its headers say (section 5.2).
const LIFETIME: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));

/// Why there is no client.
#[derive(Debug)]
pub enum Refused {
    /// This server does not know clients by documents.
    Off,
    /// The document cannot be used.
    Unusable(Unusable),
    /// The database does not answer.
    Store(store::Error),
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Refused::Store(error)
    }
}

/// The client as its document says now.
pub async fn current(app: &App, id: &ClientId, now: UnixTime) -> Result<Client, Refused> {
    check(app, id)?;
    let known = app.documents.of(id);
    if let Some(answer) = known.answer(now) {
        return answer.map_err(Refused::Unusable);
    }
    let _turn = known.asking.lock().await;
    if let Some(answer) = known.answer(now) {
        return answer.map_err(Refused::Unusable);
    }
    let last = last_good(app, id, now).await?;
    let failure = match ask(app, id, last.is_some(), now).await {
        Ok((client, lifetime)) => {
            known.keep(&client, now + lifetime);
            return Ok(client);
        }
        Err(failure) => failure,
    };
    // What its host says in so many words is not overruled by what it said before.
    match last.filter(|_| failure.fault != Fault::Document) {
        Some((copy, _)) => {
            tracing::info!(client = %id, why = failure.why, "the last good copy of a client's metadata document serves");
            known.keep(&copy, now + LIFETIME.0);
            Ok(copy)
        }
        None => {
            tracing::info!(client = %id, why = failure.why, "a client's metadata document cannot be used");
            known.fail(&failure, now);
            Err(Refused::Unusable(failure))
        }
    }
}

/// The client by any copy that is at hand, else as its document says now.
pub async fn known(app: &App, id: &ClientId, now: UnixTime) -> Result<Client, Refused> {
    check(app, id)?;
    match at_hand(app, id, now).await? {
        Some(copy) => Ok(copy),
        None => current(app, id, now).await,
    }
}

/// The client by the last good copy: this process's, the stored one, or a pinned one. Asks nobody; where the copy is old,
/// it is looked at anew later.
pub async fn at_hand(app: &App, id: &ClientId, now: UnixTime) -> Result<Option<Client>, store::Error> {
    let Some((copy, fresh)) = last_good(app, id, now).await? else { return Ok(None) };
    if !fresh {
        app.documents.look_again(id);
    }
    Ok(Some(copy))
}

/// The last good copy, the newest of those that there are, and whether it is fresh.
async fn last_good(app: &App, id: &ClientId, now: UnixTime) -> Result<Option<(Client, bool)>, store::Error> {
    let known = app.documents.of(id);
    let remembered = match known.copy(now) {
        Some((copy, true)) => return Ok(Some((copy, true))),
        stale => stale.map(|(copy, _)| copy),
    };
    let stored = app.store.find_client(id).await?.filter(|client| client.origin == ClientOrigin::Document);
    let newest = [remembered, stored].into_iter().flatten().max_by_key(|copy| copy.created_at);
    let copy = newest.or_else(|| app.settings.clients.documents.pinned.get(id).cloned());
    if let Some(copy) = &copy {
        known.remember(copy);
    }
    Ok(copy.map(|copy| (copy, false)))
}

/// Looks at a document anew, and brings the stored copy up to date where there is one.
pub async fn look_again(app: &App, id: &ClientId, now: UnixTime) -> Result<(), store::Error> {
    match current(app, id, now).await {
        Ok(client) => app.store.renew_document(&client, now).await,
        Err(Refused::Store(error)) => Err(error),
        Err(_) => Ok(()),
    }
}

/// Whether a client that was allowed something needs a stored copy: one that is pinned as it is has a copy already, which
/// a newer version may replace.
pub fn needs_copy(app: &App, client: &Client) -> bool {
    let pinned = app.settings.clients.documents.pinned.get(&client.id);
    client.origin == ClientOrigin::Document && pinned.is_none_or(|pinned| pinned.metadata != client.metadata)
}

/// Whether such a client may be at all.
fn check(app: &App, id: &ClientId) -> Result<(), Refused> {
    let settings = &app.settings.clients.documents;
    if !settings.on {
        return Err(Refused::Off);
    }
    let unusable = |fault, why: &str| Refused::Unusable(Unusable::new(id, fault, why));
    let url = DocumentUrl::parse(id.as_str(), settings.local)
        .map_err(|why| unusable(Fault::Address, &format!("its address {why}")))?;
    if !settings.allows(url.authority()) {
        return Err(unusable(Fault::Operator, "its host is not among those whose apps may connect here"));
    }
    Ok(())
}

/// Asks the host; `known` where it had a good document before.
async fn ask(app: &App, id: &ClientId, known: bool, now: UnixTime) -> Result<(Client, Duration), Unusable> {
    let fetched = app.fetch.get(id.as_str(), MAX_DOCUMENT, known, now).await.map_err(|error| {
        let source = &error as &dyn std::error::Error;
        tracing::debug!(client = %id, error = source, "a client's metadata document was not fetched");
        let fault = match &error {
            fetch::Error::Address(_) => Fault::Address,
            fetch::Error::Busy => Fault::Busy,
            error if error.passes() => Fault::Passing,
            _ => Fault::Host,
        };
        Unusable::new(id, fault, &error.to_string())
    })?;
    let client = client_document::parse(id, &fetched.body, now)
        .map_err(|error| Unusable::new(id, Fault::Document, error.description.trim_end_matches('.')))?;
    app.fetch.prove(&fetched.receipt, now);
    Ok((client, fetched.lifetime.clamp(LIFETIME.0, LIFETIME.1)))
}
