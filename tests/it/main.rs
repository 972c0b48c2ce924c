//! jean through its router: one test binary, one file for each flow.

mod access_token;
mod client_auth;
mod code;
mod errors_http;
mod journey;
mod lockfile;
mod races;
mod refresh;
mod register;
mod resource;
mod revoke;
mod store;
mod support;
mod token_kinds;
