//! The client of an id: configured, known by its metadata document, or registered.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::client::Client;
use crate::oauth::client_document::{Fault, Unusable};
use crate::oauth::client_id::{ClientId, MAX_CLIENT_ID};
use crate::oauth::error::{Error, ErrorCode};

use super::document;

/// How much of a metadata document is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The document as it is now.
    Current,
    /// Any copy; the document as it is now where there is none.
    AnyCopy,
    /// Any copy; its host is not asked.
    AtHand,
}

/// Why there is no client of an id.
#[derive(Debug)]
pub enum NotFound {
    /// Nobody knows it.
    Unknown,
    /// It is a document's address, and the document cannot be used.
    Document(Unusable),
    /// The database does not answer.
    Fault(Error),
}

impl NotFound {
    /// Why there can be no client of an id that does not parse: a document's address may only be too long.
    pub fn unfit(id: &str) -> Self {
        match ClientId::from_stored(id).filter(ClientId::is_document_url) {
            Some(id) => {
                let why = format!("its address is longer than {MAX_CLIENT_ID} bytes");
                NotFound::Document(Unusable::new(&id, Fault::Address, &why))
            }
            None => NotFound::Unknown,
        }
    }
}

impl From<document::Refused> for NotFound {
    fn from(refused: document::Refused) -> Self {
        match refused {
            document::Refused::Off => NotFound::Unknown,
            document::Refused::Unusable(unusable) => NotFound::Document(unusable),
            document::Refused::Store(error) => NotFound::Fault(error.into()),
        }
    }
}

/// For the token endpoint: a client that cannot be is `invalid_client`, one that cannot be known just now may try again.
impl From<NotFound> for Error {
    fn from(missing: NotFound) -> Self {
        match missing {
            NotFound::Unknown => unknown(),
            NotFound::Document(Unusable { fault, why, .. }) => {
                let code = match fault {
                    Fault::Passing | Fault::Busy => ErrorCode::TryLater,
                    Fault::Address | Fault::Host | Fault::Gone | Fault::Document | Fault::Operator => {
                        ErrorCode::InvalidClient
                    }
                };
                Error::new(code, format!("The client's metadata document cannot be used: {why}."))
            }
            NotFound::Fault(error) => error,
        }
    }
}

/// The client of this id: configured, known by its document, or registered.
pub async fn find(app: &App, id: &ClientId, need: Need, now: UnixTime) -> Result<Client, NotFound> {
    if let Some(client) = app.settings.clients.preregistered.iter().find(|client| client.id == *id) {
        return Ok(client.clone());
    }
    let fault = |error: crate::store::Error| NotFound::Fault(error.into());
    if !id.is_document_url() {
        return app.store.find_client(id).await.map_err(fault)?.ok_or(NotFound::Unknown);
    }
    match need {
        Need::Current => Ok(document::current(app, id, now).await?),
        Need::AnyCopy => Ok(document::known(app, id, now).await?),
        Need::AtHand => document::at_hand(app, id, now).await.map_err(fault)?.ok_or(NotFound::Unknown),
    }
}

/// What an unknown client and one with a wrong secret learn: the same.
pub(crate) fn unknown() -> Error {
    Error::invalid_client("The client is unknown or its secret is wrong. Register again.")
}
