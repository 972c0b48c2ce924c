//! HTTP and HTML: turns requests into calls of `flow`, and their results into responses. No decisions here.
//!
//! [`routes`] is the one table of paths. An error takes one of three forms: JSON for programs, a redirect for the client
//! behind a browser, a page for people. The [`record`](crate::wire::record) layer logs each once, with the request's id.

mod client;
mod cookies;
mod error_page;
mod extract;
mod grant;
mod home;
mod journey;
pub(crate) mod layers;
pub(crate) mod pages;
mod token;
mod web;

use axum::Router;
use axum::http::Method;
use axum::routing::{MethodRouter, get, post};

use crate::oauth::default_endpoint::DefaultEndpoint;

use self::client::{configuration, register};
use self::grant::{revoke, token as token_endpoint};
use self::home::{discovery, front};
use self::journey::{authorize, callback, consent, login, session};
use self::token::{introspect, userinfo};

pub(crate) use web::Web;

/// All paths of jean except for the protected mounts. `prefix` is the path of the public URL. Well-known names are served
/// both before it (RFC 8414 section 3.1, RFC 9728 section 3.1) and after it, where some clients look.
pub(crate) fn routes(web: &Web) -> Router {
    let app = &web.app;
    let prefix = app.settings().issuer.prefix().to_owned();
    let at = |path: &str| format!("{prefix}{path}");

    let browser = Router::new()
        .route(&at("/oauth/authorize"), authorization_endpoint())
        .route(&at("/oauth/consent"), post(consent::decide))
        .route(&at("/oauth/callback/{upstream}"), get(callback::receive))
        .route(&at("/oauth/login/{id}"), get(login::show).post(login::decide));
    let browser = for_people(browser, web);

    // For programs anywhere, including scripts in browsers.
    let mut programs = Router::new()
        .route(&at("/oauth/token"), post(token_endpoint::token))
        .route(&at("/oauth/revoke"), post(revoke::revoke))
        .route(&at("/oauth/jwks"), get(discovery::jwks));
    if app.settings().clients.openid {
        programs = programs.route(&at("/oauth/userinfo"), get(userinfo::userinfo).post(userinfo::userinfo));
    }
    for path in discovery::authorization_server_paths(app) {
        programs = programs.route(&path, get(discovery::authorization_server));
    }
    for (path, mount) in discovery::protected_resource_paths(app) {
        programs = programs.route(&path, get(discovery::protected_resource(mount)));
    }
    let programs = programs.layer(layers::cors());
    let registrations = Router::new().route(&at("/oauth/register"), post(register::register)).route(
        &at("/oauth/register/{client}"),
        get(configuration::show).put(configuration::update).delete(configuration::delete),
    );
    let registrations = for_registrations(registrations);

    // For servers, never from a browser.
    let servers = Router::new().route(&at("/oauth/introspect"), post(introspect::introspect));

    let assets = Router::new()
        .route(&at("/oauth/assets/style.css"), get(front::style))
        .route(&at("/oauth/assets/logo"), get(front::logo));

    browser.merge(programs).merge(registrations).merge(servers).merge(assets).with_state(web.clone())
}

/// The default endpoints of MCP 2025-03-26, at the root of the origin whatever the path of the public URL is, with the
/// handlers and layers of [`routes`]. Clients that restart without the metadata refresh there, and discard their tokens at
/// 404 (modelcontextprotocol/python-sdk#3240, #3250). A mount that is configured at one of these paths keeps it.
pub(crate) fn default_endpoints(web: &Web) -> Router {
    let shadowed = web.app.settings().shadowed_default_endpoints();
    let at_root = |endpoint: DefaultEndpoint, handler: MethodRouter<Web>| {
        if shadowed.iter().any(|shadowed| shadowed.endpoint == endpoint) {
            return Router::new();
        }
        Router::new().route(endpoint.path(), handler)
    };
    for_people(at_root(DefaultEndpoint::Authorize, authorization_endpoint()), web)
        .merge(at_root(DefaultEndpoint::Token, post(token_endpoint::token)).layer(layers::cors()))
        .merge(for_registrations(at_root(DefaultEndpoint::Register, post(register::register))))
        .with_state(web.clone())
}

fn authorization_endpoint() -> MethodRouter<Web> {
    get(authorize::show).post(authorize::redirect_to_get)
}

/// Adds the layers of pages for people, whose browser may be signed in.
fn for_people(router: Router<Web>, web: &Web) -> Router<Web> {
    router.layer(session::layer(&web.app)).layer(axum::middleware::from_fn_with_state(web.clone(), layers::people_only))
}

/// Adds the layers of the registration endpoints, which scripts of other sites may call.
fn for_registrations(router: Router<Web>) -> Router<Web> {
    router.layer(layers::cors().allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE]))
}

/// The public pages: the landing page, the status, `/healthz` and `/readyz`.
pub(crate) fn home(web: &Web) -> Router {
    let prefix = web.app.settings().issuer.prefix();
    let at = |path: &str| format!("{prefix}{path}");
    let landing = if prefix.is_empty() { Router::new() } else { Router::new().route(prefix, get(front::landing)) };
    landing
        .route(&at("/"), get(front::landing))
        .route(&at("/status"), get(front::status))
        .route(&at("/healthz"), get(front::health))
        .route(&at("/readyz"), get(front::ready))
        .with_state(web.clone())
}

/// The response at all other paths.
#[cfg(feature = "builtin")]
pub(crate) fn fallback(web: &Web) -> Router {
    Router::new().fallback(home::not_found::not_found).with_state(web.clone())
}
