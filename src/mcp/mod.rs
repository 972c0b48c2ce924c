//! The resource side: the guard in front of MCP servers, and the small server of our own.
//!
//! [`mod@guard`] is the order of the checks: Host and Origin ([`origin`]), the token, the session ([`session`]), and what
//! the call needs ([`operation`]). [`challenge`] is how a refusal leads on; [`caller`] is what the server behind is told. A
//! stream of events ends with what was allowed ([`stream`]).

mod builtin;
mod caller;
mod challenge;
mod envelope;
mod guard;
mod operation;
mod origin;
mod session;
mod stream;

pub(crate) use builtin::service as builtin;
pub use caller::Caller;
pub use challenge::StepUp;
pub(crate) use guard::guard;
