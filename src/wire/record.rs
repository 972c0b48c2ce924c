//! The outermost layer: assigns the request id, sets the headers that all responses share, and logs the outcome once.

use std::cell::Cell;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tracing::{Instrument as _, Span};

use crate::clock::Clock;
use crate::oauth::error::{Error, ErrorCode, with_causes};
use crate::oauth::grant::RowId;
use crate::oauth::masked::without_addresses;
use crate::random;

use super::error::Reason;
use super::headers;

/// The header with the request id, which a person can quote to support.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Current;
}

/// The request that this task handles.
struct Current {
    id: String,
    span: Span,
    has_client: Cell<bool>,
}

/// The id of the current request; empty outside of a request.
pub(crate) fn request_id() -> String {
    CURRENT.try_with(|current| current.id.clone()).unwrap_or_default()
}

/// The longest client id in the log, in characters.
const MAX_CLIENT: usize = 200;

/// Notes the client of the request, for all further log lines of it. Only the first call counts.
pub(crate) fn note_client(client: &str) {
    let _ = CURRENT.try_with(|current| {
        if !current.has_client.replace(true) {
            let client: String = client.chars().take(MAX_CLIENT).collect();
            current.span.record("client", &*without_addresses(&client));
        }
    });
}

#[derive(Clone)]
pub(crate) struct Recorder {
    /// The clock: the time is part of a request's id.
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether to tell browsers to use https only (RFC 6797).
    pub(crate) https_only: bool,
}

impl Recorder {
    /// Puts the layer around a router.
    pub(crate) fn surround(self, router: Router) -> Router {
        router.layer(from_fn_with_state(self, record))
    }
}

async fn record(State(recorder): State<Recorder>, request: Request, next: Next) -> Response {
    let id = RowId::new(recorder.clock.now(), random::bytes()).to_string();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", %id, client = tracing::field::Empty);
    let current = Current { id: id.clone(), span: span.clone(), has_client: Cell::new(false) };
    let mut response = CURRENT.scope(current, next.run(request)).instrument(span.clone()).await;
    span.in_scope(|| log(&method, &path, &response));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if recorder.https_only {
        let hsts = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
    }
    response
}

/// Logs the outcome. The level is error only if this server failed.
fn log(method: &Method, path: &str, response: &Response) {
    let status = response.status().as_u16();
    let path = &*without_addresses(path);
    match response.extensions().get::<Reason>() {
        // The flow logs this once a minute; a line for each request would add to the flood.
        Some(Reason::Error(error)) if error.code == ErrorCode::TooManyRegistrations => {
            tracing::debug!(%method, path, status, "refused");
        }
        Some(Reason::Error(error)) if error.code.is_ours() => {
            tracing::error!(%method, path, status, error = in_full(error), "failed");
        }
        Some(Reason::Error(error)) => tracing::info!(%method, path, status, error = in_full(error), "refused"),
        Some(Reason::Page(reason)) => tracing::info!(%method, path, status, reason = &**reason, "refused"),
        // A page without a reason: the line makes its request id findable.
        None if status >= 400 && is_page(response) => tracing::info!(%method, path, status, "refused"),
        None => tracing::debug!(%method, path, status, "answered"),
    }
}

/// An error and its causes, which may contain parts of the request.
fn in_full(error: &Error) -> String {
    without_addresses(&with_causes(error)).into_owned()
}

fn is_page(response: &Response) -> bool {
    headers::text(response.headers(), header::CONTENT_TYPE)
        .is_some_and(|media_type| media_type.starts_with("text/html"))
}
