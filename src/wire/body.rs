//! Reads request bodies to their end, within a size and a time.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header;

use crate::config::settings::Limits;
use crate::oauth::error::{Error, ErrorCode};

use super::headers;

/// The longest time that a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    TooLarge(axum::Error),
    TooSlow,
    /// The connection ended before the body was complete.
    BrokeOff(axum::Error),
}

/// Reads a body of at most `limit` bytes, within the time that a request has for it.
pub(crate) async fn bytes(body: Body, limit: usize, limits: &Limits) -> Result<Bytes, Unread> {
    let read = tokio::time::timeout(patience(limits), to_bytes(body, limit)).await.map_err(|_| Unread::TooSlow)?;
    read.map_err(|error| if is_too_long(&error) { Unread::TooLarge(error) } else { Unread::BrokeOff(error) })
}

/// Reads the body of a request as text, if it has this media type and is not too large.
///
/// # Errors
///
/// The OAuth errors for 415, 413, 408 and 400.
pub(crate) async fn text(request: Request, limits: &Limits, media_type: &'static str) -> Result<String, Error> {
    let sent = headers::text(request.headers(), header::CONTENT_TYPE).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(media_type) {
        let description = format!("The body must be {media_type}.");
        return Err(Error::new(ErrorCode::UnsupportedMediaType, description));
    }
    let bytes = bytes(request.into_body(), limits.body, limits).await.map_err(|unread| match unread {
        Unread::TooSlow => {
            let patience = humantime::format_duration(patience(limits));
            Error::new(ErrorCode::RequestTimeout, format!("The body did not arrive within {patience}."))
        }
        Unread::TooLarge(error) => {
            let description = format!("The body is larger than {} bytes.", limits.body);
            Error::new(ErrorCode::ContentTooLarge, description).because(error)
        }
        Unread::BrokeOff(error) => Error::invalid_request("The body broke off.").because(error),
    })?;
    String::from_utf8(bytes.into()).map_err(|error| Error::invalid_request("The body is not UTF-8.").because(error))
}

/// How long a body may take to arrive: at most half of a request's time, so that a slow client gets 408, and not this
/// server's 503.
fn patience(limits: &Limits) -> Duration {
    PATIENCE.min(limits.timeout / 2)
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_ten_seconds_and_at_most_half_of_the_request_s_time() {
        for (limit, seconds) in [(1.0, 0.5), (10.0, 5.0), (20.0, 10.0), (30.0, 10.0), (600.0, 10.0)] {
            let limits =
                Limits { body: 0, timeout: Duration::from_secs_f64(limit), keep_alive: Duration::ZERO, connections: 0 };
            assert_eq!(patience(&limits), Duration::from_secs_f64(seconds), "{limit}");
        }
    }
}
