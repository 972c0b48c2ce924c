//! Why there is no client of an id.

use crate::oauth::client_document::{Fault, Unusable};
use crate::oauth::client_id::{ClientId, MAX_CLIENT_ID};
use crate::oauth::error::{Error, ErrorCode};
use crate::store;

/// Why there is no client of an id, for every flow that looks for one.
#[derive(Debug)]
pub(crate) enum NotFound {
    /// Nobody knows it.
    Unknown,
    /// It is a document's address, and the document cannot be used.
    Document(Unusable),
    /// The database does not answer.
    Fault(Error),
}

impl NotFound {
    /// Why there can be no client of an id that does not parse: a document's address may only be too long.
    pub(crate) fn unfit(id: &str) -> Self {
        match ClientId::from_stored(id).filter(ClientId::is_document_url) {
            Some(id) => {
                let why = format!("its address is longer than {MAX_CLIENT_ID} bytes");
                NotFound::Document(Unusable::new(&id, Fault::Address, &why))
            }
            None => NotFound::Unknown,
        }
    }
}

impl From<store::Error> for NotFound {
    fn from(error: store::Error) -> Self {
        NotFound::Fault(error.into())
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

/// What an unknown client and one with a wrong secret learn: the same.
pub(crate) fn unknown() -> Error {
    Error::invalid_client("The client is unknown or its secret is wrong. Register again.")
}
