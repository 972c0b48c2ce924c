//! Ends event streams when the caller's authorization ends.
//!
//! The guard verifies a token when the request arrives, and a stream may stay open for days after that. It ends when its
//! grant is revoked, or else by its kind:
//!
//! - A stream that **listens** (the response to a GET, or to `subscriptions/listen` of revision 2026-07-28) ends a minute
//!   after the expiry of the last token of its family that was used at this mount. So a client that refreshes and goes on
//!   calling keeps its stream: many clients never recover from a stream that is cut.
//! - The stream of a **call** ends with the call, at most an hour after its token has expired.
//! - The one stream of the oldest transport (HTTP+SSE, revision 2024-11-05) is its **session**, which cannot be resumed. Its
//!   first event is `endpoint`. It ends a day after its token has expired.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Method, Request, header};
use axum::response::Response;
use http_body::Frame;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::clock::UnixTime;
use crate::flow::app::{App, Verified};
use crate::flow::revocations;
use crate::flow::token::verify;

/// How often a stream is checked. Together with the poll of revocations this keeps the promised five seconds.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long a listening stream goes on without a valid token, so that the client can refresh.
const LISTENS_FOR: Duration = Duration::from_secs(60);

/// How long a call may go on after its token has expired.
const CALL_LASTS: Duration = Duration::from_secs(3600);

/// How long a session of the oldest transport may go on after its token has expired.
const SESSION_LASTS: Duration = Duration::from_secs(24 * 3600);

/// The kind of an event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It waits for messages of the backend.
    Listening,
    /// It is the response to a call.
    Call,
    /// It is a session of the oldest transport.
    Session,
}

impl Kind {
    /// The kind of a stream that responds to this request. Revision 2026-07-28 requires the header, and its servers
    /// reject one that differs from the method in the body. If a client leaves it out, its stream ends an hour after its
    /// token at most.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let listens = |method: &[u8]| method.trim_ascii() == b"subscriptions/listen";
        match request.headers().get("mcp-method") {
            _ if request.method() == Method::GET => Kind::Listening,
            Some(method) if listens(method.as_bytes()) => Kind::Listening,
            _ => Kind::Call,
        }
    }
}

/// Limits a response, if it is an event stream.
pub(super) fn limit(app: &Arc<App>, caller: Arc<Verified>, kind: Kind, response: Response) -> Response {
    let media_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case("text/event-stream") {
        return response;
    }
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let opening = (kind == Kind::Listening).then(Opening::default);
    let last_expiry = caller.expires_at;
    response.map(|body| Body::new(Limited { body, ticks, app: app.clone(), caller, kind, opening, last_expiry }))
}

struct Limited {
    body: Body,
    ticks: Interval,
    app: Arc<App>,
    caller: Arc<Verified>,
    kind: Kind,
    /// The beginning of the stream, until it shows whether the stream is a session.
    opening: Option<Opening>,
    /// The expiry of the last token that this stream knows of.
    last_expiry: UnixTime,
}

impl Limited {
    fn is_over(&mut self) -> bool {
        let now = self.app.now();
        if revocations::is_revoked(&self.app, self.caller.family) {
            return true;
        }
        now >= match self.kind {
            Kind::Listening => {
                // Stored here too, since the memory is bounded and may have lost it.
                self.last_expiry = self.last_expiry.max(verify::last_expiry(&self.app, &self.caller));
                self.last_expiry + LISTENS_FOR
            }
            Kind::Call => self.caller.expires_at + CALL_LASTS,
            Kind::Session => self.caller.expires_at + SESSION_LASTS,
        }
    }

    fn look_at(&mut self, frame: &Frame<Bytes>) {
        let (Some(opening), Some(data)) = (&mut self.opening, frame.data_ref()) else { return };
        if let Some(is_session) = opening.reads(data) {
            self.opening = None;
            if is_session {
                self.kind = Kind::Session;
            }
        }
    }
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        while self.ticks.poll_tick(context).is_ready() {
            if self.is_over() {
                // Drop the inner body too, so that the backend stops.
                self.body = Body::empty();
                return Poll::Ready(None);
            }
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.look_at(frame);
        }
        polled
    }
}

/// The beginning of an event stream, up to its first event.
#[derive(Default)]
struct Opening(Vec<u8>);

impl Opening {
    /// The most bytes of comments before the first event.
    const LONGEST: usize = 8192;

    /// Reads more. Returns whether the first event is `endpoint`, once that is known (the HTML standard, "Parsing an event
    /// stream").
    fn reads(&mut self, data: &[u8]) -> Option<bool> {
        self.0.extend_from_slice(&data[..data.len().min(Self::LONGEST)]);
        let is_end = |b: &u8| matches!(b, b'\n' | b'\r');
        let text = self.0.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.0);
        let whole = text.iter().rposition(is_end).map_or(&b""[..], |end| &text[..end]);
        let fields = whole.split(is_end).filter(|line| !line.is_empty() && !line.starts_with(b":"));
        for field in fields {
            let (name, value) = field.split_at(field.iter().position(|b| *b == b':').unwrap_or(field.len()));
            match name {
                b"event" => return Some(matches!(value, b":endpoint" | b": endpoint")),
                b"data" => return Some(false),
                _ => {}
            }
        }
        (self.0.len() >= Self::LONGEST).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_tells_a_session_of_the_oldest_transport() {
        for (stream, is_session) in [
            ("event: endpoint\ndata: /messages?id=1\n\n", Some(true)),
            ("event:endpoint\r\ndata:/messages\r\n\r\n", Some(true)),
            ("\u{feff}: a comment\n\nretry: 100\nid: 1\nevent: endpoint\n", Some(true)),
            ("event: endpoints\n", Some(false)),
            ("event: message\ndata: {}\n\nevent: endpoint\n", Some(false)),
            ("data: endpoint\nevent: endpoint\n", Some(false)),
            ("event\n", Some(false)),
            ("event: endpoint", None),
            (": a comment\n", None),
            ("", None),
        ] {
            assert_eq!(Opening::default().reads(stream.as_bytes()), is_session, "{stream:?}");
            let mut pieces = Opening::default();
            let read = stream.bytes().find_map(|byte| pieces.reads(&[byte]));
            assert_eq!(read, is_session, "{stream:?} byte by byte");
        }
        let endless = ": a comment\n".repeat(1000);
        assert_eq!(Opening::default().reads(endless.as_bytes()), Some(false));
    }

    #[test]
    fn a_get_and_a_subscription_listen_and_all_else_is_a_call() {
        for (method, header, kind) in [
            ("GET", None, Kind::Listening),
            ("POST", Some("subscriptions/listen"), Kind::Listening),
            ("POST", Some(" subscriptions/listen "), Kind::Listening),
            ("POST", Some("tools/call"), Kind::Call),
            ("POST", None, Kind::Call),
            ("DELETE", None, Kind::Call),
        ] {
            let mut request = Request::builder().method(method);
            if let Some(header) = header {
                request = request.header("mcp-method", header);
            }
            assert_eq!(Kind::of(&request.body(()).unwrap()), kind, "{method} {header:?}");
        }
    }
}
