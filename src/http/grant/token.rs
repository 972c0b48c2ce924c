//! `POST /oauth/token` (RFC 6749 section 3.2).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::flow::grant::{self, issue::Issued};
use crate::http::extract::{Form, Now};
use crate::http::web::Web;
use crate::wire::error::{ErrorBody, no_store};
use crate::wire::headers::authorization;

/// The token response of RFC 6749 section 5.1 and OpenID Connect Core section 3.1.3.3.
#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    scope: String,
}

pub(crate) async fn token(
    State(web): State<Web>,
    Now(now): Now,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, ErrorBody> {
    let issued = grant::exchange(&web.app, authorization(&headers)?, &params, now).await?;
    Ok((no_store(), Json(TokenResponse::from(issued))).into_response())
}

impl From<Issued> for TokenResponse {
    fn from(issued: Issued) -> Self {
        TokenResponse {
            access_token: issued.access_token,
            token_type: "Bearer",
            expires_in: issued.expires_in,
            refresh_token: issued.refresh_token.map(|token| token.expose()),
            id_token: issued.id_token,
            scope: issued.scopes.to_string(),
        }
    }
}
