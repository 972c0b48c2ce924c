//! Why no client was found for an id.

use crate::oauth::client_document::{Fault, Unusable};
use crate::oauth::client_id::{ClientId, MAX_CLIENT_ID};
use crate::oauth::error::{Error, ErrorCode};
use crate::store;

/// Why no client was found for an id. All flows use it.
#[derive(Debug)]
pub(crate) enum NotFound {
    /// No client has this id.
    Unknown,
    /// The id is a document's address, and the document cannot be used.
    Document(Unusable),
    Fault(Error),
}

impl NotFound {
    /// For an id that does not parse. A document's address may just be too long, and gets an error that says so.
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

/// For the token endpoint: `invalid_client`, or an error that invites a retry if the client could not be looked up now.
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

/// The same error for an unknown client and for a wrong secret.
pub(crate) fn unknown() -> Error {
    Error::invalid_client("The client is unknown or its secret is wrong. Register again.")
}
