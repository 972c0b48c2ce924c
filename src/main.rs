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
                eprintln!("jean: {}", told(&error));
                ExitCode::FAILURE
            }
        },
    }
}

/// An error and its causes, without those that the text before tells already.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        before if before.contains(&cause) => told,
        before => format!("{before}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    #[test]
    fn a_cause_is_told_once() {
        let error = Err::<(), _>(std::io::Error::other("no room")).context("no room").context("cannot listen");
        assert_eq!(super::told(&error.unwrap_err()), "cannot listen: no room");
    }
}
