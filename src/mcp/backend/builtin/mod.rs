//! The built-in MCP server. Its one tool, `whoami`, tells the signed-in person who they are, and so shows that everything
//! works.

mod envelope;
mod whoami;

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tower::Service;

use crate::config::settings::Settings;

use self::whoami::{Server, Whoami};

/// The service. It is stateless, so any replica can answer, and there is no session to take over.
pub(crate) fn service(
    settings: &Settings,
) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(settings.limits.body)
        // The guard has verified Host and Origin already.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    let service = Server::new(|| Ok(Whoami), Arc::new(LocalSessionManager::default()), config);
    let limits = Arc::new(settings.limits.clone());
    tower::service_fn(move |request: Request<Body>| {
        let (service, limits) = (service.clone(), limits.clone());
        async move { Ok(envelope::handle(&service, request, &limits).await) }
    })
}
