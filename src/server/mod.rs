//! Jean: everything built once from a [`Config`], and what goes on in the background.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tower::Service;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::{App, ClientKeys, Documents, Memory, Registrations};
use crate::clock::{Clock, SystemClock};
use crate::config::settings::{Database, Settings, UpstreamKind, UpstreamSettings};
use crate::config::{Config, Problems, warnings};
use crate::fetch::{Fetcher, Names, SystemNames};
use crate::flow::client::{document, register};
use crate::flow::person::admission;
use crate::flow::token::revocations;
use crate::flow::{keys as key_flow, time};
use crate::keys::KeyRing;
use crate::oauth::client::ClientId;
use crate::secret::{self, RootSecret};
use crate::store::{self, Store};
use crate::testing::issuer::{Issuer as DevIssuer, IssuerOptions};
use crate::upstream::{self, Upstream};
use crate::wire::error::panicked;
use crate::wire::record::Recorder;
use crate::{http, mcp, random};

/// Why jean did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] Problems),
    /// The database cannot be used.
    #[error("{0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file of the database was replaced or deleted while the server was running.
    #[error(
        "the database file {path} was replaced or deleted while the server was running, so nothing can be written any \
         more: put the right file in its place, then start again"
    )]
    DatabaseGone {
        /// Where it was.
        path: std::path::PathBuf,
    },
    /// The root secret or the signing keys cannot be used.
    #[error("{0}")]
    Keys(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The HTTP client for the upstreams could not be made.
    #[error("the HTTP client: {0}")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The dev upstream found no port to listen on.
    #[error("the dev upstream cannot listen on {address}: {source}; set another `port` in [upstream.dev]")]
    DevUpstream {
        /// Where it should listen.
        address: String,
        /// What the operating system says.
        source: std::io::Error,
    },
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Error::Database(error.into())
    }
}

impl From<secret::Error> for Error {
    fn from(error: secret::Error) -> Self {
        Error::Keys(error.into())
    }
}

impl From<key_flow::Error> for Error {
    fn from(error: key_flow::Error) -> Self {
        Error::Keys(error.into())
    }
}

/// A running authorization server, and the guard in front of what it protects.
///
/// Its work in the background ends with the last clone and the last router; [`close`](Jean::close) closes the database.
#[derive(Clone)]
pub struct Jean(Arc<Running>);

struct Running {
    app: Arc<App>,
    web: http::Web,
    _background: JoinSet<()>,
    _dev: Vec<DevIssuer>,
}

impl fmt::Debug for Jean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jean").field("issuer", &self.0.app.settings.issuer.as_str()).finish_non_exhaustive()
    }
}

impl Jean {
    /// Opens the database, reads or makes the keys, and begins to ask the upstreams who they are. An upstream that is
    /// away does not keep jean from starting.
    pub async fn start(config: Config) -> Result<Self, Error> {
        Jean::start_with_clock(config, Arc::new(SystemClock)).await
    }

