//! `POST /oauth/register` (RFC 7591 section 3).

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::flow::register as flow;
use crate::oauth::client::ClientMetadata;
use crate::oauth::error::{Error, ErrorCode};

use super::error::{Refused, no_store};
use super::extract::{Now, body};
use super::view::Web;

/// The answer of RFC 7591 section 3.2.1: the effective metadata, the id, and the secret, which is told once.
#[derive(Serialize)]
struct RegistrationResponse {
    client_id: String,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Comes with every secret; 0 means never.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

pub(super) async fn register(State(web): State<Web>, Now(now): Now, request: Request) -> Result<Response, Refused> {
    let text = body(request, &web, "application/json").await?;
    let json = serde_json::from_str(&text)
        .map_err(|error| Error::new(ErrorCode::InvalidClientMetadata, format!("The body is not JSON: {error}.")))?;
    let registered = flow::register(&web.app, &json, now).await?;
    let response = RegistrationResponse {
        client_id: registered.client.id.to_string(),
        client_id_issued_at: now.0,
        client_secret_expires_at: registered.secret.as_ref().map(|_| 0),
        client_secret: registered.secret.map(|secret| secret.expose().to_owned()),
        metadata: registered.client.metadata,
    };
    Ok((StatusCode::CREATED, no_store(), Json(response)).into_response())
}
