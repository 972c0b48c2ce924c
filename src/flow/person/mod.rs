//! Persons: which of them may come in, and which one is signed in.

pub(crate) mod admission;
pub(crate) mod session;
pub(crate) mod sign_in;
