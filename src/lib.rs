//! OAuth 2.1 in front of MCP servers.

mod clock;
mod config;
mod http;
mod oauth;
mod keys;
mod random;
mod secret;
mod store;
mod app;
mod flow;

pub use clock::{Clock, ManualClock, SystemClock, UnixTime};
pub use config::{Config, Problems, Summary};
