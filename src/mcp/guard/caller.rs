//! Who is calling: what the guard tells the server behind it.

use std::fmt;
use std::sync::Arc;

use crate::clock::UnixTime;
use crate::flow::app::Verified;
use crate::oauth::scope::{Scope, Scopes};

use super::challenge::{Challenge, StepUp};

/// Who is calling: the person, the client that acts for them, and what it may do. Found in the extensions of every
/// request that passed the guard. A clone shares what the guard verified. Its Debug text leaves out the name and the email,
/// since libraries log extensions.
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

    /// jean's own id of the person: the `sub` of the token.
    pub fn subject(&self) -> &str {
        self.verified.person.id.as_str()
    }

    /// The person's name, if the identity provider told one.
    pub fn name(&self) -> Option<&str> {
        self.verified.person.name.as_deref()
    }

    /// The person's email, if the identity provider told one. Only if [`email_verified`](Self::email_verified) is true, it
    /// is known to be theirs.
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

    /// What the client calls itself.
    pub fn client_name(&self) -> &str {
        &self.verified.client_name
    }

    /// What the token may do, in a stable order.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.verified.scopes.iter().map(Scope::as_str)
    }

    /// When the token expires.
    pub fn expires_at(&self) -> UnixTime {
        self.verified.expires_at
    }

    /// Whether the token may do what this scope stands for.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.verified.scopes.contains(scope)
    }

    /// Asks for scopes that an operation needs, all of them at once: where the token lacks one, the error is the answer
    /// that makes a client ask the person for it and come back.
    ///
    /// It is an answer of HTTP, status 403, so it works wherever a handler may still choose its status. What is asked for
    /// must be among the scopes of the mount in `jean.toml`; nobody can be granted another one.
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
