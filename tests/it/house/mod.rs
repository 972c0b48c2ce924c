//! The code itself, its documents, and what it is built from.

mod layering;
mod lockfile;
mod readme;
mod spec;
