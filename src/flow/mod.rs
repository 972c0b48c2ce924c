//! What the server decides: one file for each flow, plain async functions over [`App`](crate::app::App).
//!
//! Nothing here knows HTTP, HTML or cookies' attributes: `http` turns requests into these calls and their results into
//! answers. The order of checks is the order of the lines; a refused request has changed nothing.

pub mod access;
pub mod authorize;
pub mod callback;
pub mod client_assertion;
pub mod client_auth;
pub mod client_configuration;
pub mod client_document;
pub mod code;
pub mod consent;
pub mod discovery;
pub mod feed;
pub mod introspect;
pub mod issue;
pub mod keys;
pub mod login;
pub mod openid;
pub mod past;
pub mod refresh;
pub mod register;
pub mod revoke;
pub mod session;
pub mod status;
pub mod time;
pub mod verify;

pub use crate::store::{to_the_end, within};
