//! [`Jean`]: the running server's services, and facts about it.

use std::fmt;
use std::sync::Arc;

use axum::{Extension, Router};
use secrecy::ExposeSecret as _;
use tokio::task::JoinSet;
use tower::Layer as _;

use super::background;
#[cfg(feature = "dev")]
use super::dev;
use super::error::{Error, UnknownMount};
use super::open::Opened;
use crate::config::settings::Database;
use crate::flow::app::App;
use crate::flow::housekeeping;
use crate::mcp::{GuardLayer, Guarded};
use crate::wire::record::Recorder;
use crate::{http, listen};

/// A running authorization server, and the guards of the MCP servers that it protects.
///
/// Its background tasks end when the last clone and the last router are dropped. [`close`](Jean::close) closes the database.
#[derive(Clone)]
pub struct Jean(pub(super) Arc<Running>);

pub(super) struct Running {
    pub(super) app: Arc<App>,
    pub(super) web: http::Web,
    _background: JoinSet<()>,
    #[cfg(feature = "dev")]
    _dev: dev::Providers,
}

/// An identity provider of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The name of its table, `[upstream.NAME]`.
    pub name: String,
    /// Its issuer (OpenID Connect Core section 2).
    pub issuer: String,
}

impl fmt::Debug for Jean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jean").field("issuer", &self.0.app.settings().issuer.as_str()).finish_non_exhaustive()
    }
}

impl Jean {
    pub(super) fn run(opened: Opened) -> Self {
        let background = background::start(&opened.app, opened.stale);
        let web = http::Web::new(opened.app.clone());
        Jean(Arc::new(Running {
            app: opened.app,
            web,
            _background: background,
            #[cfg(feature = "dev")]
            _dev: opened.dev,
        }))
    }

    /// The authorization server: `/oauth/*` and `/.well-known/*`, below the path of the public URL.
    pub fn router(&self) -> Router {
        self.record(self.surround(http::routes(&self.0.web)))
    }

    /// `/authorize`, `/token` and `/register` at the root of the origin, for clients that do not use metadata (MCP
    /// 2025-03-26, "Fallbacks for Servers without Metadata Discovery"): some refresh there after a restart. Not part of
    /// [`router`](Jean::router), since the application may use these paths itself. Paths that a mount has are left out.
    pub fn default_endpoints(&self) -> Router {
        self.record(self.surround(http::default_endpoints(&self.0.web)))
    }

    /// The landing page, `/status`, `/healthz` and `/readyz`, for an application without its own.
    pub fn home(&self) -> Router {
        self.record(self.surround(http::home(&self.0.web)))
    }

    /// Adds the layers that all of the authorization server's own paths share.
    pub(super) fn surround(&self, router: Router) -> Router {
        http::layers::surround(router, &self.0.web)
    }

    /// Adds the outermost layer to a router. The router then keeps this server alive.
    pub(super) fn record(&self, router: Router) -> Router {
        let app = &self.0.app;
        let recorder = Recorder { clock: app.clock().clone(), https_only: app.settings().issuer.is_https() };
        recorder.surround(router).layer(Extension(self.clone()))
    }

    /// Puts the guard of the default mount in front of an MCP server. Requests that pass have a [`Caller`](crate::Caller) in
    /// their extensions and no Authorization header.
    pub fn guard<S>(&self, service: S) -> Guarded<S> {
        self.layer().layer(service)
    }

    /// Puts the guard of the mount `[mcp.NAME]` in front of an MCP server. Route it at the path of that mount, since the
    /// metadata names that path.
    pub fn guard_at<S>(&self, name: &str, service: S) -> Result<Guarded<S>, UnknownMount> {
        self.layer_at(name).map(|layer| layer.layer(service))
    }

    /// The guard of the default mount, as a tower layer.
    ///
    /// ```no_run
    /// # async fn serve(jean: jean::Jean) {
    /// use axum::Router;
    /// use axum::routing::any;
    ///
    /// let tools = Router::new().route("/mcp", any(async || "for those who may")).layer(jean.layer());
    /// let app: Router = tools.merge(jean.router());
    /// # }
    /// ```
    pub fn layer(&self) -> GuardLayer {
        GuardLayer::new(self.0.app.clone(), self.0.app.settings().default_mount())
    }

    /// The guard of the mount `[mcp.NAME]`, as a tower layer.
    pub fn layer_at(&self, name: &str) -> Result<GuardLayer, UnknownMount> {
        let mounts = &self.0.app.settings().mounts;
        match mounts.iter().find(|mount| mount.name == name) {
            Some(mount) => Ok(GuardLayer::new(self.0.app.clone(), mount)),
            None => Err(UnknownMount {
                name: name.to_owned(),
                known: mounts.iter().map(|mount| mount.name.clone()).collect(),
            }),
        }
    }

    /// The URL of the default mount, to paste into an MCP client.
    pub fn mcp_url(&self) -> String {
        self.0.app.settings().default_mount().resource.to_string()
    }

    /// The configured address to listen on.
    pub fn listen(&self) -> std::net::SocketAddr {
        self.0.app.settings().listen
    }

    /// The limits of connections, by `[limits]`. When the server stops, running requests get `limits.timeout` to end.
    pub fn listen_options(&self) -> listen::Options {
        let limits = &self.0.app.settings().limits;
        listen::Options {
            connections: limits.connections,
            keep_alive: limits.keep_alive,
            grace: limits.timeout,
            ..listen::Options::default()
        }
    }

    /// The identity providers, in the order of the configuration.
    pub fn providers(&self) -> Vec<Provider> {
        let upstreams = self.0.app.settings().upstreams.iter();
        upstreams.map(|upstream| Provider { name: upstream.name.clone(), issuer: upstream.issuer.clone() }).collect()
    }

    /// The location of the data, without a password.
    pub fn database(&self) -> String {
        match &self.0.app.settings().database {
            Database::Sqlite(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
            Database::Postgres(url) => {
                let url = url::Url::parse(url.expose_secret()).ok();
                let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or("PostgreSQL");
                format!("PostgreSQL at {host}{}", url.as_ref().map_or("", |url| url.path()))
            }
        }
    }

    /// Resolves with the reason if the SQLite file was replaced or deleted, else never. From then on, requests that need the
    /// database get 503. The program exits then; an embedder decides what to do.
    pub async fn failed(&self) -> Error {
        Error::DatabaseGone { path: housekeeping::file_is_gone(&self.0.app).await }
    }

    /// Announces the stop: from now on `/readyz` is 503, so that a load balancer sends new requests elsewhere. All requests
    /// are still served. The program calls it when it gets the signal, before it waits for running requests.
    pub fn drain(&self) {
        self.0.app.drain();
    }

    /// Drains, stores the time, waits for pending writes, and closes the database. Takes up to a minute if the database
    /// does not answer.
    pub async fn close(&self) {
        self.drain();
        housekeeping::close(&self.0.app).await;
    }
}