    /// The same by another clock, for tests.
    pub async fn start_with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Jean::start_within(config, clock, Arc::new(SystemNames)).await
    }

    /// The same with what `names` says in the place of DNS, where clients name addresses: their metadata documents and
    /// keys. An empty list is no answer.
    #[cfg(feature = "testing")]
    pub async fn start_with_names(
        config: Config,
        clock: Arc<dyn Clock>,
        names: fn(&str) -> Vec<std::net::IpAddr>,
    ) -> Result<Self, Error> {
        Jean::start_within(config, clock, Arc::new(names)).await
    }

    async fn start_within(config: Config, clock: Arc<dyn Clock>, names: Arc<dyn Names>) -> Result<Self, Error> {
        let mut settings = config.settings()?;
        warn_of(&settings);
        let dev = start_dev_upstreams(&mut settings, &clock).await?;
        let root = RootSecret::new(&root_secrets(&settings)?)?;
        let store = Store::open(&settings.database).await?;
        key_flow::check_secret(&store, &root).await?;

        let access_lifetime = settings.tokens.access_lifetime;
        let now = clock.now();
        let signed_lifetimes = key_flow::lifetimes(&store, access_lifetime, now).await?;
        let clock_watch = time::first_comparison(&store, &*clock).await?;
        let upstreams = connect_upstreams(&settings)?;
        let memory = Arc::new(Memory::new(&settings));
        let (documents, stale) = Documents::new();
        let app = Arc::new(App {
            fetch: Fetcher::new(names, settings.clients.documents.local),
            documents,
            registrations: Registrations::default(),
            client_keys: ClientKeys::new(),
            settings,
            store,
            root,
            upstreams,
            clock_watch: Mutex::new(clock_watch),
            clock,
            signed_lifetimes: RwLock::new(signed_lifetimes),
            keys: Arc::new(KeyRing::default()).into(),
            memory,
            replica: random::text::<9>(),
            is_draining: AtomicBool::new(false),
        });
        key_flow::ensure(&app, now).await?;
        key_flow::reseal(&app).await?;
        revocations::poll(&app, now).await.map_err(|error| Error::Database(error.into()))?;

        let mut background = JoinSet::new();
        background.spawn(follow(app.clone()));
        if app.store.is_shared() {
            background.spawn(compare_replicas(app.clone()));
        }
        background.spawn(keep_keys(app.clone()));
        background.spawn(sweep(app.clone()));
        background.spawn(watch(app.clone()));
        background.spawn(count_grants_of_others(app.clone()));
        background.spawn(look_again(app.clone(), stale));
        for upstream in &app.upstreams {
            background.spawn(discover(upstream.clone()));
        }
        let web = http::Web::new(app.clone());
        Ok(Jean(Arc::new(Running { app, web, _background: background, _dev: dev })))
    }

    /// The authorization server: `/oauth/*` and `/.well-known/*`, below the path of the public URL.
    pub fn router(&self) -> Router {
        self.record(self.surround(http::routes(&self.0.web)))
    }

    /// `/authorize`, `/token` and `/register` at the root of the origin, for clients that know no metadata (MCP 2025-03-26,
    /// "Fallbacks for Servers without Metadata Discovery"): some refresh there after a restart. Not part of
    /// [`router`](Jean::router), since these paths may be the application's own; without a path that a mount has.
    pub fn default_endpoints(&self) -> Router {
        self.record(self.surround(http::default_endpoints(&self.0.web)))
    }

    /// The landing page, `/status`, `/healthz` and `/readyz`, for an application that has none of its own.
    pub fn home(&self) -> Router {
        self.record(self.surround(http::home(&self.0.web)))
    }

    /// The authorization server, its default endpoints too, and the built-in MCP server behind its guard, at every mount:
    /// what the binary serves.
    pub fn service(&self) -> Router {
        let Running { app, web, .. } = &*self.0;
        let own =
            http::routes(web).merge(http::default_endpoints(web)).merge(http::home(web)).merge(http::fallback(web));
        let mut mounts = Router::new();
        for mount in &app.settings.mounts {
            let guarded = mcp::guard(app.clone(), mount.clone(), mcp::builtin(&app.settings));
            mounts = mount_at(mounts, &format!("{}{}", app.settings.issuer.prefix(), mount.path), guarded);
        }
        // Not within what surrounds our own paths: what stands behind a mount has a time and errors of its own.
        self.record(self.surround(own).merge(mounts.layer(CatchPanicLayer::custom(panicked))))
    }

    /// Puts around the authorization server's own paths what all of them share.
    fn surround(&self, router: Router) -> Router {
        http::layers::surround(router, &self.0.web)
    }

    /// Puts the outermost layer around a router, which keeps this server alive.
    fn record(&self, router: Router) -> Router {
        let App { clock, settings, .. } = &*self.0.app;
        let recorder = Recorder { clock: clock.clone(), https_only: settings.issuer.is_https() };
        recorder.surround(router).layer(Extension(self.clone()))
    }

    /// Puts the guard of the default mount in front of an MCP server. What passes has a [`Caller`](crate::Caller) in its
    /// extensions and no Authorization header.
    pub fn guard<S>(
        &self,
        service: S,
    ) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
    where
        S: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send,
    {
        mcp::guard(self.0.app.clone(), self.0.app.settings.default_mount().clone(), service)
    }

    /// The URL to paste into an MCP client.
    pub fn mcp_url(&self) -> String {
        self.0.app.settings.default_mount().resource.to_string()
    }

    /// Where to listen.
    pub fn listen(&self) -> std::net::SocketAddr {
        self.0.app.settings.listen
    }

    /// How long a request may take to be answered, unless it waits for the outcome of a write.
    pub fn request_timeout(&self) -> Duration {
        self.0.app.settings.limits.timeout
    }

    /// What people call the identity providers, each with its issuer.
    pub fn upstreams(&self) -> Vec<(String, String)> {
        let upstreams = self.0.app.settings.upstreams.iter();
        upstreams.map(|upstream| (upstream.name.clone(), upstream.issuer.clone())).collect()
    }

    /// Where the data is, without a password.
    pub fn database(&self) -> String {
        match &self.0.app.settings.database {
            Database::Sqlite(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
            Database::Postgres(url) => {
                let url = url::Url::parse(url.expose_secret()).ok();
                let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or("PostgreSQL");
                format!("PostgreSQL at {host}{}", url.as_ref().map_or("", |url| url.path()))
            }
        }
    }

    /// Resolves with the reason if the SQLite file was replaced or deleted, else never. From then on whatever needs the
    /// database is answered 503. The program exits; an embedder decides for itself.
    pub async fn failed(&self) -> Error {
        Error::DatabaseGone { path: self.0.app.store.gone().await }
    }

    /// Announces the end: from now on `/readyz` is 503, so that a load balancer sends new requests elsewhere. All requests
    /// are answered as before. The program calls it at the signal, before the running requests end.
    pub fn drain(&self) {
        self.0.app.is_draining.store(true, Ordering::Release);
    }

    /// Drains, stores the time, waits for what is being written, and closes the database. Takes up to a minute if the database does
    /// not answer.
    pub async fn close(&self) {
        self.drain();
        if let Err(error) = time::store_last(&self.0.app).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the time could not be stored");
        }
        self.0.app.store.close().await;
    }
}

