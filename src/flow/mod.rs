//! What the server decides: one file for each flow, plain async functions over [`App`](crate::flow::app::App).
//!
//! Nothing here knows HTTP, HTML or cookies' attributes: `http` turns requests into these calls and their results into
//! answers. The order of checks is the order of the lines; a refused request has changed nothing.

pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod discovery;
pub(crate) mod grant;
pub(crate) mod housekeeping;
pub(crate) mod journey;
pub(crate) mod keys;
pub(crate) mod person;
pub(crate) mod revocations;
pub(crate) mod scopes;
pub(crate) mod status;
pub(crate) mod time;
pub(crate) mod token;

pub(crate) use crate::store::{to_the_end, within};
