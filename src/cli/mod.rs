//! The command line: `jean [--config FILE] [serve | check | config | conformance]`, one file for each subcommand.

mod check;
mod config;
mod conformance;
mod serve;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use jean::{Config, Problems};

/// OAuth 2.1 in front of MCP servers.
#[derive(Debug, Parser)]
#[command(name = "jean", version)]
pub(crate) struct Arguments {
    /// The configuration; by default what JEAN_CONFIG names, or jean.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do.
#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Run the server; what jean does when told nothing else
    Serve,
    /// Check the configuration, and tell which addresses to hand out and to register
    Check,
    /// Print the reference of jean.toml, to begin with: jean config > jean.toml
    Config,
    /// Check this version against the specifications, with a server and data of its own
    Conformance {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Arguments {
    fn load(&self) -> Result<Config, Problems> {
        let named = self.config.clone().or_else(|| std::env::var_os("JEAN_CONFIG").map(PathBuf::from));
        Config::load(named.unwrap_or_else(|| "jean.toml".into()))
    }
}

/// Does what the command line says.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(arguments.load()?).await,
        Command::Check => check::run(&arguments.load()?),
        Command::Config => config::run(),
        Command::Conformance { json } => conformance::run(json).await,
    }
}
