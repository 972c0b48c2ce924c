//! Clients: how they register, how they are found, and how they authenticate.

pub mod assertion;
pub mod authenticate;
pub mod configuration;
pub mod document;
pub mod find;
pub mod not_found;
pub mod register;
