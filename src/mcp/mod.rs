//! The resource side: [`mod@guard`] stands in front of MCP servers, [`backend`] is what stands behind a mount.

mod backend;
mod guard;

#[cfg(feature = "builtin")]
pub(crate) use backend::builtin::service as builtin;
pub use guard::caller::Caller;
pub use guard::challenge::StepUp;
pub use guard::layer::{GuardLayer, Guarded};
