//! What the benchmarks share with the tests: the program, a provider, a person, and plain connections.

#![allow(dead_code, reason = "each benchmark uses a part")]

#[path = "../../tests/it/support/cluster.rs"]
pub(crate) mod cluster;
#[path = "../../tests/it/support/running.rs"]
pub(crate) mod running;
#[path = "../../tests/it/support/shot.rs"]
pub(crate) mod shot;

use std::process::{Command, Stdio};
use std::time::Duration;

use cluster::Cluster;
use running::Program;

/// A database of a benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Db {
    Sqlite,
    Postgres,
}

/// A PostgreSQL server that waits for the disk, as in production.
pub(crate) fn durable() -> Cluster {
    Cluster::start_with(&[("JEAN_TEST_FSYNC", "on")])
}

/// The command for a program that has a core of its own.
pub(crate) fn pinned(jean: &str) -> [&str; 4] {
    ["taskset", "-c", "0", jean]
}

/// Keeps this process, with all its load, off the core of the programs.
pub(crate) fn off_the_programs_core() {
    let pid = std::process::id().to_string();
    let _ = Command::new("taskset").args(["-apc", "1", &pid]).stdout(Stdio::null()).status();
}

/// The CPU time that a program has used so far (proc(5), utime and stime, in ticks of 10 ms).
pub(crate) fn cpu(program: &Program) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", program.child.id())).expect("its stat");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(ticks * 10)
}
