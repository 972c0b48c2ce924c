//! The built-in MCP server behind every mount, as the program serves it.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use tower::{Layer as _, Service};
use tower_http::catch_panic::CatchPanicLayer;

use super::jean::{Jean, Running};
use crate::mcp::GuardLayer;
use crate::wire::error::panicked;
use crate::{http, mcp};

impl Jean {
    /// All that the program serves: the authorization server, its default endpoints, and the built-in MCP server behind the
    /// guard, at every mount.
    pub fn service(&self) -> Router {
        let Running { app, web, .. } = &*self.0;
        let own =
            http::routes(web).merge(http::default_endpoints(web)).merge(http::home(web)).merge(http::fallback(web));
        let mut mounts = Router::new();
        for mount in &app.settings().mounts {
            let guarded = GuardLayer::new(app.clone(), mount).layer(mcp::builtin(app.settings()));
            mounts = mount_at(mounts, &format!("{}{}", app.settings().issuer.prefix(), mount.path), guarded);
        }
        // Outside of the authorization server's layers: a backend has its own time limit and errors.
        self.record(self.surround(own).merge(mounts.layer(CatchPanicLayer::custom(panicked))))
    }
}

/// Routes the mount's path, so that every method needs a token.
fn mount_at<S>(router: Router, path: &str, service: S) -> Router
where
    S: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
{
    router
        .route_service(path, service.clone())
        .route_service(&format!("{path}/"), service.clone())
        .route_service(&format!("{path}/{{*rest}}"), service)
}
