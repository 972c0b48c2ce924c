//! The guard, and the MCP server behind it.

mod builtin;
mod guard;
mod guard_memory;
mod session;
mod step_up;
mod streams;
mod transport;
