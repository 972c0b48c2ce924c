//! Renders an error as a page: what happened, and what to do next.

use axum::response::Response;

use crate::oauth::error::{Error, ErrorCode};
use crate::wire::error::{because, status};

use super::pages::Problem;
use super::web::Web;

pub(super) fn error_page(web: &Web, error: Error) -> Response {
    let (title, message, next) = match error.code {
        ErrorCode::RequestTimeout => (
            "Your answer did not arrive",
            "It took too long to get here, so this server did nothing.",
            "Go back to the page before and press the button again.",
        ),
        ErrorCode::TemporarilyUnavailable | ErrorCode::TryLater => (
            "This server cannot answer just now",
            "Something that it needs does not work at the moment. Nothing was lost.",
            "Wait a moment and reload this page.",
        ),
        ErrorCode::ServerError => (
            "Something went wrong here",
            "The problem is in this server. Nothing was shared.",
            "Go back to the app and try to connect again.",
        ),
        _ => (
            "The app asked for something that does not work",
            "Its request breaks a rule, so this server cannot answer it.",
            "Go back to the app and try to connect again. If that does not help, tell the makers of the app.",
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
