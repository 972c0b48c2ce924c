//! What stands at no other address.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::http::layers::wants_page;
use crate::http::pages::{Link, Problem};
use crate::http::web::Web;
use crate::oauth::error::Error;
use crate::wire::error::ErrorBody;

/// Whatever else is asked for. The page does not repeat the address, which may be anybody's words.
pub(crate) async fn not_found(State(web): State<Web>, headers: HeaderMap) -> Response {
    if !wants_page(&headers) {
        let mut response = ErrorBody::from(Error::invalid_request("There is nothing at this address.")).into_response();
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let link = Some(Link { label: "Front page".to_owned(), url: web.layout().home });
    let message = "This server has no page at this address.";
    let page =
        Problem { link, ..web.problem("There is nothing here", message, "The front page tells how to connect.") };
    web.refusal(StatusCode::NOT_FOUND, &page, "there is no such page")
}
