//! The program. It exits with 2 if the configuration cannot be used, and with 1 if anything else fails.

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
                eprintln!("jean: {}", chain(&error));
                ExitCode::FAILURE
            }
        },
    }
}

/// An error and its causes, without those that the text before contains already.
fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        before if before.contains(&cause) => text,
        before => format!("{before}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    #[test]
    fn a_cause_is_told_once() {
        let error = Err::<(), _>(std::io::Error::other("no room")).context("no room").context("cannot listen");
        assert_eq!(super::chain(&error.unwrap_err()), "cannot listen: no room");
    }
}
