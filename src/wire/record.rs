//! The outermost layer: gives each request its id, sets the headers that all answers share, and logs the outcome once.

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

/// The header that names the request to people who ask for support.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

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
pub(crate) fn request_id() -> String {
    CURRENT.try_with(|current| current.id.clone()).unwrap_or_default()
}

/// The longest client id in the log, in characters.
const MAX_CLIENT: usize = 200;

/// Notes which client the request is about, for all that is logged of it from now on. The first one counts.
pub(crate) fn note_client(client: &str) {
    let _ = CURRENT.try_with(|current| {
        if !current.has_client.replace(true) {
            let client: String = client.chars().take(MAX_CLIENT).collect();
            current.span.record("client", &*without_addresses(&client));
        }
    });
}

/// What the layer needs to know.
#[derive(Clone)]
pub(crate) struct Recorder {
    /// The time, which is part of a request's id.
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether browsers are told to use https alone (RFC 6797).
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

/// Only what this server itself did wrong is an error.
fn log(method: &Method, path: &str, response: &Response) {
    let status = response.status().as_u16();
    let path = &*without_addresses(path);
    match response.extensions().get::<Reason>() {
        // The flow says so once a minute; a line for each would be part of the flood.
        Some(Reason::Error(error)) if error.code == ErrorCode::TooManyRegistrations => {
            tracing::debug!(%method, path, status, "refused");
        }
        Some(Reason::Error(error)) if error.code.is_ours() => {
            tracing::error!(%method, path, status, error = in_full(error), "failed");
        }
        Some(Reason::Error(error)) => tracing::info!(%method, path, status, error = in_full(error), "refused"),
        Some(Reason::Page(reason)) => tracing::info!(%method, path, status, reason = &**reason, "refused"),
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
    headers::text(response.headers(), header::CONTENT_TYPE)
        .is_some_and(|media_type| media_type.starts_with("text/html"))
}
