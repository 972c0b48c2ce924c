//! What the server decides: one file for each flow, each a set of plain async functions over [`App`](crate::flow::app::App).
//!
//! Flows know no HTTP, no HTML and no cookie attributes: `http` turns requests into these calls and their results into
//! responses. The order of checks is the order of the lines. A rejected request has changed nothing, with few
//! exceptions, which the functions name: a revocation that the rejection requires, or an assertion that was spent.

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
