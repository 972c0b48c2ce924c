//! Servers and clients that ask what a token means.

pub(super) mod introspect;
pub(super) mod userinfo;
