//! What everybody may read, and what scripts of other sites may.

mod cors;
mod default_endpoints;
mod discovery;
mod errors_http;
mod status;
