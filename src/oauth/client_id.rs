//! `client_id` (RFC 6749 section 2.2).

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// `client_id` (RFC 6749 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ClientId(String);

/// The longest `client_id` that comes in, in bytes: it is part of keys in rows, of which PostgreSQL takes 2,700 bytes.
pub(crate) const MAX_CLIENT_ID: usize = 512;

/// The longest one that may have come in earlier.
const MAX_STORED: usize = 2048;

impl ClientId {
    /// Reads a `client_id` that may be new here: printable ASCII (RFC 6749 appendix A.1), at most [`MAX_CLIENT_ID`] bytes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        ClientId::from_stored(text).filter(|id| id.0.len() <= MAX_CLIENT_ID)
    }

    /// Reads one that came in earlier: of a row, of a token, or of a client that comes back with what it has. No row gets
    /// it as a new key.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        let good = !text.is_empty() && text.len() <= MAX_STORED && text.bytes().all(|b| (0x20..=0x7e).contains(&b));
        good.then(|| ClientId(text.to_owned()))
    }

    /// The id's text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id is the address of the client's own metadata document (CIMD). Ids that jean makes never look like one.
    pub(crate) fn is_document_url(&self) -> bool {
        self.0.starts_with("https://") || self.0.starts_with("http://")
    }

    /// The host of a document's address, with its port; empty for other ids.
    pub(crate) fn host(&self) -> String {
        let url = Url::parse(&self.0).ok().filter(|_| self.is_document_url());
        url.map(|url| url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()).unwrap_or_default()
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
