//! Tokens that are presented: whether they are valid, what they tell, and which were revoked.

pub mod introspect;
pub mod mcp_session;
pub mod revocations;
pub mod userinfo;
pub mod verify;
