//! The way through the browser, from the authorization request to the answer to the client.

pub mod callback;
pub mod consent;
pub mod login;
pub mod past;
pub mod request;
