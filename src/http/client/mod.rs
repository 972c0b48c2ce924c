//! Clients that register, and that manage their registration.

pub(super) mod configuration;
pub(super) mod register;
