//! The code itself, and its documents.

mod layering;
mod papers;
mod readme;
mod spec;
