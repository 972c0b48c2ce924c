//! What is opened and read before the first request: the database, the secret, the keys, the providers.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::mpsc;

use super::error::Error;
use crate::clock::Clock;
use crate::config::settings::{Database, Settings, UpstreamKind, UpstreamSettings};
use crate::config::{Config, warnings};
use crate::fetch::{Fetcher, Names};
use crate::flow::app::{App, Parts};
use crate::flow::revocations;
use crate::flow::{keys, time};
use crate::oauth::client_id::ClientId;
use crate::secret::{self, RootSecret};
use crate::store::Store;
use crate::testing::issuer::{Issuer as DevIssuer, IssuerOptions};
use crate::upstream::{self, Upstream};

/// What is open.
pub(super) struct Opened {
    /// What flows work with.
    pub app: Arc<App>,
    /// The clients whose metadata documents have to be fetched again.
    pub stale: mpsc::Receiver<ClientId>,
    /// The identity providers of `[upstream.dev]`.
    pub dev: Vec<DevIssuer>,
}

/// Opens the database, and reads or makes the keys.
pub(super) async fn open(config: Config, clock: Arc<dyn Clock>, names: Arc<dyn Names>) -> Result<Opened, Error> {
    let mut settings = config.settings()?;
    warn_of(&settings);
    let dev = start_dev_upstreams(&mut settings, &clock).await?;
    let root = RootSecret::new(&root_secrets(&settings)?)?;
    let store = Store::open(&settings.database).await?;
    keys::check_secret(&store, &root).await?;

    let now = clock.now();
    let (app, stale) = App::new(Parts {
        fetch: Fetcher::new(names, settings.clients.documents.local),
        clock_watch: time::first_comparison(&store, &*clock).await?,
        signed_lifetimes: keys::lifetimes(&store, settings.tokens.access_lifetime, now).await?,
        upstreams: connect_upstreams(&settings)?,
        settings,
        store,
        root,
        clock,
    });
    keys::ensure(&app, now).await?;
    keys::reseal(&app).await?;
    revocations::poll(&app, now).await.map_err(|error| Error::Database(error.into()))?;
    Ok(Opened { app: Arc::new(app), stale, dev })
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
