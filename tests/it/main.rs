//! jean through its router: one test binary, one file for each flow.

mod authorize;
mod consent;
mod journey;
mod lockfile;
mod login;
mod remembering;
mod support;
