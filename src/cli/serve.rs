//! `jean serve`: runs the server until it is told to stop, and lets running requests end.

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::http::{StatusCode, header};
use jean::{Config, Jean, Provider, listen};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Starts the server with this configuration, and says where it is.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    log();
    listen::raise_descriptor_limit();
    let address = config.listen()?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: set another `listen` in jean.toml, or JEAN_LISTEN"))?;
    let listener = listener.into_std()?;
    let starting = Starting::answer_on(listener.try_clone()?)?;
    let jean = Jean::start(config).await.map_err(explain)?;
    starting.end().await;
    let listener = TcpListener::from_std(listener)?;
    println!("jean {} is ready.", env!("CARGO_PKG_VERSION"));
    println!("  MCP URL to paste into a client: {}", jean.mcp_url());
    for Provider { name, issuer } in jean.providers() {
        println!("  People sign in with:            {name} ({issuer})");
    }
    println!("  The data is in:                 {}", jean.database());

    let (stop, stopped) = oneshot::channel::<()>();
    let server = listen::serve(listener, jean.service(), jean.listen_options()).with_graceful_shutdown(async move {
        let _ = stopped.await;
    });
    let server = tokio::spawn(server.into_future());
    let failure = tokio::select! {
        told = told_to_stop() => told.map(|()| None)?,
        failure = jean.failed() => Some(failure),
    };
    match &failure {
        None => tracing::info!("stopping: running requests end first; stop again to cut them off"),
        Some(failure) => tracing::error!("stopping: {failure}"),
    }
    // Not ready first, so that a load balancer learns of it on the connections that are open.
    jean.drain();
    let _ = stop.send(());
    let end = async {
        let _ = server.await;
        // A write whose request was cut off is waited for here.
        jean.close().await;
    };
    tokio::select! {
        () = end => {}
        again = told_to_stop() => again?,
    }
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}

/// Answers every request with 503 while the server starts, which may take a while: it waits for the migrations of another
/// process. A probe should be told to wait.
struct Starting {
    started: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Starting {
    /// Begins to answer on a handle of the server's own socket.
    fn answer_on(listener: std::net::TcpListener) -> std::io::Result<Self> {
        let (started, wait) = oneshot::channel();
        let answer = async || {
            // Kept alive, a connection would be told this for ever.
            let headers =
                [(header::CONNECTION, "close"), (header::RETRY_AFTER, "1"), (header::CACHE_CONTROL, "no-store")];
            (StatusCode::SERVICE_UNAVAILABLE, headers, "not ready: this server is starting\n")
        };
        let mut options = listen::Options::default();
        // Probes, and few others.
        options.connections = 64;
        options.grace = LAST_ANSWERS;
        options.cut = Duration::ZERO;
        let listener = TcpListener::from_std(listener)?;
        let server =
            listen::serve(listener, Router::new().fallback(answer), options).with_graceful_shutdown(async move {
                let _ = wait.await;
            });
        Ok(Starting { started, server: tokio::spawn(server.into_future()) })
    }

    /// Takes no more connections. Those that are open have a moment for their answer.
    async fn end(self) {
        let _ = self.started.send(());
        let _ = self.server.await;
    }
}

/// How long the answers that say so may take to be sent when the server has started.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Configuration problems stay what they are, for the exit status.
fn explain(error: jean::Error) -> anyhow::Error {
    match error {
        jean::Error::Config(problems) => problems.into(),
        other => other.into(),
    }
}

/// Ctrl-C or SIGTERM.
async fn told_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ctrl_c = tokio::signal::ctrl_c() => ctrl_c,
        _ = terminate.recv() => Ok(()),
    }
}

/// What is logged by default.
const LOGGED: &str = "warn,jean=info";

/// Libraries that log messages and statements at finer levels, in which there are names and email addresses: these need to
/// be named in JEAN_LOG.
const CAPPED: &str = "rmcp=warn,sqlx=warn";

/// Log lines go to standard error; JEAN_LOG chooses them, as in `JEAN_LOG=jean=debug`.
fn log() {
    let (filter, problem) = filter(std::env::var_os("JEAN_LOG").as_deref());
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    if let Some(problem) = problem {
        tracing::warn!("JEAN_LOG cannot be read ({problem}), so the log is as without it, {LOGGED}");
    }
}

/// The filter that JEAN_LOG asks for, or the default one, and what is wrong with JEAN_LOG.
fn filter(asked: Option<&OsStr>) -> (EnvFilter, Option<String>) {
    let asked = asked.filter(|asked| !asked.is_empty());
    let read = asked.map(|asked| {
        let text = asked.to_str().ok_or("it is not UTF-8")?;
        if let Some(word) = neither_level_nor_target(text) {
            return Err(format!("{word} is no level: write debug, info, warn or error, or {word}=LEVEL"));
        }
        // Of two directives for the same target, the later one counts.
        EnvFilter::try_new(format!("{CAPPED},{text}")).map_err(|error| error.to_string())
    });
    match read {
        Some(Ok(filter)) => (filter, None),
        Some(Err(problem)) => (EnvFilter::new(LOGGED), Some(problem)),
        None => (EnvFilter::new(LOGGED), None),
    }
}

/// A word alone that is no level. For the filter it is a target, of which everything is logged, and nothing of all others.
fn neither_level_nor_target(text: &str) -> Option<&str> {
    let is_meant = |word: &str| word.contains(['=', ':', '[']) || word == "jean" || word.parse::<LevelFilter>().is_ok();
    text.split(',').map(str::trim).find(|word| !word.is_empty() && !is_meant(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directives of the filter for this JEAN_LOG, and whether there is a problem.
    fn read(asked: &str) -> (Vec<String>, bool) {
        let (filter, problem) = filter(Some(OsStr::new(asked)));
        let mut directives: Vec<String> = filter.to_string().split(',').map(str::to_owned).collect();
        directives.sort();
        (directives, problem.is_some())
    }

    #[test]
    fn libraries_stay_at_warn_unless_they_are_named() {
        assert_eq!(read("debug").0, ["debug", "rmcp=warn", "sqlx=warn"]);
        assert_eq!(read("jean=debug").0, ["jean=debug", "rmcp=warn", "sqlx=warn"]);
        assert_eq!(read("info,sqlx=debug").0, ["info", "rmcp=warn", "sqlx=debug"]);
        assert_eq!(read("Debug").0, ["debug", "rmcp=warn", "sqlx=warn"]);
        assert_eq!(read("sqlx::query=debug").0, ["rmcp=warn", "sqlx::query=debug", "sqlx=warn"]);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_default_holds() {
        for bad in ["jean=inof", "=", "jean=debug=x", "[", "info,jean=loud", "verbose", "inof,jean=debug", "all"] {
            assert_eq!(read(bad), (vec!["jean=info".to_owned(), "warn".to_owned()], true), "{bad}");
        }
        for default in [None, Some(OsStr::new(""))] {
            let (filter, problem) = filter(default);
            assert_eq!((filter.to_string().as_str(), problem), ("jean=info,warn", None));
        }
    }
}
