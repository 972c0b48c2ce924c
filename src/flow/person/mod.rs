//! People: who may come in, and who is signed in.

pub mod admission;
pub mod session;
pub mod sign_in;
