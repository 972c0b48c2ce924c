//! The endpoints by which servers and clients learn what a token says.

pub(super) mod introspect;
pub(super) mod userinfo;
