//! `/oauth/register/{client}`, the client configuration endpoint (RFC 7592 section 2).

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::flow::client::configuration as flow;
use crate::http::error::{Refused, no_store};
use crate::http::extract::{Now, bearer};
use crate::http::web::Web;
use crate::oauth::client::Client;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::token::RegistrationToken;

use super::register::{ClientInformation, json};

/// The challenge of RFC 6750 section 3, without an error where no token came.
pub(crate) struct Challenged(Error, &'static str);

impl From<Error> for Challenged {
    fn from(error: Error) -> Self {
        Challenged(error, "Bearer realm=\"registration\", error=\"invalid_token\"")
    }
}

impl IntoResponse for Challenged {
    fn into_response(self) -> Response {
        let Challenged(error, challenge) = self;
        let is_challenge = error.code == ErrorCode::InvalidToken;
        let mut response = Refused(error).into_response();
        if is_challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// `GET` (RFC 7592 section 2.1): everything but the secret.
pub(crate) async fn read(
    State(web): State<Web>,
    client: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Challenged> {
    let (client, token) = authenticate(&web, client, &headers).await?;
    Ok((no_store(), Json(ClientInformation::new(&web, client, None, &token))).into_response())
}

/// `PUT` (RFC 7592 section 2.2).
pub(crate) async fn update(
    State(web): State<Web>,
    Now(now): Now,
    client: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Challenged> {
    let (client, token) = authenticate(&web, client, request.headers()).await?;
    let json = json(request, &web).await?;
    let (client, secret) = flow::update(&web.app, client, &json, now).await?;
    Ok((no_store(), Json(ClientInformation::new(&web, client, secret, &token))).into_response())
}

/// `DELETE` (RFC 7592 section 2.3).
pub(crate) async fn delete(
    State(web): State<Web>,
    Now(now): Now,
    client: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Challenged> {
    let (client, _) = authenticate(&web, client, &headers).await?;
    flow::delete(&web.app, &client, now).await?;
    Ok((StatusCode::NO_CONTENT, no_store()).into_response())
}

/// The client, and the token that it showed in the Authorization header (RFC 6750 section 2.1).
/// An id that is no text is one that nobody has.
async fn authenticate(
    web: &Web,
    client: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
) -> Result<(Client, RegistrationToken), Challenged> {
    let Some(token) = bearer(headers)?.map(RegistrationToken::presented) else {
        let error = Error::new(ErrorCode::InvalidToken, "A registration access token is needed (RFC 7592 section 2).");
        return Err(Challenged(error, "Bearer realm=\"registration\""));
    };
    let client = client.map_or_else(|_| String::new(), |Path(client)| client);
    Ok((flow::authenticate(&web.app, &client, &token).await?, token))
}
