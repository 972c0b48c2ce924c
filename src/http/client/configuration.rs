//! `/oauth/register/{client}`, the client configuration endpoint (RFC 7592 section 2).

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::flow::client::configuration as flow;
use crate::http::extract::Now;
use crate::http::web::Web;
use crate::oauth::client::Client;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::token::RegistrationToken;
use crate::wire::error::{ErrorBody, no_store};
use crate::wire::headers::bearer;
use crate::wire::www_authenticate::WwwAuthenticate;

use super::register::{ClientInformation, json};

/// An error, with the challenge of RFC 6750 section 3 if it is about the token.
pub(crate) struct Challenged(ErrorBody);

impl From<Error> for Challenged {
    fn from(error: Error) -> Self {
        let challenge = WwwAuthenticate::bearer().with("realm", REALM).with("error", error.code.as_str());
        Challenged(match error.code {
            ErrorCode::InvalidToken => ErrorBody::with_challenge(error, challenge),
            _ => error.into(),
        })
    }
}

impl IntoResponse for Challenged {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// The realm in challenges.
const REALM: &str = "registration";

/// `GET` (RFC 7592 section 2.1): the registration without the secret.
pub(crate) async fn show(
    State(web): State<Web>,
    client: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Challenged> {
    let Authenticated { client, token } = authenticate(&web, client, &headers).await?;
    Ok((no_store(), Json(ClientInformation::new(&web, client, None, &token))).into_response())
}

/// `PUT` (RFC 7592 section 2.2).
pub(crate) async fn update(
    State(web): State<Web>,
    Now(now): Now,
    client: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Challenged> {
    let Authenticated { client, token } = authenticate(&web, client, request.headers()).await?;
    let json = json(request, &web).await?;
    let flow::Updated { client, new_secret } = flow::update(&web.app, client, &json, now).await?;
    Ok((no_store(), Json(ClientInformation::new(&web, client, new_secret, &token))).into_response())
}

/// `DELETE` (RFC 7592 section 2.3).
pub(crate) async fn delete(
    State(web): State<Web>,
    Now(now): Now,
    client: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Challenged> {
    let Authenticated { client, .. } = authenticate(&web, client, &headers).await?;
    flow::delete(&web.app, &client, now).await?;
    Ok((StatusCode::NO_CONTENT, no_store()).into_response())
}

/// An authenticated client, which manages its registration.
struct Authenticated {
    client: Client,
    /// The token that it presented, which the response repeats.
    token: RegistrationToken,
}

/// Authenticates a client by the token in the Authorization header (RFC 6750 section 2.1). An id that is not text counts as
/// unknown.
async fn authenticate(
    web: &Web,
    client: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
) -> Result<Authenticated, Challenged> {
    let Some(token) = bearer(headers)?.map(RegistrationToken::presented) else {
        let error = Error::new(ErrorCode::InvalidToken, "A registration access token is needed (RFC 7592 section 2).");
        let challenge = WwwAuthenticate::bearer().with("realm", REALM);
        return Err(Challenged(ErrorBody::with_challenge(error, challenge)));
    };
    let client = client.map_or_else(|_| String::new(), |Path(client)| client);
    Ok(Authenticated { client: flow::authenticate(&web.app, &client, &token).await?, token })
}
