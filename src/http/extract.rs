//! What handlers take out of a request: the time, the parameters of a form, and who sits in front of the browser.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use tower_sessions::Session;

use crate::clock::UnixTime;
use crate::flow::journey::request::{self, SignedIn};
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::RowId;
use crate::oauth::params::Params;

use super::error::{Refused, page_of};
use super::journey::session::SIGN_IN;
use super::web::Web;

/// How long a body of one of our own paths may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// The time of the request, read once.
pub(super) struct Now(pub UnixTime);

impl FromRequestParts<Web> for Now {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        Ok(Now(web.app.clock.now()))
    }
}

/// The body of a form, for a program: 415, 413 and 400 as OAuth errors.
pub(super) struct Form(pub Params);

impl FromRequest<Web> for Form {
    type Rejection = Refused;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Refused> {
        Ok(Form(Params::parse(&body(request, web, "application/x-www-form-urlencoded").await?)))
    }
}

/// The fields of a form that one of our own pages sent; anything else is told on a page.
pub(super) struct PageForm(Params);

impl PageForm {
    /// The one value of a field, or empty.
    pub fn field(&self, name: &str) -> &str {
        self.0.one(name).ok().flatten().unwrap_or_default()
    }
}

impl FromRequest<Web> for PageForm {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Response> {
        let is_ours = is_same_origin(web, request.headers());
        match Form::from_request(request, web).await {
            Ok(Form(params)) if is_ours => Ok(PageForm(params)),
            Ok(_) => Err(page_of(web, Error::invalid_request("The form was sent from another site."))),
            Err(Refused(error)) => Err(page_of(web, error)),
        }
    }
}

/// The Authorization header of a program, which is sent once. One that cannot be read is not the same as none.
pub(super) fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::invalid_request("The Authorization header was sent more than once."));
    }
    value.to_str().map(Some).map_err(|error| {
        Error::invalid_client("The Authorization header holds characters outside ASCII.").because(error)
    })
}

/// The token of the Authorization header (RFC 6750 section 2.1); never of the query or the body.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let malformed = || Error::invalid_request("The Authorization header is malformed (RFC 6750 section 2.1).");
    if values.next().is_some() {
        return Err(malformed());
    }
    let value = value.to_str().map_err(|_| malformed())?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Ok(None);
    }
    let token = token.trim();
    if token.is_empty() || token.contains(' ') { Err(malformed()) } else { Ok(Some(token)) }
}

/// The value of a header, where it is text.
pub(super) fn header_text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The body of a request as text, where it has this media type and is not too large.
pub(super) async fn body(request: Request, web: &Web, media_type: &'static str) -> Result<String, Error> {
    let sent = header_text(request.headers(), header::CONTENT_TYPE).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(media_type) {
        let description = format!("The body must be {media_type}.");
        return Err(Error::new(ErrorCode::UnsupportedMediaType, description));
    }
    let limit = web.app.settings.limits.body;
    let patience = patience(web.app.settings.limits.timeout);
    let bytes = tokio::time::timeout(patience, to_bytes(request.into_body(), limit)).await.map_err(|_| {
        let description = format!("The body did not arrive within {}.", humantime::format_duration(patience));
        Error::new(ErrorCode::RequestTimeout, description)
    })?;
    let bytes = bytes.map_err(|error| {
        if is_too_long(&error) {
            Error::new(ErrorCode::ContentTooLarge, format!("The body is larger than {limit} bytes.")).because(error)
        } else {
            Error::invalid_request("The body broke off.").because(error)
        }
    })?;
    String::from_utf8(bytes.into()).map_err(|error| Error::invalid_request("The body is not UTF-8.").because(error))
}

/// How long a body may take to arrive: at most half of a request's time, so that the client is told that it was too slow, and
/// this server does not take the blame.
fn patience(limit: Duration) -> Duration {
    BODY_PATIENCE.min(limit / 2)
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

/// Whether a form was sent from one of our own pages (Fetch Metadata, and the Origin header of RFC 6454).
fn is_same_origin(web: &Web, headers: &HeaderMap) -> bool {
    let site = header_text(headers, "sec-fetch-site");
    let origin = header_text(headers, header::ORIGIN);
    site.is_none_or(|site| site == "same-origin")
        && origin.is_none_or(|origin| origin == "null" || origin == web.app.settings.issuer.origin())
}

/// Who is signed in by this session.
pub(super) async fn signed_in(web: &Web, session: &Session, now: UnixTime) -> Result<Option<SignedIn>, Error> {
    let id: Option<String> = session.get(SIGN_IN).await.map_err(Error::unavailable)?;
    request::signed_in(&web.app, id.as_deref().and_then(RowId::parse), now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_ten_seconds_and_at_most_half_of_the_request_s_time() {
        for (limit, seconds) in [(1.0, 0.5), (10.0, 5.0), (20.0, 10.0), (30.0, 10.0), (600.0, 10.0)] {
            assert_eq!(patience(Duration::from_secs_f64(limit)), Duration::from_secs_f64(seconds), "{limit}");
        }
    }
}
