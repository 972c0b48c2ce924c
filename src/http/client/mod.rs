//! The endpoints by which clients register and manage their registration.

pub(super) mod configuration;
pub(super) mod register;
