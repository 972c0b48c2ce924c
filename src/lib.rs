//! OAuth 2.1 in front of MCP servers.

mod app;
mod clock;
mod config;
mod flow;
mod http;
mod keys;
mod mcp;
mod oauth;
mod random;
mod secret;
mod server;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(not(feature = "testing"))]
mod testing;
mod upstream;

pub use clock::{Clock, ManualClock, SystemClock, UnixTime};
pub use config::{Config, Problems, Summary};
pub use mcp::Caller;
pub use server::{Error, Jean};
