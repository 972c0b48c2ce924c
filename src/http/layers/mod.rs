//! What surrounds every request: its id, the log, a net under panics, and headers that all answers share.

pub(crate) mod unread;

use std::cell::Cell;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use tracing::{Instrument as _, Span};

use crate::flow::within;
use crate::oauth::error::{Error, ErrorCode, with_causes};
use crate::oauth::grant::RowId;
use crate::oauth::masked::without_addresses;
use crate::random;

use super::error::{Logged, Refused, page_of};
use super::extract::header_text;
use super::web::Web;

/// The header that tells the request's id to whoever asks for support.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Current;
}

/// The request that is being answered.
struct Current {
    id: String,
    span: Span,
    has_client: Cell<bool>,
}

/// The id of the request that is being answered; empty outside of one.
pub(super) fn request_id() -> String {
    CURRENT.try_with(|current| current.id.clone()).unwrap_or_default()
}

/// The longest client id in the log, in characters.
const MAX_CLIENT: usize = 200;

/// Notes which client the request is about, for all that is logged of it from now on. The first one counts.
pub(super) fn note_client(client: &str) {
    let _ = CURRENT.try_with(|current| {
        if !current.has_client.replace(true) {
            let client: String = client.chars().take(MAX_CLIENT).collect();
            current.span.record("client", &*without_addresses(&client));
        }
    });
}

/// Puts everything around the router that all answers share.
pub(crate) fn surround(router: Router, web: &Web) -> Router {
    router
        .layer(from_fn_with_state(web.clone(), limit_time))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
            response.extensions_mut().insert(Panicked);
            response
        }))
        .layer(from_fn_with_state(web.clone(), answer))
}

/// Answers 503 when the time of a request is up; but if one of its writes has begun, the request waits for the outcome. The
/// rest of a body has a time of its own: what a client is slow to send is no failure of ours.
async fn limit_time(State(web): State<Web>, request: Request, next: Next) -> Response {
    let limit = web.app.settings.limits.timeout;
    unread::answered(request, async |request| {
        let answer = within(limit, next.run(request)).await;
        answer.unwrap_or_else(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
    })
    .await
}

/// Marks the answer of a handler that panicked.
#[derive(Clone)]
struct Panicked;

/// Gives the request its id, words to failures that have none, the shared headers to all answers, and logs what happened,
/// once.
async fn answer(State(web): State<Web>, request: Request, next: Next) -> Response {
    let id = RowId::new(web.app.clock.now(), random::bytes()).to_string();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let for_people = wants_page(request.headers());
    let span = tracing::info_span!("request", %id, client = tracing::field::Empty);
    let current = Current { id: id.clone(), span: span.clone(), has_client: Cell::new(false) };
    let response = async {
        let response = next.run(request).await;
        match bare_failure(&response) {
            Some(error) if for_people => page_of(&web, error),
            Some(error) => Refused(error).into_response(),
            None => response,
        }
    };
    let mut response = CURRENT.scope(current, response).instrument(span.clone()).await;
    span.in_scope(|| log(&method, &path, &response));
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

/// What an answer without a body stands for: a panic, a timeout, or a session that could not be kept. The answer to a HEAD
/// request has none either, and tells the length of the one that it stands for.
fn bare_failure(response: &Response) -> Option<Error> {
    let is_failure = matches!(response.status(), StatusCode::INTERNAL_SERVER_ERROR | StatusCode::SERVICE_UNAVAILABLE);
    let stands_for_a_body = header_text(response.headers(), header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    if !is_failure || response.body().size_hint().exact() != Some(0) || stands_for_a_body {
        return None;
    }
    Some(match response.extensions().get::<Panicked>() {
        Some(Panicked) => Error::server("a handler panicked"),
        None => Error::unavailable("the request took too long, or its session could not be kept"),
    })
}

/// Whether somebody looks at the answer in a browser.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    header_text(headers, header::ACCEPT).is_some_and(|accept| accept.to_ascii_lowercase().contains("text/html"))
}

/// Only what this server itself did wrong is an error.
fn log(method: &Method, path: &str, response: &Response) {
    let status = response.status().as_u16();
    let path = &*without_addresses(path);
    match response.extensions().get::<Logged>() {
        // The flow says so once a minute; a line for each would be part of the flood.
        Some(Logged::Error(error)) if error.code == ErrorCode::TooManyRegistrations => {
            tracing::debug!(%method, path, status, "refused");
        }
        Some(Logged::Error(error)) if error.code.is_ours() => {
            tracing::error!(%method, path, status, error = in_full(error), "failed");
        }
        Some(Logged::Error(error)) => tracing::info!(%method, path, status, error = in_full(error), "refused"),
        Some(Logged::Page(reason)) => tracing::info!(%method, path, status, reason = &**reason, "refused"),
        // A page without a reason: its request id can be found all the same.
        None if status >= 400 && is_page(response) => tracing::info!(%method, path, status, "refused"),
        None => tracing::debug!(%method, path, status, "answered"),
    }
}

/// An error and its causes, which may repeat what the request said.
fn in_full(error: &Error) -> String {
    without_addresses(&with_causes(error)).into_owned()
}

fn is_page(response: &Response) -> bool {
    header_text(response.headers(), header::CONTENT_TYPE).is_some_and(|media_type| media_type.starts_with("text/html"))
}

/// Keeps the pages of the journey out of frames, and answers HEAD without looking at the request: a GET may give a code or
/// take a step of the journey, and the answer to a HEAD request reaches nobody who could go on.
pub(super) async fn people_only(State(web): State<Web>, request: Request, next: Next) -> Response {
    if request.method() == Method::HEAD {
        let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        return (StatusCode::OK, headers).into_response();
    }
    let framed = header_text(request.headers(), "sec-fetch-dest")
        .is_some_and(|dest| matches!(dest, "iframe" | "frame" | "object" | "embed" | "fencedframe"));
    if framed {
        return page_of(&web, Error::new(ErrorCode::InvalidRequest, "This page is not shown within another one."));
    }
    next.run(request).await
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
