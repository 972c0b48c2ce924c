//! The browser's requests: from the authorization request to the answer to the client.

mod apps;
pub(super) mod authorize;
pub(super) mod callback;
pub(super) mod consent;
pub(super) mod login;
mod refusal;
pub(super) mod session;
