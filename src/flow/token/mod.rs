//! Tokens that are presented: whether they are valid, and what they tell.

pub mod introspect;
pub mod mcp_session;
pub mod userinfo;
pub mod verify;