/// Logs what the configuration probably does not mean, one line each.
fn warn_of(settings: &Settings) {
    for warning in warnings::at_start(settings) {
        tracing::warn!("{warning}");
    }
    if !settings.injected_variables.is_empty() {
        let variables = settings.injected_variables.join(", ");
        tracing::info!(variables, "ignored: a platform sets these for a service named jean, and they are no keys");
    }
}

/// Every path of a mount needs a token, whatever the method.
fn mount_at<S>(router: Router, path: &str, service: S) -> Router
where
    S: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
{
    router
        .route_service(path, service.clone())
        .route_service(&format!("{path}/"), service.clone())
        .route_service(&format!("{path}/{{*rest}}"), service)
}

/// The configured secrets, or the one beside the SQLite file.
fn root_secrets(settings: &Settings) -> Result<Vec<SecretString>, secret::Error> {
    match (&settings.database, settings.secrets.is_empty()) {
        (Database::Sqlite(path), true) => secret::beside(path).map(|secret| vec![secret]),
        _ => Ok(settings.secrets.clone()),
    }
}

/// The upstreams, none of them asked yet.
fn connect_upstreams(settings: &Settings) -> Result<Vec<Arc<Upstream>>, Error> {
    let connect = |upstream: &UpstreamSettings| {
        let client = upstream::http_client(&upstream.issuer).map_err(Error::Client)?;
        Ok(Arc::new(Upstream::new(upstream.clone(), settings.issuer.callback(&upstream.name), client)))
    };
    settings.upstreams.iter().map(connect).collect()
}

/// Starts the dev upstreams on their own ports and tells the settings what they are.
async fn start_dev_upstreams(settings: &mut Settings, clock: &Arc<dyn Clock>) -> Result<Vec<DevIssuer>, Error> {
    let mut running = Vec::new();
    let dev = |upstream: &&UpstreamSettings| upstream.kind == UpstreamKind::Dev;
    let upstreams: Vec<UpstreamSettings> = settings.upstreams.iter().filter(dev).cloned().collect();
    for upstream in upstreams {
        let address = upstream.issuer.trim_start_matches("http://").to_owned();
        let failed = |source| Error::DevUpstream { address: address.clone(), source };
        let listen = address.parse().map_err(|error| failed(std::io::Error::other(error)))?;
        let options = IssuerOptions {
            listen,
            redirect_uris: vec![settings.issuer.callback(&upstream.name)],
            ..IssuerOptions::new(clock.clone())
        };
        let issuer = DevIssuer::start(options).await.map_err(failed)?;
        for known in settings.upstreams.iter_mut().filter(|known| known.name == upstream.name) {
            known.issuer = issuer.url().to_owned();
            known.client_id = issuer.client_id().to_owned();
            known.client_secret = Some(issuer.client_secret().to_owned().into());
        }
        running.push(issuer);
    }
    Ok(running)
}

