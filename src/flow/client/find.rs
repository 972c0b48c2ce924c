//! Finds the client of an id: configured, with a metadata document, or registered.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::client::Client;
use crate::oauth::client_id::ClientId;

use super::document;
use super::not_found::NotFound;

/// Which version of a metadata document is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The current document.
    Current,
    /// Any copy; the current document if there is no copy.
    AnyCopy,
    /// Any copy, without a request to its host.
    AtHand,
}

/// Finds the client of this id: configured, with a metadata document, or registered.
pub(crate) async fn find(app: &App, id: &ClientId, need: Need, now: UnixTime) -> Result<Client, NotFound> {
    if let Some(client) = app.settings.clients.preregistered.iter().find(|client| client.id == *id) {
        return Ok(client.clone());
    }
    if !id.is_document_url() {
        return app.store.find_client(id).await?.ok_or(NotFound::Unknown);
    }
    match need {
        Need::Current => document::current(app, id, now).await,
        Need::AnyCopy => document::any_copy(app, id, now).await,
        Need::AtHand => document::at_hand(app, id, now).await?.ok_or(NotFound::Unknown),
    }
}
