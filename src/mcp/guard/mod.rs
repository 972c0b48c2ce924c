//! The guard: a bearer token in, a [`Caller`](caller::Caller) out; else the challenge that leads a client to its token.
//!
//! RFC 6750 section 3, RFC 9728 section 5.1, and the authorization section of the MCP specification. The order: Host and
//! Origin (DNS rebinding), the token, whose the session is, the scopes. The token itself goes no further.
//!
//! [`layer`] is the guard as tower has it, [`admit`] decides. [`origin`] checks Host and Origin, [`session`] whose a session is, [`tools`] what a call needs; [`challenge`] is how a
//! refusal leads on, [`caller`] what the server behind is told, and [`stream`] ends streams of events with their grant.

mod admit;
pub(super) mod caller;
pub(super) mod challenge;
mod denied;
pub(super) mod layer;
#[cfg(feature = "testing")]
mod made_up;
mod origin;
mod session;
mod stream;
mod strict_json;
mod tools;
