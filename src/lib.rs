//! OAuth 2.1 in front of MCP servers.

mod clock;
mod config;
mod oauth;
mod keys;
mod random;
mod secret;
mod store;

pub use clock::{Clock, ManualClock, SystemClock, UnixTime};
