//! One error, told in three ways: as JSON to programs, by redirect to the client behind a browser, as a page to people.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::oauth::error::{Error, ErrorCode};

use super::pages::Problem;
use super::web::Web;

/// Why an answer is what it is, in its extensions, for the log.
#[derive(Clone)]
pub(crate) enum Logged {
    /// An error, which keeps its cause.
    Error(Arc<Error>),
    /// The reason of a page that tells a person why they cannot go on. It never holds their name or address.
    Page(Cow<'static, str>),
}

impl Logged {
    /// An error.
    pub fn error(error: Error) -> Self {
        Logged::Error(Arc::new(error))
    }
}

/// An error for a program: the JSON body of RFC 6749 section 5.2.
#[derive(Debug)]
pub(super) struct Refused(pub Error);

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Refused(error) = self;
        let body = json!({ "error": error.code.as_str(), "error_description": error.description });
        let mut response = (status(&error), no_store(), Json(body)).into_response();
        if error.code == ErrorCode::InvalidClient {
            let challenge = HeaderValue::from_static("Basic realm=\"oauth\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        let retry_after = match error.code {
            ErrorCode::TemporarilyUnavailable | ErrorCode::TryLater => Some("1"),
            // By then a sweep has been.
            ErrorCode::TooManyRegistrations => Some("600"),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        answered_with(error, response)
    }
}

/// What the answers with an error have in common, in whatever form: the log's reason, and the end of a connection whose next
/// bytes would be the rest of this request.
fn answered_with(error: Error, mut response: Response) -> Response {
    if error.code == ErrorCode::RequestTimeout {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.extensions_mut().insert(Logged::error(error));
    response
}

/// The status that an error's code asks for.
pub(crate) fn status(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What every answer with something secret, and every error, says to caches (RFC 6749 section 5.1).
pub(super) fn no_store() -> [(header::HeaderName, HeaderValue); 2] {
    [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ]
}

/// An error for a person: what happened, and what to do next.
pub(super) fn page_of(web: &Web, error: Error) -> Response {
    let (title, message, next) = match error.code {
        ErrorCode::RequestTimeout => (
            "Your answer did not arrive",
            "It took too long on its way here, so nothing was done.",
            "Go back to the page before and press the button again.",
        ),
        ErrorCode::TemporarilyUnavailable | ErrorCode::TryLater => (
            "This server cannot answer just now",
            "Something that it needs is not there at the moment. Nothing was lost.",
            "Wait a moment and reload this page.",
        ),
        ErrorCode::ServerError => (
            "Something went wrong here",
            "This server met a problem of its own. Nothing was shared.",
            "Go back to the app and try to connect again.",
        ),
        _ => (
            "The app asked for something that does not work",
            "Its request does not follow the rules, so this server cannot answer it.",
            "Go back to the app and try to connect again. If that does not help, tell whoever makes the app.",
        ),
    };
    let details = vec![
        ("Error".to_owned(), error.code.as_str().to_owned()),
        ("Description".to_owned(), error.description.to_string()),
    ];
    let page = Problem { details, ..web.problem(title, message, next) };
    let response = web.page(status(&error), &page);
    answered_with(error, response)
}
