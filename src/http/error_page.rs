//! An error told to a person: what happened, and what to do next.

use axum::response::Response;

use crate::oauth::error::{Error, ErrorCode};
use crate::wire::error::{because, status};

use super::pages::Problem;
use super::web::Web;

/// An error for a person: what happened, and what to do next.
pub(super) fn error_page(web: &Web, error: Error) -> Response {
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
    because(error, response)
}
