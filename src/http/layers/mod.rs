//! The layers around the authorization server's own paths: a time limit, a catch for panics, and cross-origin access.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any as AnyOrigin, CorsLayer};

use crate::flow::within;
use crate::oauth::error::{Error, ErrorCode};
use crate::wire::error::ErrorBody;
use crate::wire::record::REQUEST_ID;
use crate::wire::{headers, rest};

use super::error_page::error_page;
use super::web::Web;

/// Adds the layers that all of the authorization server's paths share. Mounts have none of them.
pub(crate) fn surround(router: Router, web: &Web) -> Router {
    router
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| {
            let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
            response.extensions_mut().insert(Panicked);
            response
        }))
        .layer(from_fn_with_state(web.clone(), complete))
}

/// Marks the response of a handler that panicked.
#[derive(Clone)]
struct Panicked;

/// Responds with 503 when the time of a request is up, and fills empty failure responses. If one of a request's writes has
/// begun, the request waits for the outcome. Draining the rest of a body has a time of its own, since a slow client is not a
/// failure of this server.
async fn complete(State(web): State<Web>, request: Request, next: Next) -> Response {
    let limit = web.app.settings().limits.timeout;
    let for_people = wants_page(request.headers());
    rest::handle_and_drain(request, async |request| {
        let answer = within(limit, next.run(request)).await;
        let response = answer.unwrap_or_else(|| StatusCode::SERVICE_UNAVAILABLE.into_response());
        match bare_failure(&response) {
            Some(error) if for_people => error_page(&web, error),
            Some(error) => ErrorBody::from(error).into_response(),
            None => response,
        }
    })
    .await
}

/// The error behind a response without a body: a panic, a timeout, or a session that could not be stored. The response to a
/// HEAD request has no body either, but has the length of the one that it stands for.
fn bare_failure(response: &Response) -> Option<Error> {
    let is_failure = matches!(response.status(), StatusCode::INTERNAL_SERVER_ERROR | StatusCode::SERVICE_UNAVAILABLE);
    let stands_for_a_body =
        headers::text(response.headers(), header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    if !is_failure || response.body().size_hint().exact() != Some(0) || stands_for_a_body {
        return None;
    }
    Some(match response.extensions().get::<Panicked>() {
        Some(Panicked) => Error::server("a handler panicked"),
        None => Error::unavailable("the request took too long, or its session could not be kept"),
    })
}

/// Whether a browser shows the response to a person.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    headers::text(headers, header::ACCEPT).is_some_and(|accept| accept.to_ascii_lowercase().contains("text/html"))
}

/// Keeps the journey's pages out of frames, and responds to HEAD without handling the request: a GET may issue a code or
/// take a step of the journey, and the client of a HEAD request would not get the result.
pub(super) async fn people_only(State(web): State<Web>, request: Request, next: Next) -> Response {
    if request.method() == Method::HEAD {
        let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        return (StatusCode::OK, headers).into_response();
    }
    let framed = headers::text(request.headers(), "sec-fetch-dest")
        .is_some_and(|dest| matches!(dest, "iframe" | "frame" | "object" | "embed" | "fencedframe"));
    if framed {
        return error_page(&web, Error::new(ErrorCode::InvalidRequest, "This page is not shown within another one."));
    }
    next.run(request).await
}

/// Cross-origin access for scripts of other sites, without cookies; they may read the headers that they need (the Fetch
/// standard).
pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AnyOrigin)
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
