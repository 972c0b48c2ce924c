//! `jean serve`: runs the server until it is told to stop.

use jean::Config;

/// Starts the server with this configuration.
pub async fn run(config: Config) -> anyhow::Result<()> {
    config.check()?;
    Ok(())
}
