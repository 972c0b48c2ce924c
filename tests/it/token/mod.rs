//! Tokens that are presented: introspection, UserInfo, and each kind at the wrong endpoint.

mod introspect;
mod kinds;
mod openid;
