//! Who is calling: what the guard tells the server behind it.

use std::fmt;
use std::sync::Arc;

use crate::clock::UnixTime;
use crate::flow::app::Verified;
use crate::oauth::scope::{Scope, Scopes};

use super::challenge::{Challenge, StepUp};

/// Who is calling: the person, the client that acts for them, and what it may do. Found in the extensions of every
/// request that passed the guard. Its Debug text leaves out the name and the email, since libraries log extensions.
#[derive(Clone)]
#[non_exhaustive]
pub struct Caller {
    /// jean's own id of the person: the `sub` of the token.
    pub subject: String,
    /// The person's name, where the upstream told one.
    pub name: Option<String>,
    /// The person's email, where the upstream told one.
    pub email: Option<String>,
    /// Whether the upstream vouches for the email.
    pub email_verified: bool,
    /// `client_id` of the client.
    pub client_id: String,
    /// What the client calls itself.
    pub client_name: String,
    /// What the token may do.
    pub scopes: Vec<String>,
    /// When the token expires.
    pub expires_at: UnixTime,
    challenge: Arc<Challenge>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("subject", &self.subject)
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Caller {
    pub(super) fn new(verified: &Verified, challenge: Arc<Challenge>) -> Self {
        let person = &verified.person;
        Caller {
            subject: person.id.to_string(),
            name: person.name.clone(),
            email: person.email.clone(),
            email_verified: person.is_email_vouched_for(),
            client_id: verified.client.to_string(),
            client_name: verified.client_name.clone(),
            scopes: verified.scopes.to_vec(),
            expires_at: verified.expires_at,
            challenge,
        }
    }

    /// Whether the token may do what this scope stands for.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
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
        let parse = |scopes: &mut dyn Iterator<Item = &str>| scopes.filter_map(Scope::parse).collect::<Scopes>();
        let needed = parse(&mut scopes.iter().copied());
        let granted = parse(&mut self.scopes.iter().map(String::as_str));
        Err(StepUp::new(&self.challenge, &needed, &granted))
    }
}
