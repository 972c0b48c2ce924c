//! `jean serve`: runs the server until it is told to stop, and lets running requests end.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::http::{StatusCode, header};
use jean::{Config, Jean};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;

/// Starts the server with this configuration, and says where it is.
pub async fn run(config: Config) -> anyhow::Result<()> {
    log();
    let listen = config.listen()?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: set another `listen` in jean.toml, or JEAN_LISTEN"))?;
    let listener = listener.into_std()?;
    let starting = Starting::answer_on(listener.try_clone()?)?;
    let jean = Jean::start(config).await.map_err(explain)?;
    starting.end().await;
    let listener = TcpListener::from_std(listener)?;
    println!("jean {} is ready.", env!("CARGO_PKG_VERSION"));
    println!("  MCP URL to paste into a client: {}", jean.mcp_url());
    for (name, issuer) in jean.upstreams() {
        println!("  People sign in with:            {name} ({issuer})");
    }
    println!("  The data is in:                 {}", jean.database());

    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut asked = stopped.clone();
    let server = axum::serve(listener, jean.service()).with_graceful_shutdown(async move {
        let _ = asked.wait_for(|stop| *stop).await;
    });
    let mut server = tokio::spawn(server.into_future());
    let failure = tokio::select! {
        told = told_to_stop() => told.map(|()| None)?,
        failure = jean.failed() => Some(failure),
    };
    match &failure {
        None => tracing::info!("stopping: running requests end first; stop again to cut them off"),
        Some(failure) => tracing::error!("stopping: {failure}"),
    }
    jean.drain();
    let _ = stop.send(true);
    let end = async {
        // What is open after that is a stream, or a request that waits for its write, which `close` waits for too.
        let _ = tokio::time::timeout(jean.request_timeout(), &mut server).await;
        jean.close().await;
        if !server.is_finished() {
            let _ = tokio::time::timeout(LAST_ANSWERS, server).await;
        }
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
    server: JoinHandle<std::io::Result<()>>,
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
        let server = axum::serve(TcpListener::from_std(listener)?, Router::new().fallback(answer));
        let server = server.with_graceful_shutdown(async move {
            let _ = wait.await;
        });
        Ok(Starting { started, server: tokio::spawn(server.into_future()) })
    }

    /// Takes no more connections. Those that are open have a moment for their answer, and end by themselves later.
    async fn end(self) {
        let _ = self.started.send(());
        let _ = tokio::time::timeout(LAST_ANSWERS, self.server).await;
    }
}

/// How long the last answers may take to be sent.
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

/// Log lines go to standard error; JEAN_LOG chooses them, as in `JEAN_LOG=jean=debug`.
fn log() {
    let filter = EnvFilter::try_from_env("JEAN_LOG").unwrap_or_else(|_| EnvFilter::new("warn,jean=info"));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
}
