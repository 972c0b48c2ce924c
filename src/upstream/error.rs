//! Why an upstream did not sign a person in.

use crate::clock::UnixTime;
use crate::oauth::error::{Source, with_causes};
use crate::oauth::masked::without_addresses;

/// Why an upstream did not sign a person in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A fault that passes: network, time-out, a 5xx or 429 answer.
    #[error("{at} cannot be reached")]
    Unreachable {
        /// The address that was asked.
        at: String,
        /// What went wrong.
        source: Source,
    },
    /// The token endpoint's own error, such as `invalid_grant` or `invalid_client`: theirs, so for the log only.
    #[error("the token endpoint answered {code:?}")]
    Refused {
        /// The error code.
        code: String,
        /// The description that came with it.
        #[source]
        description: Option<Source>,
    },
    /// The answer breaks a rule.
    #[error("{reason}")]
    Invalid {
        /// Which one.
        reason: String,
        /// What the library said.
        source: Option<Source>,
    },
    /// `max_age` was asked for, and the ID token does not say when the person signed in.
    #[error("the id_token lacks auth_time, though max_age was asked for")]
    UndatedSignIn,
    /// The person signed in longer ago than `max_age`.
    #[error("the person signed in at {signed_in}, longer ago than max_age")]
    OldSignIn {
        /// When.
        signed_in: UnixTime,
    },
    /// The person had to sign in again, and the ID token does not show that they did.
    #[error("the id_token does not show a sign-in since {since}, though prompt=login was asked for")]
    NotFresh {
        /// Since when.
        since: UnixTime,
    },
}

impl Error {
    /// The error and its causes in one line, without email addresses: a provider may name an account in its words.
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
