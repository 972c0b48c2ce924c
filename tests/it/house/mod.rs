//! The code itself, and its documents.

mod layering;
mod readme;
mod spec;
