//! The resource side: [`mod@guard`] protects MCP servers, [`backend`] has the built-in server behind a mount.

mod backend;
mod guard;

#[cfg(feature = "builtin")]
pub(crate) use backend::builtin::service as builtin;
pub use guard::caller::Caller;
pub use guard::challenge::StepUp;
pub use guard::layer::{GuardLayer, Guarded};
