//! jean through its router: one test binary, with the folders of `src/flow` and `src/http`, and a file for each feature.

mod client;
mod grant;
mod home;
mod house;
mod journey;
mod listen;
mod mcp;
mod person;
mod server;
mod store;
mod support;
mod token;
