//! `jean check`: whether the configuration can be used, and what it amounts to.

use std::io::Write;

use jean::Config;

/// Checks the configuration and prints its summary.
pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let summary = config.check()?;
    writeln!(std::io::stdout(), "{summary}")?;
    Ok(())
}
