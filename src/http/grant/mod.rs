//! Clients that exchange or end what a person granted.

pub(super) mod revoke;
pub(super) mod token;
