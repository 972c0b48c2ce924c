//! What the server decides: one file for each flow, plain async functions over [`App`](crate::flow::app::App).
//!
//! Nothing here knows HTTP, HTML or cookies' attributes: `http` turns requests into these calls and their results into
//! answers. The order of checks is the order of the lines; a refused request has changed nothing.

pub mod app;
pub mod client;
pub mod discovery;
pub mod grant;
pub mod housekeeping;
pub mod journey;
pub mod keys;
pub mod person;
pub mod revocations;
pub mod scopes;
pub mod status;
pub mod time;
pub mod token;

pub use crate::store::{to_the_end, within};
