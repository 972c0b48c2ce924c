//! The journey's requests: from the authorization request to the client's answer.

mod apps;
pub(super) mod authorize;
pub(super) mod callback;
pub(super) mod consent;
mod leave;
pub(super) mod login;
mod rejection;
pub(super) mod session;
