//! Extractors: the time of a request, the browser that sent it, and the parameters of a form.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use tower_sessions::Session;

use crate::clock::UnixTime;
use crate::oauth::error::Error;
use crate::oauth::params::Params;
use crate::wire::error::ErrorBody;
use crate::wire::{body, headers};

use super::error_page::error_page;
use super::web::Web;

/// The time of the request, read once.
pub(super) struct Now(pub UnixTime);

impl FromRequestParts<Web> for Now {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        Ok(Now(web.app.now()))
    }
}

/// The browser that sent the request, for the journey's pages.
pub(super) struct Browser {
    /// Its headers, including cookies.
    pub headers: HeaderMap,
    /// Its session, loaded when it is needed.
    pub session: Session,
    /// The time of the request, read once.
    pub now: UnixTime,
}

impl FromRequestParts<Web> for Browser {
    type Rejection = <Session as FromRequestParts<Web>>::Rejection;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        let session = Session::from_request_parts(parts, web).await?;
        Ok(Browser { headers: parts.headers.clone(), session, now: web.app.now() })
    }
}

/// The body of a form from a program: 415, 413 and 400 are OAuth errors.
pub(super) struct Form(pub Params);

impl FromRequest<Web> for Form {
    type Rejection = ErrorBody;

    async fn from_request(request: Request, web: &Web) -> Result<Self, ErrorBody> {
        Ok(Form(Params::parse(
            &body::text(request, &web.app.settings().limits, "application/x-www-form-urlencoded").await?,
        )))
    }
}

/// The fields of a form from a page of this server. Errors are pages.
pub(super) struct PageForm(Params);

impl PageForm {
    /// The only value of a field, or empty.
    pub(super) fn field(&self, name: &str) -> &str {
        self.0.one(name).ok().flatten().unwrap_or_default()
    }
}

impl FromRequest<Web> for PageForm {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Response> {
        let is_ours = is_same_origin(web, request.headers());
        match Form::from_request(request, web).await {
            Ok(Form(params)) if is_ours => Ok(PageForm(params)),
            Ok(_) => Err(error_page(web, Error::invalid_request("The form was sent from another site."))),
            Err(ErrorBody { error, .. }) => Err(error_page(web, error)),
        }
    }
}

/// Whether a page of this server sent the form (Fetch Metadata, and the Origin header of RFC 6454).
fn is_same_origin(web: &Web, headers: &HeaderMap) -> bool {
    let site = headers::text(headers, "sec-fetch-site");
    let origin = headers::text(headers, header::ORIGIN);
    site.is_none_or(|site| site == "same-origin")
        && origin.is_none_or(|origin| origin == "null" || origin == web.app.settings().issuer.origin())
}
