//! How a refusal leads a client on: `WWW-Authenticate` (RFC 6750 section 3, RFC 9728 section 5.1), and the step-up of the
//! MCP specification's authorization section.

use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};

use crate::config::settings::{Mount, Settings};
use crate::flow::discovery;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::scope::Scopes;
use crate::wire::error::ErrorBody;
use crate::wire::www_authenticate::WwwAuthenticate;

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
    pub(super) fn new(settings: &Settings, mount: &Mount) -> Self {
        Challenge {
            metadata: discovery::protected_resource_url(settings, mount),
            first: discovery::challenge_scopes(mount),
            known: mount.known_scopes(),
        }
    }

    /// The challenges of no mount.
    #[cfg(feature = "testing")]
    pub(super) fn made_up() -> Self {
        let metadata = "http://localhost/.well-known/oauth-protected-resource".to_owned();
        Challenge { metadata, first: Scopes::default(), known: Scopes::default() }
    }

    /// The answer to a request that carried no token: where to get one, and no error.
    pub(super) fn no_token(&self) -> Response {
        // Old clients that see the body alone, as MCP Inspector up to 0.15 does, begin to sign in at the word "Unauthorized".
        let error =
            Error::new(ErrorCode::InvalidToken, "Unauthorized: an access token is needed, see WWW-Authenticate.");
        let challenge = self.lead_on(WwwAuthenticate::bearer(), &self.first);
        ErrorBody::with_challenge(error, challenge).into_response()
    }

    /// The answer to a request whose token is no good, or cannot be judged just now.
    pub(super) fn reject(&self, error: Error) -> Response {
        match error.code {
            ErrorCode::InvalidToken | ErrorCode::InvalidRequest => self.with_error(error, &self.first),
            _ => ErrorBody { error, challenge: None }.into_response(),
        }
    }

    fn with_error(&self, error: Error, scopes: &Scopes) -> Response {
        let challenge = self.lead_on(WwwAuthenticate::bearer().with_error(&error), scopes);
        ErrorBody::with_challenge(error, challenge).into_response()
    }

    fn lead_on(&self, challenge: WwwAuthenticate, scopes: &Scopes) -> WwwAuthenticate {
        let challenge = challenge.with("resource_metadata", &*self.metadata);
        if scopes.is_empty() { challenge } else { challenge.with("scope", scopes.to_string()) }
    }
}

/// An answer by which a client asks the person for more: status 403, and a challenge with every scope that the operation
/// needs (`insufficient_scope`, RFC 6750 section 3.1). Made by [`Caller::needs`](crate::Caller::needs).
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
        self.challenge.with_error(self.error(), &self.scopes)
    }
}
