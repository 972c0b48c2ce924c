//! The server's health: whether to send requests here, whether each component works, and which standards are met.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Mutex;

use crate::clock::{Reading, UnixTime};
use crate::flow::app::App;
use crate::upstream::Health;

use super::grant::issue;
use super::revocations;

/// How long a report is served again.
const REMEMBERED: Duration = Duration::from_secs(2);

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why load balancers should send no requests here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReady {
    Stopping,
    /// No key may sign, so no token can be issued.
    NoKey,
    /// The last successful poll of revocations is longer ago than `[guard] max_staleness`, so no token can be verified.
    Stale,
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotReady::Stopping => "this server is being stopped",
            NotReady::NoKey => "no key may sign",
            NotReady::Stale => "the revocations have not been read for too long",
        })
    }
}

/// Whether load balancers should send requests here. If the database does not answer they should, for as long as the guard
/// may work by what it knows: another server with the same database could not do better.
pub(crate) async fn ready(app: &App, now: UnixTime) -> Result<(), NotReady> {
    if app.is_draining.load(Ordering::Acquire) {
        return Err(NotReady::Stopping);
    }
    issue::ready(app, now).map_err(|_| NotReady::NoKey)?;
    revocations::fresh_enough(app, now).await.map_err(|_| NotReady::Stale)
}

/// The whole report.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    /// `ready`, `partial` if a component fails, or `failing` if no person can sign in.
    pub status: State,
    pub version: &'static str,
    pub issuer: String,
    pub resources: Vec<String>,
    pub components: Vec<Component>,
    pub standards: Vec<Standard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Ready,
    /// Some components work, others do not.
    Partial,
    Failing,
}

#[derive(Debug, Serialize)]
pub(crate) struct Component {
    /// `database`, `signing_keys`, `upstream.<name>`, `clock`.
    pub name: String,
    pub status: State,
    /// Why it does not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Standard {
    pub name: &'static str,
    pub title: &'static str,
    /// Whether it is met as configured.
    pub met: bool,
    /// The endpoint or page that implements it.
    pub at: String,
}

/// The last report. It serves for two seconds, and requests during a probe share the result, so that no visitor can make
/// this server query its database at will.
#[derive(Debug, Default)]
pub(crate) struct LastReport(Mutex<Option<Report>>);

#[derive(Debug)]
struct Report {
    /// On the monotonic clock.
    at: Duration,
    status: Arc<Status>,
}

impl LastReport {
    /// A report that is at most two seconds old.
    pub(crate) async fn get(&self, app: &App, now: Reading) -> Arc<Status> {
        let mut last = self.0.lock().await;
        if let Some(Report { at, status }) = &*last
            && now.monotonic.checked_sub(*at).is_none_or(|age| age < REMEMBERED)
        {
            return status.clone();
        }
        let status = Arc::new(build(app, now.wall).await);
        *last = Some(Report { at: now.monotonic, status: status.clone() });
        status
    }
}

/// Probes every component now.
async fn build(app: &App, now: UnixTime) -> Status {
    let database = database(app).await;
    let keys = issue::ready(app, now).map_err(|_| "no key may sign now".to_owned());
    let skew = app.memory.skew();
    let clock = if skew > 10 { Err(format!("another replica's clock is {skew} s ahead")) } else { Ok(()) };

    let no_way_in = app.upstreams.iter().all(|upstream| upstream.health() == Health::Away);
    let is_shut = database.is_err() || keys.is_err() || no_way_in;
    let mut components = vec![component("database", database), component("signing_keys", keys)];
    for upstream in &app.upstreams {
        components.push(component(&format!("upstream.{}", upstream.settings().name), provider(upstream.health())));
    }
    components.push(component("clock", clock));
    let is_ready = components.iter().all(|component| component.status == State::Ready);
    Status {
        status: match (is_shut, is_ready) {
            (true, _) => State::Failing,
            (false, false) => State::Partial,
            (false, true) => State::Ready,
        },
        version: env!("CARGO_PKG_VERSION"),
        issuer: app.settings.issuer.as_str().to_owned(),
        resources: app.settings.mounts.iter().map(|mount| mount.resource.to_string()).collect(),
        components,
        standards: standards(app),
    }
}

/// The public text of a failure. The error of the database or the provider is only logged, since it may name a host, a user
/// or a path.
const SILENT: &str = "does not answer; the log says why";

async fn database(app: &App) -> Result<(), String> {
    let error = match tokio::time::timeout(PATIENCE, app.store.ping()).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    tracing::warn!(error, "the database does not answer");
    Err(SILENT.to_owned())
}

fn provider(health: Health) -> Result<(), String> {
    match health {
        Health::Answers => Ok(()),
        Health::Unasked => Err("was not asked yet".to_owned()),
        Health::Away => Err(SILENT.to_owned()),
    }
}

fn component(name: &str, health: Result<(), String>) -> Component {
    Component {
        name: name.to_owned(),
        status: if health.is_ok() { State::Ready } else { State::Failing },
        reason: health.err(),
    }
}

fn standards(app: &App) -> Vec<Standard> {
    let issuer = &app.settings.issuer;
    let registration = app.settings.clients.registration;
    let everywhere = |name, title, path: &str| Standard { name, title, met: true, at: issuer.at(path) };
    vec![
        everywhere("OAuth 2.1", "Authorization framework", "/oauth/authorize"),
        Standard {
            name: "OpenID Connect Core 1.0",
            title: "ID tokens and claims about the person",
            met: app.settings.clients.openid,
            at: issuer.at("/oauth/userinfo"),
        },
        everywhere("OpenID Connect Discovery 1.0", "Provider metadata", "/.well-known/openid-configuration"),
        everywhere("RFC 6750", "Bearer token usage", &app.settings.default_mount().path),
        everywhere("RFC 7009", "Token revocation", "/oauth/revoke"),
        Standard {
            name: "RFC 7591",
            title: "Dynamic client registration",
            met: registration,
            at: issuer.at("/oauth/register"),
        },
        everywhere("RFC 7592", "Client registration management", "/oauth/register"),
        everywhere("RFC 7636", "Proof key for code exchange, S256", "/oauth/token"),
        everywhere("RFC 7662", "Token introspection", "/oauth/introspect"),
        everywhere("RFC 8252", "Native apps: loopback redirects on any port", "/oauth/authorize"),
        everywhere("RFC 8414", "Authorization server metadata", "/.well-known/oauth-authorization-server"),
        everywhere("RFC 8707", "Resource indicators: one audience for each token", "/oauth/token"),
        everywhere("RFC 9068", "Access tokens as JWTs", "/oauth/jwks"),
        everywhere("RFC 9207", "Issuer identification in every answer", "/oauth/authorize"),
        everywhere("RFC 9700", "Security best current practice", "/oauth/token"),
        everywhere("RFC 9728", "Protected resource metadata", "/.well-known/oauth-protected-resource"),
        Standard {
            name: "CIMD, draft 02",
            title: "Client ID metadata documents",
            met: app.settings.clients.documents.on,
            at: issuer.at("/oauth/authorize"),
        },
    ]
}
