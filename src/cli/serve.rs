//! `jean serve`: runs the server until it gets a signal to stop, and lets running requests end.

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

/// Starts the server with this configuration, and logs its address.
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
    // First report "not ready", so that a load balancer learns of it on open connections.
    jean.drain();
    let _ = stop.send(());
    let end = async {
        let _ = server.await;
        // This waits for writes whose requests were cut off.
        jean.close().await;
    };
    tokio::select! {
        () = end => {}
        again = told_to_stop() => again?,
    }
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}

/// Responds with 503 to every request while the server starts, which may take a while if it waits for another process's
/// migrations. Probes then know that they must wait.
struct Starting {
    started: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Starting {
    /// Begins to respond on a handle of the server's own socket.
    fn answer_on(listener: std::net::TcpListener) -> std::io::Result<Self> {
        let (started, wait) = oneshot::channel();
        let answer = async || {
            // On a connection that is kept alive, the client would get this forever.
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

    /// Accepts no more connections. Open ones have a moment to get their response.
    async fn end(self) {
        let _ = self.started.send(());
        let _ = self.server.await;
    }
}

/// How long these responses may still be sent after the server has started.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Keeps configuration problems as such, for the exit status.
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

/// Libraries that log messages and statements at finer levels, with names and email addresses in them. They log so only if
/// JEAN_LOG names them.
const CAPPED: &str = "rmcp=warn,sqlx=warn";

/// Sends log lines to standard error, filtered by JEAN_LOG, such as `JEAN_LOG=jean=debug`.
fn log() {
    let (filter, problem) = filter(std::env::var_os("JEAN_LOG").as_deref());
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    if let Some(problem) = problem {
        tracing::warn!("JEAN_LOG cannot be read ({problem}), so the log is as without it, {LOGGED}");
    }
}

/// The filter of JEAN_LOG, or the default one, and what is wrong with JEAN_LOG.
fn filter(asked: Option<&OsStr>) -> (EnvFilter, Option<String>) {
    let asked = asked.filter(|asked| !asked.is_empty());
    let read = asked.map(|asked| {
        let text = asked.to_str().ok_or("it is not UTF-8")?;
        if let Some(word) = neither_level_nor_target(text) {
            return Err(format!("{word} is no level: write debug, info, warn or error, or {word}=LEVEL"));
        }
        // If two directives have the same target, the later one counts.
        EnvFilter::try_new(format!("{CAPPED},{text}")).map_err(|error| error.to_string())
    });
    match read {
        Some(Ok(filter)) => (filter, None),
        Some(Err(problem)) => (EnvFilter::new(LOGGED), Some(problem)),
        None => (EnvFilter::new(LOGGED), None),
    }
}

/// A single word that is not a level. The filter takes it as a target: it would log everything of that target, and nothing
/// else.
fn neither_level_nor_target(text: &str) -> Option<&str> {
    let is_meant = |word: &str| word.contains(['=', ':', '[']) || word == "jean" || word.parse::<LevelFilter>().is_ok();
    text.split(',').map(str::trim).find(|word| !word.is_empty() && !is_meant(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directives of the filter for this JEAN_LOG, and whether there is a problem.
    fn directives(asked: &str) -> (Vec<String>, bool) {
        let (filter, problem) = filter(Some(OsStr::new(asked)));
        let mut directives: Vec<String> = filter.to_string().split(',').map(str::to_owned).collect();
        directives.sort();
        (directives, problem.is_some())
    }

    #[test]
    fn libraries_stay_at_warn_unless_they_are_named() {
        assert_eq!(directives("debug").0, ["debug", "rmcp=warn", "sqlx=warn"]);
        assert_eq!(directives("jean=debug").0, ["jean=debug", "rmcp=warn", "sqlx=warn"]);
        assert_eq!(directives("info,sqlx=debug").0, ["info", "rmcp=warn", "sqlx=debug"]);
        assert_eq!(directives("Debug").0, ["debug", "rmcp=warn", "sqlx=warn"]);
        assert_eq!(directives("sqlx::query=debug").0, ["rmcp=warn", "sqlx::query=debug", "sqlx=warn"]);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_default_holds() {
        for bad in ["jean=inof", "=", "jean=debug=x", "[", "info,jean=loud", "verbose", "inof,jean=debug", "all"] {
            assert_eq!(directives(bad), (vec!["jean=info".to_owned(), "warn".to_owned()], true), "{bad}");
        }
        for default in [None, Some(OsStr::new(""))] {
            let (filter, problem) = filter(default);
            assert_eq!((filter.to_string().as_str(), problem), ("jean=info,warn", None));
        }
    }
}
