//! Errors for programs, as the JSON body of RFC 6749 section 5.2, and the reason that a response carries for the log.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::oauth::error::{Error, ErrorCode};

use super::www_authenticate::WwwAuthenticate;

/// Why a response is what it is: in its extensions, for the log.
#[derive(Clone)]
pub(crate) enum Reason {
    /// An error, which keeps its cause.
    Error(Arc<Error>),
    /// The reason of a page that tells a person why they cannot go on. It must not contain their name or address.
    Page(Cow<'static, str>),
}

/// An error for a program: the JSON body of RFC 6749 section 5.2, with the status and headers of its code.
#[derive(Debug)]
pub(crate) struct ErrorBody {
    pub(crate) error: Error,
    /// The challenge, if the error has one.
    pub(crate) challenge: Option<WwwAuthenticate>,
}

impl ErrorBody {
    pub(crate) fn with_challenge(error: Error, challenge: WwwAuthenticate) -> Self {
        ErrorBody { error, challenge: Some(challenge) }
    }
}

impl From<Error> for ErrorBody {
    fn from(error: Error) -> Self {
        let challenge = (error.code == ErrorCode::InvalidClient).then_some(WwwAuthenticate::Basic);
        ErrorBody { error, challenge }
    }
}

impl IntoResponse for ErrorBody {
    fn into_response(self) -> Response {
        let ErrorBody { error, challenge } = self;
        let body = json!({ "error": error.code.as_str(), "error_description": error.description });
        let mut response = (status(&error), no_store(), Json(body)).into_response();
        if let Some(challenge) = challenge.and_then(|challenge| challenge.header()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = retry_after(error.code) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        because(error, response)
    }
}

/// After how many seconds the same request may succeed.
fn retry_after(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::TemporarilyUnavailable | ErrorCode::TryLater => Some("1"),
        // A sweep has run by then.
        ErrorCode::TooManyRegistrations => Some("600"),
        _ => None,
    }
}

/// Completes a response with an error, JSON or page: adds the reason for the log, and closes the connection if its next
/// bytes would be the rest of this request.
pub(crate) fn because(error: Error, mut response: Response) -> Response {
    if error.code == ErrorCode::RequestTimeout {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.extensions_mut().insert(Reason::Error(Arc::new(error)));
    response
}

/// The response if a handler panicked.
#[cfg(feature = "builtin")]
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ErrorBody::from(Error::server("a handler panicked")).into_response()
}

/// The HTTP status of an error's code.
pub(crate) fn status(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The cache headers of every response with a secret and of every error (RFC 6749 section 5.1).
pub(crate) fn no_store() -> [(HeaderName, HeaderValue); 2] {
    [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ]
}