/// Reads revocations every two seconds, those of signing keys too.
async fn follow(app: Arc<App>) {
    let mut ticks = tokio::time::interval(revocations::INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = revocations::poll(&app, app.clock.now()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "revocations could not be read");
            continue;
        }
        match tokio::time::timeout(revocations::INTERVAL, key_flow::load(&app)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the signing keys could not be read");
            }
            Err(_) => tracing::error!("the signing keys could not be read in time"),
        }
    }
}

/// Compares this process's clock with those of the other replicas, every two seconds. Not together with the revocations:
/// it writes, and must not hold them up.
async fn compare_replicas(app: Arc<App>) {
    let mut ticks = tokio::time::interval(revocations::INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = revocations::compare_clocks(&app, app.clock.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the replicas' clocks could not be compared");
        }
    }
}

/// Looks at the age of the keys every 30 seconds, and makes the next one in time.
async fn keep_keys(app: Arc<App>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(30));
    loop {
        ticks.tick().await;
        let (now, configured) = (app.clock.now(), app.settings.tokens.access_lifetime);
        match key_flow::lifetimes(&app.store, configured, now).await {
            Ok(lifetimes) => app.set_signed_lifetimes(lifetimes),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the lifetimes of signed tokens could not be read");
            }
        }
        if let Err(error) = key_flow::ensure(&app, now).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the signing keys could not be read");
        }
    }
}

/// How many metadata documents are looked at anew at once.
const LOOKS: usize = 16;

/// Looks anew at the metadata documents of clients that were found too old where nobody could wait; at several at once, so
/// that no slow host holds up the others.
async fn look_again(app: Arc<App>, mut stale: mpsc::Receiver<ClientId>) {
    let mut looks = JoinSet::new();
    while let Some(id) = stale.recv().await {
        while looks.len() >= LOOKS {
            looks.join_next().await;
        }
        while looks.try_join_next().is_some() {}
        let app = app.clone();
        looks.spawn(async move {
            if let Err(error) = document::look_again(&app, &id, app.clock.now()).await {
                tracing::error!(error = &error as &dyn std::error::Error, "a client's metadata could not be kept");
            }
        });
    }
}

/// Tells once how many grants the configuration of today ends.
async fn count_grants_of_others(app: Arc<App>) {
    if let Err(error) = admission::log_grants_of_others(&app, app.clock.now()).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the grants of other providers could not be counted");
    }
}

/// Watches for jumps of the clock, and verifies that the file of the database is still there.
async fn watch(app: Arc<App>) {
    let mut ticks = tokio::time::interval(time::INTERVAL);
    loop {
        ticks.tick().await;
        time::compare(&app);
        app.store.verify_file().await;
    }
}

/// Every ten minutes, unless the sweep is paused: deletes what has expired and stores the time.
async fn sweep(app: Arc<App>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(600));
    loop {
        ticks.tick().await;
        if !time::compare(&app) {
            continue;
        }
        if let Err(error) = app.store.sweep(&app.settings.clients, app.clock.now()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "what has expired could not be deleted");
        }
        if let Err(error) = register::count(&app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the registrations could not be counted");
        }
        if let Err(error) = time::store_last(&app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the time could not be stored");
        }
    }
}

/// How long a discovery document serves.
const DISCOVERED: Duration = Duration::from_secs(3600);

/// How long to wait at most before an upstream that did not answer is asked again.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Asks an upstream who it is until it answers, ever less often, and again every hour.
async fn discover(upstream: Arc<Upstream>) {
    let mut retries = retries();
    loop {
        let pause = match upstream.discover().await {
            Ok(()) => {
                retries = self::retries();
                DISCOVERED
            }
            Err(_) => retries.next().unwrap_or(LONGEST_RETRY),
        };
        tokio::time::sleep(pause).await;
    }
}

/// How long to wait after each failure in a row: a second, and twice as long each time, up to the longest.
fn retries() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(Duration::from_secs(1)), |pause| Some(LONGEST_RETRY.min(*pause * 2)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_upstream_that_stays_away_is_asked_once_a_minute() {
        let seconds: Vec<u64> = super::retries().map(|pause| pause.as_secs()).take(9).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
