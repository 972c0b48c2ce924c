//! What surrounds the authorization server's own paths: a limit of time, a net under panics, and cross-origin access.

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

/// Puts around the authorization server's paths what all of them share. A mount has none of it.
pub(crate) fn surround(router: Router, web: &Web) -> Router {
    router
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| {
            let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
            response.extensions_mut().insert(Panicked);
            response
        }))
        .layer(from_fn_with_state(web.clone(), complete))
}

/// Marks the answer of a handler that panicked.
#[derive(Clone)]
struct Panicked;

/// Answers 503 when the time of a request is up, and gives words to failures that have none. If one of a request's writes
/// has begun, the request waits for the outcome. The rest of a body has a time of its own: what a client is slow to send is
/// no failure of this server.
async fn complete(State(web): State<Web>, request: Request, next: Next) -> Response {
    let limit = web.app.settings().limits.timeout;
    let for_people = wants_page(request.headers());
    rest::answer(request, async |request| {
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

/// What an answer without a body stands for: a panic, a timeout, or a session that could not be kept. The answer to a HEAD
/// request has none either, and tells the length of the one that it stands for.
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

/// Whether a person looks at the answer in a browser.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    headers::text(headers, header::ACCEPT).is_some_and(|accept| accept.to_ascii_lowercase().contains("text/html"))
}

/// Keeps the pages of the journey out of frames, and answers HEAD without looking at the request: a GET may give a code or
/// take a step of the journey, and the answer to a HEAD request reaches nobody who could go on.
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

/// Cross-origin access for scripts of other sites: no cookies, and what they need to read told (the Fetch standard).
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
