//! Redirects: to a page of this server, to the client, to an upstream.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::flow::journey::begin::Departure;
use crate::http::pages::Leaving;
use crate::http::web::Web;
use crate::oauth::name::Headline;

/// 303 See Other: the browser goes there with a GET (RFC 9110 section 15.4.4). In answer to a form, use it only for this
/// server's own pages.
pub(crate) fn found(url: &str) -> Response {
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, url), (header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "same-origin")],
    )
        .into_response()
}

/// Leaves for the client in answer to a POST: by a page that moves on by itself, since Chromium applies `form-action` to
/// every redirect that follows a form.
pub(crate) fn to_client(web: &Web, url: &str, client: Headline) -> Response {
    web.page(StatusCode::OK, &Leaving::new(web.layout(), url, client))
}

/// Leaves for an upstream, with the journey's cookie; or for the journey's own page if the upstream cannot be reached.
pub(crate) fn depart(web: &Web, headers: &HeaderMap, departure: Departure) -> Response {
    let mut response = match &departure.url {
        Some(url) => {
            // The operator chose the provider's label.
            let label = Headline::Configured(departure.label);
            web.page(StatusCode::OK, &Leaving::new(web.layout(), url, label))
        }
        None => found(&web.path(&format!("/oauth/login/{}", departure.login))),
    };
    if let Some(binding) = &departure.binding {
        for cookie in web.cookies.bind_login(headers, departure.login, binding) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}
