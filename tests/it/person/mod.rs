//! People: who may come in.

mod admission;
