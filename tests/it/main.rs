//! jean through its router: one test binary, one file for each flow.

mod journey;
mod lockfile;
mod support;
