//! The resource side: the guard in front of MCP servers, and the small server of our own.

mod builtin;
mod guard;

pub(crate) use builtin::service as builtin;
pub use guard::Caller;
pub(crate) use guard::guard;
