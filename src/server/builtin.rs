//! The built-in MCP server behind every mount: what the program serves.

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
    /// The authorization server, its default endpoints too, and the built-in MCP server behind its guard, at every mount:
    /// what the binary serves.
    pub fn service(&self) -> Router {
        let Running { app, web, .. } = &*self.0;
        let own =
            http::routes(web).merge(http::default_endpoints(web)).merge(http::home(web)).merge(http::fallback(web));
        let mut mounts = Router::new();
        for mount in &app.settings().mounts {
            let guarded = GuardLayer::new(app.clone(), mount).layer(mcp::builtin(app.settings()));
            mounts = mount_at(mounts, &format!("{}{}", app.settings().issuer.prefix(), mount.path), guarded);
        }
        // Not within what surrounds our own paths: what stands behind a mount has a time and errors of its own.
        self.record(self.surround(own).merge(mounts.layer(CatchPanicLayer::custom(panicked))))
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
