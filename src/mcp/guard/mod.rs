//! The guard: turns a bearer token into a [`Caller`](caller::Caller), or rejects with the challenge that leads a client to a
//! token.
//!
//! RFC 6750 section 3, RFC 9728 section 5.1, and the authorization section of the MCP specification. The order: Host and
//! Origin (DNS rebinding), the token, the owner of the session, the scopes. The backend never sees the token.
//!
//! [`layer`] is the guard as a tower layer, [`admit`] decides. [`origin`] verifies Host and Origin, [`session`] the owner
//! of a session; [`tools`] finds the scopes that a call needs; [`challenge`] renders rejections, [`caller`] is what the
//! backend sees, and [`stream`] ends event streams with their grant.

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
