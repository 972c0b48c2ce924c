//! Clients: how they register, how they are found, and how they authenticate.

pub(crate) mod assertion;
pub(crate) mod authenticate;
pub(crate) mod configuration;
pub(crate) mod document;
pub(crate) mod find;
pub(crate) mod not_found;
pub(crate) mod register;
