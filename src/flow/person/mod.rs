//! People: who may come in, and who is signed in.

pub(crate) mod admission;
pub(crate) mod session;
pub(crate) mod sign_in;
