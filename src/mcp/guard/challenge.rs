//! How a refusal leads a client on: `WWW-Authenticate` (RFC 6750 section 3, RFC 9728 section 5.1), and the step-up of the
//! MCP specification's authorization section.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::config::settings::{Mount, Settings};
use crate::flow::discovery;
use crate::http::Logged;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::scope::Scopes;

/// What the challenges of one mount say.
#[derive(Debug)]
pub(super) struct Challenge {
    /// Where the metadata of the mount is.
    metadata: String,
    /// What a client without a token should ask for.
    first: Scopes,
    known: Scopes,
}

impl Challenge {
    /// The challenges of a mount.
    pub fn new(settings: &Settings, mount: &Mount) -> Self {
        Challenge {
            metadata: discovery::protected_resource_url(settings, mount),
            first: discovery::challenge_scopes(mount),
            known: mount.known_scopes(),
        }
    }

    /// The answer to a request that carried no token: where to get one, and no error.
    pub fn no_token(&self) -> Response {
        // Old clients that see the body alone, as MCP Inspector up to 0.15 does, begin to sign in at the word "Unauthorized".
        let error =
            Error::new(ErrorCode::InvalidToken, "Unauthorized: an access token is needed, see WWW-Authenticate.");
        let challenge = self.header(None, &self.first);
        answer(StatusCode::UNAUTHORIZED, error, Some(challenge))
    }

    /// The answer to a request whose token is no good, or cannot be judged just now.
    pub fn refused(&self, error: Error) -> Response {
        let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::UNAUTHORIZED);
        let leads_on = matches!(error.code, ErrorCode::InvalidToken | ErrorCode::InvalidRequest);
        let challenge = leads_on.then(|| self.header(Some(&error), &self.first));
        answer(status, error, challenge)
    }

    fn header(&self, error: Option<&Error>, scopes: &Scopes) -> String {
        let mut parameters = Vec::new();
        if let Some(error) = error {
            parameters.push(("error", error.code.as_str().to_owned()));
            parameters.push(("error_description", error.description.to_string()));
        }
        parameters.push(("resource_metadata", self.metadata.clone()));
        if !scopes.is_empty() {
            parameters.push(("scope", scopes.to_string()));
        }
        let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        format!("Bearer {}", parameters.join(", "))
    }
}

/// The answer to a request from a host or a page that may not call: no challenge, since no sign-in shall begin there.
pub(super) fn foreign(why: &'static str) -> Response {
    answer(StatusCode::FORBIDDEN, Error::new(ErrorCode::AccessDenied, why), None)
}

fn answer(status: StatusCode, error: Error, challenge: Option<String>) -> Response {
    let body = json!({ "error": error.code.as_str(), "error_description": error.description });
    let mut response = (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response();
    if let Some(challenge) = challenge.and_then(|challenge| HeaderValue::from_str(&challenge).ok()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response.extensions_mut().insert(Logged::error(error));
    response
}

/// An answer by which a client asks the person for more: status 403, and a challenge with every scope that the operation
/// needs (`insufficient_scope`, RFC 6750 section 3.1). Made by [`Caller::needs`](super::Caller::needs).
///
/// The challenge names the scopes that the operation needs, what the mount requires of every call among them, and those
/// that the token has already. The last are there for clients of revisions before 2026-07-28: they ask for exactly what the
/// challenge names, so that without them each step up would cost the permissions of the step before, and two tools would
/// take turns in asking the person. Clients of 2026-07-28 unite the same sets by themselves, and revision 2025-11-25
/// recommends servers to do it.
#[derive(Clone, Debug)]
pub struct StepUp {
    challenge: Arc<Challenge>,
    scopes: Scopes,
    missing: Scopes,
}

impl StepUp {
    pub(super) fn new(challenge: &Arc<Challenge>, needed: &Scopes, granted: &Scopes) -> Self {
        let missing: Scopes = needed.iter().filter(|scope| !granted.contains(scope.as_str())).cloned().collect();
        if !missing.is_subset(&challenge.known) {
            tracing::warn!(%missing, known = %challenge.known, "a call needs a scope that the mount does not have");
        }
        let scopes = needed.union(&granted.narrow(&challenge.known));
        StepUp { challenge: challenge.clone(), scopes, missing }
    }

    fn error(&self) -> Error {
        let description = format!("The access token does not allow this. It lacks: {}.", self.missing);
        Error::new(ErrorCode::InsufficientScope, description)
    }
}

impl fmt::Display for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl std::error::Error for StepUp {}

impl IntoResponse for StepUp {
    fn into_response(self) -> Response {
        let error = self.error();
        let challenge = self.challenge.header(Some(&error), &self.scopes);
        answer(StatusCode::FORBIDDEN, error, Some(challenge))
    }
}
