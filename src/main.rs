//! The program. It exits with 2 where the configuration cannot be used, and with 1 where anything else fails.

mod cli;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<jean::Problems>() {
            Some(problems) => {
                eprintln!("{problems}");
                ExitCode::from(2)
            }
            None => {
                eprintln!("jean: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}
