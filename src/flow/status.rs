//! How this server is: which standards it meets, and whether each part is up.

use serde::Serialize;

use crate::app::App;
use crate::clock::UnixTime;

use super::issue;

/// The whole answer.
#[derive(Debug, Serialize)]
pub struct Status {
    /// `ready`, or `partial` where a component fails.
    pub status: State,
    /// The version of this program.
    pub version: &'static str,
    /// The issuer.
    pub issuer: String,
    /// The protected resources.
    pub resources: Vec<String>,
    /// The parts.
    pub components: Vec<Component>,
    /// The standards.
    pub standards: Vec<Standard>,
}

/// Whether something works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It does.
    Ready,
    /// Something does not, the rest does.
    Partial,
    /// It does not.
    Failing,
}

/// One part.
#[derive(Debug, Serialize)]
pub struct Component {
    /// `database`, `signing_keys`, `upstream.<name>`, `clock`.
    pub name: String,
    /// Whether it works.
    pub status: State,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One standard.
#[derive(Debug, Serialize)]
pub struct Standard {
    /// Its number or name.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Whether it is met as configured.
    pub met: bool,
    /// Where.
    pub at: String,
}

/// Looks at every part now.
pub async fn report(app: &App, now: UnixTime) -> Status {
    let mut components = vec![component("database", database(app).await)];
    components.push(component("signing_keys", issue::ready(app, now).map_err(|_| "no key may sign now".to_owned())));
    for upstream in &app.upstreams {
        components.push(component(&format!("upstream.{}", upstream.settings().name), upstream.health()));
    }
    let skew = app.memory.skew();
    let clock = if skew > 10 { Err(format!("another replica's clock is {skew} s ahead")) } else { Ok(()) };
    components.push(component("clock", clock));
    let ready = components.iter().all(|component| component.status == State::Ready);
    Status {
        status: if ready { State::Ready } else { State::Partial },
        version: env!("CARGO_PKG_VERSION"),
        issuer: app.settings.issuer.as_str().to_owned(),
        resources: app.settings.mounts.iter().map(|mount| mount.resource.to_string()).collect(),
        components,
        standards: standards(app),
    }
}

/// Anyone may ask how the database is; the log alone tells what it said, which may hold a host, a user or a path.
async fn database(app: &App) -> Result<(), String> {
    app.store.ping().await.map_err(|error| {
        tracing::warn!(%error, "the database does not answer");
        "does not answer; the log says why".to_owned()
    })
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
