//! The challenges by which a rejected client finds its token: `WWW-Authenticate` (RFC 6750 section 3, RFC 9728 section 5.1),
//! and the step-up of the MCP specification's authorization section.

use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};

use crate::config::settings::{Mount, Settings};
use crate::flow::discovery;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::scope::Scopes;
use crate::wire::error::ErrorBody;
use crate::wire::www_authenticate::WwwAuthenticate;

/// The content of one mount's challenges.
#[derive(Debug)]
pub(super) struct Challenge {
    /// The URL of the mount's metadata.
    metadata: String,
    /// The scopes that a client without a token should ask for.
    first: Scopes,
    known: Scopes,
}

impl Challenge {
    pub(super) fn new(settings: &Settings, mount: &Mount) -> Self {
        Challenge {
            metadata: discovery::protected_resource_url(settings, mount),
            first: discovery::challenge_scopes(mount),
            known: mount.known_scopes(),
        }
    }

    /// Challenges for tests of applications, which have no mount.
    #[cfg(feature = "testing")]
    pub(super) fn made_up() -> Self {
        let metadata = "http://localhost/.well-known/oauth-protected-resource".to_owned();
        Challenge { metadata, first: Scopes::default(), known: Scopes::default() }
    }

    /// The response to a request without a token: where to get one, and no error.
    pub(super) fn no_token(&self) -> Response {
        // Old clients that see only the body, such as MCP Inspector up to 0.15, begin to sign in at the word "Unauthorized".
        let error =
            Error::new(ErrorCode::InvalidToken, "Unauthorized: an access token is needed, see WWW-Authenticate.");
        let challenge = self.lead_on(WwwAuthenticate::bearer(), &self.first);
        ErrorBody::with_challenge(error, challenge).into_response()
    }

    /// The response to a request whose token is not valid, or cannot be judged now.
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

/// A response that makes a client ask the person for more scopes: status 403, and a challenge with every scope that the
/// operation needs (`insufficient_scope`, RFC 6750 section 3.1). Made by [`Caller::needs`](crate::Caller::needs).
///
/// The challenge names the scopes that the operation needs, those that the mount requires of every call, and those that
/// the token already has. The last are for clients of revisions before 2026-07-28, which ask for exactly what the
/// challenge names: without them, each step up would lose the scopes of the step before, and two tools would take turns
/// asking the person. Clients of 2026-07-28 unite these sets themselves, and revision 2025-11-25 recommends that servers
/// do it.
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
