//! Drains the rest of a request's body when its response is known.
//!
//! If a body was not read to its end, hyper closes the connection, and what the client sends afterwards resets it, so the
//! response may be lost. Clients that send head and body separately, such as the Python SDK, then see a broken connection
//! instead of the 401 that leads them to a token. So the rest is read first, within bounds.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;

/// The longest rest that is read, in bytes: enough for a form that is several times too large to still get its error.
const LONGEST: u64 = 1 << 20;

/// How long the rest may take to arrive.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads the rest of a body before its response is sent. If that exceeds the bounds, the response tells the client that the
/// connection will be closed.
pub(crate) async fn drain(body: Body, mut response: Response) -> Response {
    if !tokio::time::timeout(PATIENCE, read_to_end(body)).await.unwrap_or(false) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Returns whether the body was read to its end.
async fn read_to_end(mut body: Body) -> bool {
    let mut length = 0;
    while !body.is_end_stream() && length + body.size_hint().lower() <= LONGEST {
        match body.frame().await {
            Some(Ok(frame)) => length += frame.data_ref().map_or(0, |data| data.len() as u64),
            Some(Err(_)) => return false,
            None => return true,
        }
    }
    body.is_end_stream()
}

/// Calls the handler, and then drains what it left of the body, if it has dropped the body.
pub(crate) async fn handle_and_drain<F: Future<Output = Response>>(
    request: Request,
    handler: impl FnOnce(Request) -> F,
) -> Response {
    if request.body().is_end_stream() {
        return handler(request).await;
    }
    let (head, body) = request.into_parts();
    let shared = Arc::new(Mutex::new(body));
    let response = handler(Request::from_parts(head, Body::new(Shared(shared.clone())))).await;
    if response.headers().get(header::CONNECTION).is_some_and(|connection| connection == "close") {
        // The client has used up its time already.
        return response;
    }
    match Arc::try_unwrap(shared) {
        Ok(body) => drain(body.into_inner().unwrap_or_else(PoisonError::into_inner), response).await,
        // A handler that responds with a stream may still read it.
        Err(_) => response,
    }
}

/// A body that can be taken back when the handler has dropped it. The lock is never contended.
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn with<T>(&self, of: impl FnOnce(&mut Body) -> T) -> T {
        of(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.with(|body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
