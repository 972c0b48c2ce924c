//! The bodies of a connection: note when they end, and end streams of events between two events.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::places::{Place, Stage};

/// The body of a request.
pub(super) struct RequestBody {
    body: Incoming,
    place: Arc<Place>,
    is_whole: bool,
}

impl RequestBody {
    pub(super) fn new(body: Incoming, place: Arc<Place>) -> Self {
        RequestBody { body, place, is_whole: false }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.is_whole |= matches!(polled, Poll::Ready(None)) || self.body.is_end_stream();
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.place.note_end_of_body(self.is_whole);
    }
}

/// The body of an answer.
pub(super) struct ResponseBody {
    body: Body,
    place: Arc<Place>,
    /// Set for a stream of events: how far it has come, and from which stage on it ends.
    events: Option<(Events, Stage)>,
}

impl ResponseBody {
    /// The answer to a request of this method. A GET that is answered by events listens, for ever, and ends as soon as the
    /// server begins to stop; any other stream of events is the answer to a call, which may come to its end.
    pub(super) fn new(method: &Method, response: Response, place: Arc<Place>) -> axum::http::Response<Self> {
        let ends_at = if method == Method::GET { Stage::Stopping } else { Stage::Ending };
        let events = is_stream_of_events(response.headers()).then_some((Events::default(), ends_at));
        response.map(|body| ResponseBody { body, place, events })
    }
}

fn is_stream_of_events(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some((events, ends_at)) = &self.events
            && self.place.stage() >= *ends_at
            && events.are_whole()
        {
            // Its source is dropped with it.
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let (Some((events, _)), Poll::Ready(Some(Ok(frame)))) = (&mut self.events, &polled) {
            events.note(frame.data_ref().map_or(&[], |data| data));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.place.note_end_of_answer();
    }
}

/// The last bytes of a stream of events, which tell whether an event is whole (the HTML standard, "Parsing an event
/// stream": a line ends with CR, LF or both, and an event with an empty line).
#[derive(Debug, Default)]
struct Events {
    last: [u8; 4],
    is_begun: bool,
}

impl Events {
    fn note(&mut self, data: &[u8]) {
        for byte in &data[data.len().saturating_sub(4)..] {
            self.last.rotate_left(1);
            self.last[3] = *byte;
            self.is_begun = true;
        }
    }

    /// Whether what was sent ends with an event, or nothing was.
    fn are_whole(&self) -> bool {
        let lines = match self.last {
            [.., b'\r', b'\n'] => &self.last[..2],
            [.., b'\r' | b'\n'] => &self.last[..3],
            _ => &[],
        };
        !self.is_begun || matches!(lines, [.., b'\r' | b'\n'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_whole_after_an_empty_line() {
        for (stream, are_whole) in [
            ("", true),
            ("data: 1\n\n", true),
            ("data: 1\r\n\r\n", true),
            ("data: 1\r\r", true),
            ("data: 1\n\r\n", true),
            ("data: 1\r\n\n", true),
            ("data: 1\r\r\n", true),
            (": a comment\n\n", true),
            ("data: 1\n\ndata: 2\n", false),
            ("data: 1\r\n", false),
            ("data: 1", false),
            ("d", false),
        ] {
            let mut events = Events::default();
            events.note(stream.as_bytes());
            assert_eq!(events.are_whole(), are_whole, "{stream:?}");
            let mut events = Events::default();
            stream.bytes().for_each(|byte| events.note(&[byte]));
            assert_eq!(events.are_whole(), are_whole, "{stream:?} byte by byte");
        }
    }
}
