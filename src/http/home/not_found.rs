//! The answer for every address that does not exist.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::http::layers::wants_page;
use crate::http::pages::{Link, Problem};
use crate::http::web::Web;
use crate::oauth::error::Error;
use crate::wire::error::ErrorBody;

/// The page does not repeat the address, because a stranger may have chosen it.
pub(crate) async fn not_found(State(web): State<Web>, headers: HeaderMap) -> Response {
    if !wants_page(&headers) {
        let mut response = ErrorBody::from(Error::invalid_request("This address does not exist.")).into_response();
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let link = Some(Link { label: "Front page".to_owned(), url: web.layout().home });
    let message = "This server has no page at this address.";
    let page = Problem { link, ..web.problem("Page not found", message, "The front page says how to connect an app.") };
    web.refusal(StatusCode::NOT_FOUND, &page, "there is no such page")
}
