//! The browser's requests: from the authorization request to the answer to the client.

mod apps;
pub(super) mod authorize;
pub(super) mod callback;
pub(super) mod consent;
mod leave;
pub(super) mod login;
mod rejection;
pub(super) mod session;
