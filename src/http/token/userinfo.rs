//! `GET` and `POST /oauth/userinfo` (OpenID Connect Core section 5.3): a bearer token in, what it tells of the person out.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::flow::token::userinfo;
use crate::http::error::{Refused, no_store};
use crate::http::extract::{Now, bearer};
use crate::http::web::Web;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::scope::OPENID;

pub(crate) async fn userinfo(State(web): State<Web>, Now(now): Now, headers: HeaderMap) -> Response {
    let token = match bearer(&headers) {
        Ok(Some(token)) => token,
        Ok(None) => {
            let error = Error::new(ErrorCode::InvalidToken, "An access token is needed, with the scope openid.");
            return challenged(error, format!("Bearer scope=\"{OPENID}\""));
        }
        Err(error) => return refused(error),
    };
    match userinfo::userinfo(&web.app, token, now).await {
        Ok(info) => (no_store(), Json(info)).into_response(),
        Err(error) => refused(error),
    }
}

/// An error with the challenge of RFC 6750 section 3, where it is about the token.
fn refused(error: Error) -> Response {
    match error.code {
        ErrorCode::InvalidToken | ErrorCode::InsufficientScope | ErrorCode::InvalidRequest => {
            let (code, description) = (error.code.as_str(), error.description.clone());
            let challenge = format!("Bearer error=\"{code}\", error_description=\"{description}\", scope=\"{OPENID}\"");
            challenged(error, challenge)
        }
        _ => Refused(error).into_response(),
    }
}

fn challenged(error: Error, challenge: String) -> Response {
    let mut response = Refused(error).into_response();
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
