//! The program and the library as a whole.

mod clock_jumps;
mod early_answers;
mod embedding;
mod keys;
mod logging;
mod program;
mod slow_bodies;
