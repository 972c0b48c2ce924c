//! Why a key or a token is no good.

use crate::oauth::error::Source;

/// Why a key or a token is no good.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no key that may sign now.
    #[error("there is no signing key")]
    NoKey,
    /// The token names no key of ours.
    #[error("the token is signed by no key of ours")]
    UnknownKey,
    /// The header is not that of a token of this kind.
    #[error("the token's header is wrong: {0}")]
    Header(&'static str),
    /// The signature or the encoding is wrong.
    #[error("the token is not genuine: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// A key could not be made, read or used.
    #[error("a signing key could not be {0}")]
    Key(&'static str, #[source] Source),
}

pub(super) fn read(error: impl Into<Source>) -> Error {
    Error::Key("read", error.into())
}
