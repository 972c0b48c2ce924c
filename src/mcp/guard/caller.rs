//! The caller: what the guard tells the backend about a request.

use std::fmt;
use std::sync::Arc;

use crate::clock::UnixTime;
use crate::flow::app::Verified;
use crate::oauth::scope::{Scope, Scopes};

use super::challenge::{Challenge, StepUp};

/// The caller of a request that passed the guard: the person, the client that acts for them, and its scopes. It is in the
/// request's extensions. A clone shares the verified data. The Debug text leaves out name and email, since libraries log
/// extensions.
#[derive(Clone)]
pub struct Caller {
    pub(super) verified: Arc<Verified>,
    pub(super) challenge: Arc<Challenge>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("subject", &self.subject())
            .field("client_id", &self.client_id())
            .field("scopes", &self.verified.scopes.to_string())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

impl Caller {
    pub(super) fn new(verified: Arc<Verified>, challenge: Arc<Challenge>) -> Self {
        Caller { verified, challenge }
    }

    /// jean's id of the person: the `sub` of the token.
    pub fn subject(&self) -> &str {
        self.verified.person.id.as_str()
    }

    /// The person's name, if the identity provider sent one.
    pub fn name(&self) -> Option<&str> {
        self.verified.person.name.as_deref()
    }

    /// The person's email, if the identity provider sent one. It is known to be theirs only if
    /// [`email_verified`](Self::email_verified) is true.
    pub fn email(&self) -> Option<&str> {
        self.verified.person.email.as_deref()
    }

    /// Whether the identity provider vouches for the email.
    pub fn email_verified(&self) -> bool {
        self.verified.person.is_email_vouched_for()
    }

    /// `client_id` of the client.
    pub fn client_id(&self) -> &str {
        self.verified.client.as_str()
    }

    /// The client's own name for itself.
    pub fn client_name(&self) -> &str {
        &self.verified.client_name
    }

    /// The scopes of the token, in a stable order.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.verified.scopes.iter().map(Scope::as_str)
    }

    /// When the token expires.
    pub fn expires_at(&self) -> UnixTime {
        self.verified.expires_at
    }

    /// Whether the token has this scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.verified.scopes.contains(scope)
    }

    /// Requires scopes for an operation. Name all of them in one call.
    ///
    /// # Errors
    ///
    /// If the token lacks one, the error is the response that makes the client ask the person for it and try again.
    ///
    /// The response has status 403, so the handler must not have sent its own status yet. The scopes must be among those of
    /// the mount in `jean.toml`; no client can be granted others.
    ///
    /// ```
    /// use axum::Extension;
    /// use jean::{Caller, StepUp};
    ///
    /// async fn delete_everything(Extension(caller): Extension<Caller>) -> Result<&'static str, StepUp> {
    ///     caller.needs(&["write", "admin"])?;
    ///     Ok("gone")
    /// }
    /// ```
    pub fn needs(&self, scopes: &[&str]) -> Result<(), StepUp> {
        if scopes.iter().all(|scope| self.has_scope(scope)) {
            return Ok(());
        }
        let needed: Scopes = scopes.iter().copied().filter_map(Scope::parse).collect();
        Err(StepUp::new(&self.challenge, &needed, &self.verified.scopes))
    }
}
