//! Why a sign-in at an upstream failed.

use crate::clock::UnixTime;
use crate::oauth::error::{Source, with_causes};
use crate::oauth::masked::without_addresses;

/// Why a sign-in at an upstream failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A temporary fault: network, time-out, or a response with 5xx or 429.
    #[error("{at} cannot be reached")]
    Unreachable {
        /// The address of the request.
        at: String,
        /// The cause.
        source: Source,
    },
    /// The token endpoint's error, such as `invalid_grant` or `invalid_client`. It is the upstream's text, so for the log
    /// only.
    #[error("the token endpoint answered {code:?}")]
    Refused {
        code: String,
        /// Its `error_description`.
        #[source]
        description: Option<Source>,
    },
    /// The response breaks a rule.
    #[error("{reason}")]
    Invalid {
        /// The broken rule.
        reason: String,
        /// The library's error.
        source: Option<Source>,
    },
    /// `max_age` was requested, and the ID token does not say when the person signed in.
    #[error("the id_token lacks auth_time, though max_age was asked for")]
    UndatedSignIn,
    /// The person signed in longer ago than `max_age`.
    #[error("the person signed in at {signed_in}, longer ago than max_age")]
    OldSignIn {
        /// When the person signed in.
        signed_in: UnixTime,
    },
    /// The person had to sign in again, and the ID token does not prove that they did.
    #[error("the id_token does not show a sign-in since {since}, though prompt=login was asked for")]
    NotFresh {
        /// The earliest time of a sign-in that would do.
        since: UnixTime,
    },
}

impl Error {
    /// The error and its causes in one line, without email addresses: a provider's text may name an account.
    pub(crate) fn for_log(&self) -> String {
        without_addresses(&with_causes(self)).into_owned()
    }
}

pub(super) fn invalid(reason: impl Into<String>) -> Error {
    Error::Invalid { reason: reason.into(), source: None }
}

pub(super) fn because(reason: impl Into<String>, source: impl Into<Source>) -> Error {
    Error::Invalid { reason: reason.into(), source: Some(source.into()) }
}
