//! OAuth 2.1 in front of MCP servers.

mod clock;
mod config;
mod oauth;
mod random;

pub use clock::{Clock, ManualClock, SystemClock, UnixTime};
pub use config::{Config, Problems, Summary};
