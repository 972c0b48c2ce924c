//! The metadata documents and the key set, at every path where clients look for them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Ready, ready};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::config::settings::Mount;
use crate::flow::app::App;
use crate::flow::{discovery as flow, keys};
use crate::http::extract::Now;
use crate::http::web::Web;

const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// Both well-known names: alone, before the issuer's path (RFC 8414 section 3.1), and after the issuer's path (OpenID
/// Connect Discovery section 4).
pub(crate) fn authorization_server_paths(app: &App) -> BTreeSet<String> {
    let prefix = app.settings().issuer.prefix();
    let forms = |name: &str| [name.to_owned(), format!("{name}{prefix}"), format!("{prefix}{name}")];
    [AUTHORIZATION_SERVER, OPENID_CONFIGURATION].into_iter().flat_map(forms).collect()
}

/// For each mount the well-known name before the resource's path (RFC 9728 section 3.1); for the default mount also the name
/// alone; and all of them after the prefix too.
pub(crate) fn protected_resource_paths(app: &App) -> BTreeMap<String, Arc<Mount>> {
    let prefix = app.settings().issuer.prefix();
    let default = Arc::new(app.settings().default_mount().clone());
    let alone = [PROTECTED_RESOURCE.to_owned(), format!("{prefix}{PROTECTED_RESOURCE}")];
    let mut paths: BTreeMap<_, _> = alone.into_iter().map(|path| (path, default.clone())).collect();
    for mount in &app.settings().mounts {
        let (mount, path) = (Arc::new(mount.clone()), &mount.path);
        for path in [format!("{PROTECTED_RESOURCE}{prefix}{path}"), format!("{prefix}{PROTECTED_RESOURCE}{path}")] {
            paths.entry(path).or_insert_with(|| mount.clone());
        }
    }
    paths
}

/// `GET /.well-known/oauth-authorization-server` (RFC 8414) and `/.well-known/openid-configuration` (OpenID Connect
/// Discovery).
pub(crate) async fn authorization_server(State(web): State<Web>) -> Response {
    (cacheable(), Json(flow::authorization_server(&web.app))).into_response()
}

/// `GET /.well-known/oauth-protected-resource` (RFC 9728), for one mount.
pub(crate) fn protected_resource(
    mount: Arc<Mount>,
) -> impl Fn(State<Web>) -> Ready<Response> + Clone + Send + Sync + 'static {
    move |State(web)| ready((cacheable(), Json(flow::protected_resource(&web.app, &mount))).into_response())
}

/// `GET /oauth/jwks` (RFC 7517 section 5).
pub(crate) async fn jwks(State(web): State<Web>, Now(now): Now) -> Response {
    let jwks = keys::jwks(&web.app, now);
    let cache = format!("public, max-age={}", keys::JWKS_MAX_AGE);
    ([(header::CACHE_CONTROL, cache)], Json(jwks)).into_response()
}

fn cacheable() -> [(header::HeaderName, &'static str); 1] {
    [(header::CACHE_CONTROL, "public, max-age=300")]
}
