//! Why a key or a token cannot be used.

use crate::oauth::error::Source;

/// Why a key or a token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key may sign now.
    #[error("there is no signing key")]
    NoKey,
    /// The token names a key that this server does not know.
    #[error("the token is signed by no key of ours")]
    UnknownKey,
    /// The header does not fit this kind of token.
    #[error("the token's header is wrong: {0}")]
    Header(&'static str),
    /// The signature or the encoding of the token is wrong.
    #[error("the token is not genuine: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// A key could not be made, parsed or used.
    #[error("a signing key could not be {0}")]
    Key(&'static str, #[source] Source),
}

pub(super) fn unreadable(error: impl Into<Source>) -> Error {
    Error::Key("read", error.into())
}
