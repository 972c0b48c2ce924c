//! Tokens that are presented: whether they are valid, and what they tell.

pub(crate) mod introspect;
pub(crate) mod mcp_session;
pub(crate) mod userinfo;
pub(crate) mod verify;
