//! Parses request headers: the Authorization header in its two forms, and headers as text.

use axum::http::{HeaderMap, header};

use crate::oauth::error::Error;

/// The value of a header, if it is text.
pub(crate) fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The Authorization header of a client or resource server that authenticates; `None` if there is none.
///
/// # Errors
///
/// `invalid_request` if it was sent more than once, `invalid_client` if it is not ASCII: an unreadable header must not count
/// as a missing one.
pub(crate) fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::invalid_request("The Authorization header was sent more than once."));
    }
    value.to_str().map(Some).map_err(|error| {
        Error::invalid_client("The Authorization header holds characters outside ASCII.").because(error)
    })
}

/// The bearer token of the Authorization header (RFC 6750 section 2.1), never of the query or the body; `None` if the header
/// is missing or has another scheme.
///
/// # Errors
///
/// `invalid_request` if the header was sent more than once or holds no single token.
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
