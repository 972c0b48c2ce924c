//! Presented tokens: whether they are valid, and what they say.

pub(crate) mod introspect;
pub(crate) mod mcp_session;
pub(crate) mod userinfo;
pub(crate) mod verify;
