//! What surrounds every request: its id, the log, a net under panics, and headers that all answers share.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use tracing::Instrument as _;

use crate::app::App;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::RowId;
use crate::random;

use super::error::{Logged, Refused, page_of};
use super::view::{Web, header_text};

/// The header that tells the request's id to whoever asks for support.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that is being answered; empty outside of one.
pub(super) fn request_id() -> String {
    CURRENT.try_with(String::clone).unwrap_or_default()
}

/// Puts everything around the router that all answers share.
pub(crate) fn surround(router: Router, app: &Arc<App>) -> Router {
    let web = Web::new(app.clone());
    router
        .layer(from_fn_with_state(web.clone(), in_time))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Refused(Error::server("a handler panicked")).into_response()
        }))
        .layer(from_fn_with_state(web, log))
}

/// Answers 503 where an answer takes too long to begin. What was begun may still happen, and may be asked for again.
async fn in_time(State(web): State<Web>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(web.app.settings.limits.timeout, next.run(request)).await {
        Ok(response) => response,
        Err(late) => {
            let description = "The answer took too long; try again shortly.";
            Refused(Error::new(ErrorCode::TemporarilyUnavailable, description).because(late)).into_response()
        }
    }
}

/// Gives the request its id, answers with the shared headers, and logs what happened, once.
async fn log(State(web): State<Web>, request: Request, next: Next) -> Response {
    let now = web.app.clock.now();
    let id = RowId::new(now, random::bytes()).to_string();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", %id);
    let mut response = CURRENT.scope(id.clone(), next.run(request)).instrument(span.clone()).await;
    span.in_scope(|| {
        let status = response.status().as_u16();
        match response.extensions().get::<Logged>() {
            Some(Logged(error)) if status >= 500 => {
                tracing::error!(%method, path, status, error = error.as_ref() as &dyn std::error::Error, "failed");
            }
            Some(Logged(error)) => {
                tracing::info!(%method, path, status, error = error.as_ref() as &dyn std::error::Error, "refused");
            }
            None => tracing::debug!(%method, path, status, "answered"),
        }
    });
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if web.app.settings.issuer.is_https() {
        let hsts = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
    }
    response
}

/// Keeps the pages of the journey out of frames, and makes a page of what the session layer could not do.
pub(super) async fn people_only(State(web): State<Web>, request: Request, next: Next) -> Response {
    let framed = header_text(request.headers(), "sec-fetch-dest")
        .is_some_and(|dest| matches!(dest, "iframe" | "frame" | "object" | "embed" | "fencedframe"));
    if framed {
        return page_of(&web, Error::new(ErrorCode::InvalidRequest, "This page is not shown within another one."));
    }
    let response = next.run(request).await;
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR && response.extensions().get::<Logged>().is_none() {
        return page_of(&web, Error::unavailable("the session could not be kept"));
    }
    response
}

/// Cross-origin access for scripts of other sites: no cookies, and what they need to read told (the Fetch standard).
pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            HeaderName::from_static("mcp-protocol-version"),
        ])
        .expose_headers([header::WWW_AUTHENTICATE, header::RETRY_AFTER, REQUEST_ID])
        .max_age(Duration::from_secs(3600))
}
