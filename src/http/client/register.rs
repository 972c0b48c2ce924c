//! `POST /oauth/register` (RFC 7591 section 3).

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::flow::client::register as flow;
use crate::http::extract::Now;
use crate::http::web::Web;
use crate::oauth::client::Client;
use crate::oauth::client_metadata::ClientMetadata;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::token::{ClientSecret, RegistrationToken};
use crate::wire::body;
use crate::wire::error::{ErrorBody, no_store};

/// The client information response (RFC 7591 section 3.2.1, RFC 7592 section 3): the effective metadata, the id, and the
/// secret, which is shown once.
#[derive(Serialize)]
pub(crate) struct ClientInformation {
    client_id: String,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Present if the client has a secret; 0 means never.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    registration_access_token: String,
    registration_client_uri: String,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

pub(crate) async fn register(State(web): State<Web>, Now(now): Now, request: Request) -> Result<Response, ErrorBody> {
    let json = json(request, &web).await?;
    let registered = flow::register(&web.app, &json, now).await?;
    let information = ClientInformation::new(&web, registered.client, registered.secret, &registered.token);
    Ok((StatusCode::CREATED, no_store(), Json(information)).into_response())
}

/// Parses the JSON body of a request.
pub(crate) async fn json(request: Request, web: &Web) -> Result<Value, Error> {
    let text = body::text(request, &web.app.settings().limits, "application/json").await?;
    serde_json::from_str(&text)
        .map_err(|error| Error::new(ErrorCode::InvalidClientMetadata, format!("The body is not JSON: {error}.")))
}

impl ClientInformation {
    /// `secret` only if it is new; `token` is the new one, or the one that the request carried.
    pub(crate) fn new(web: &Web, client: Client, secret: Option<ClientSecret>, token: &RegistrationToken) -> Self {
        ClientInformation {
            client_id: client.id.to_string(),
            client_id_issued_at: client.created_at.0,
            client_secret: secret.map(|secret| secret.expose().to_owned()),
            client_secret_expires_at: client.secret.map(|_| 0),
            registration_access_token: token.expose().to_owned(),
            registration_client_uri: web.app.settings().issuer.at(&format!("/oauth/register/{}", client.id)),
            metadata: client.metadata,
        }
    }
}
