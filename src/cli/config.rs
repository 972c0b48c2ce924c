//! `jean config`: the reference of `jean.toml`, which runs as it is.

use std::io::Write;

/// The file at the root of the repository.
const REFERENCE: &str = include_str!("../../jean.toml");

/// Prints the reference.
pub(super) fn run() -> anyhow::Result<()> {
    std::io::stdout().write_all(REFERENCE.as_bytes())?;
    Ok(())
}
