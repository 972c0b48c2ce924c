//! `GET` and `POST /oauth/userinfo` (OpenID Connect Core section 5.3): the claims about the person, for a bearer token.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use crate::flow::token::userinfo;
use crate::http::extract::Now;
use crate::http::web::Web;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::scope::OPENID;
use crate::wire::error::{ErrorBody, no_store};
use crate::wire::headers::bearer;
use crate::wire::www_authenticate::WwwAuthenticate;

pub(crate) async fn userinfo(State(web): State<Web>, Now(now): Now, headers: HeaderMap) -> Response {
    let token = match bearer(&headers) {
        Ok(Some(token)) => token,
        Ok(None) => {
            let error = Error::new(ErrorCode::InvalidToken, "An access token is needed, with the scope openid.");
            let challenge = WwwAuthenticate::bearer().with("scope", OPENID);
            return ErrorBody::with_challenge(error, challenge).into_response();
        }
        Err(error) => return reject(error),
    };
    match userinfo::userinfo(&web.app, token, now).await {
        Ok(info) => (no_store(), Json(info)).into_response(),
        Err(error) => reject(error),
    }
}

/// An error, with the challenge of RFC 6750 section 3 if it is about the token.
fn reject(error: Error) -> Response {
    match error.code {
        ErrorCode::InvalidToken | ErrorCode::InsufficientScope | ErrorCode::InvalidRequest => {
            let challenge = WwwAuthenticate::bearer().with_error(&error).with("scope", OPENID);
            ErrorBody::with_challenge(error, challenge).into_response()
        }
        _ => ErrorBody::from(error).into_response(),
    }
}
