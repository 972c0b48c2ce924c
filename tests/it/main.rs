//! jean through its router: one test binary, one file for each flow.

mod discovery;
mod embedding;
mod guard;
mod guard_memory;
mod journey;
mod keys;
mod layering;
mod lockfile;
mod mcp;
mod program;
mod status;
mod support;
