//! Opens what the first request needs: the database, the secret, the keys, the providers.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::mpsc;

#[cfg(feature = "dev")]
use super::dev;
use super::error::Error;
use crate::clock::Clock;
use crate::config::settings::{Database, Settings, UpstreamSettings};
use crate::config::{Config, warnings};
use crate::fetch::{Fetcher, Names};
use crate::flow::app::{App, Parts};
use crate::flow::revocations;
use crate::flow::{keys, time};
use crate::oauth::client_id::ClientId;
use crate::secret::{self, RootSecret};
use crate::store::Store;
use crate::upstream::{self, Upstream};

pub(super) struct Opened {
    pub app: Arc<App>,
    /// The clients whose metadata documents must be fetched again.
    pub stale: mpsc::Receiver<ClientId>,
    #[cfg(feature = "dev")]
    pub dev: dev::Providers,
}

/// Opens the database, and loads or makes the keys.
pub(super) async fn open(config: Config, clock: Arc<dyn Clock>, names: Arc<dyn Names>) -> Result<Opened, Error> {
    #[cfg_attr(not(feature = "dev"), expect(unused_mut, reason = "the dev providers tell where they listen"))]
    let mut settings = config.settings()?;
    warn_of(&settings);
    #[cfg(feature = "dev")]
    let dev = dev::start(&mut settings, &clock).await?;
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
    Ok(Opened {
        app: Arc::new(app),
        stale,
        #[cfg(feature = "dev")]
        dev,
    })
}

/// Logs the warnings of the configuration, one line each.
fn warn_of(settings: &Settings) {
    for warning in warnings::at_start(settings) {
        tracing::warn!("{warning}");
    }
    if !settings.injected_variables.is_empty() {
        let variables = settings.injected_variables.join(", ");
        tracing::info!(variables, "ignored: a platform sets these for a service named jean, and they are no keys");
    }
}

/// The configured secrets, or the one in the file next to the SQLite file.
fn root_secrets(settings: &Settings) -> Result<Vec<SecretString>, secret::Error> {
    match (&settings.database, settings.secrets.is_empty()) {
        (Database::Sqlite(path), true) => secret::beside(path).map(|secret| vec![secret]),
        _ => Ok(settings.secrets.clone()),
    }
}

/// The upstreams, before any request to them.
fn connect_upstreams(settings: &Settings) -> Result<Vec<Arc<Upstream>>, Error> {
    let connect = |upstream: &UpstreamSettings| {
        let client = upstream::http_client(&upstream.issuer).map_err(Error::Client)?;
        Ok(Arc::new(Upstream::new(upstream.clone(), settings.issuer.callback(&upstream.name), client)))
    };
    settings.upstreams.iter().map(connect).collect()
}
