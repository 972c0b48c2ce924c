//! Answers that go on: a stream of events ends when what its caller was allowed is revoked.
//!
//! A token is judged when a request comes. A stream may stay open for days after that (the GET streams of the older
//! revisions, `subscriptions/listen` of 2026-07-28), so it is looked at as often as revocations are read. A token that only
//! expired ends none: a call that began in time may finish, and the person still allows it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header;
use axum::response::Response;
use http_body::Frame;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::app::App;
use crate::flow::feed;
use crate::oauth::grant::GrantId;

/// Lets an answer end with its family, where it is a stream of events.
pub(super) fn end_with(app: &Arc<App>, family: GrantId, response: Response) -> Response {
    let media_type = response.headers().get(header::CONTENT_TYPE).map(|media_type| media_type.as_bytes());
    if !media_type.is_some_and(|media_type| media_type.starts_with(b"text/event-stream")) {
        return response;
    }
    let mut ticks = interval(feed::INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    response.map(|body| Body::new(Revocable { body, ticks, app: app.clone(), family }))
}

/// A body that ends when the family is revoked.
struct Revocable {
    body: Body,
    ticks: Interval,
    app: Arc<App>,
    family: GrantId,
}

impl HttpBody for Revocable {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        while self.ticks.poll_tick(context).is_ready() {
            if self.app.memory.is_revoked(self.family) {
                // What it came from goes too, so that the server behind stops.
                self.body = Body::empty();
                return Poll::Ready(None);
            }
        }
        Pin::new(&mut self.body).poll_frame(context)
    }
}
