//! jean through its router: one test binary, one file for each flow.

mod access;
mod authorize;
mod consent;
mod journey;
mod lockfile;
mod login;
mod login_pages;
mod pages;
mod remembering;
mod support;
mod upstream_faults;
