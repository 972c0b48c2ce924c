//! Decides whether a request passes the guard, and prepares it for the backend.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use axum::response::Response;

use super::caller::Caller;
use super::challenge::{Challenge, StepUp};
use super::denied::Denied;
use super::origin::Origins;
use super::session::Owner;
use super::tools;
use crate::config::settings::Mount;
use crate::flow::app::{App, Verified};
use crate::flow::token::verify::{self, Audience};
use crate::flow::within;
use crate::oauth::error::Error;
use crate::oauth::scope::Scopes;
use crate::wire::headers::bearer;

/// The guard of one mount.
pub(super) struct Guard {
    pub(super) app: Arc<App>,
    pub(super) mount: Mount,
    pub(super) origins: Arc<Origins>,
    challenge: Arc<Challenge>,
}

impl Guard {
    pub(super) fn new(app: Arc<App>, mount: &Mount) -> Self {
        let origins = Arc::new(Origins::new(app.settings(), mount));
        let challenge = Arc::new(Challenge::new(app.settings(), mount));
        Guard { app, mount: mount.clone(), origins, challenge }
    }

    /// [`admit`](Self::admit) within `limits.timeout`. The backend has its own time.
    pub(super) async fn admit_in_time(&self, request: &mut Request<Body>) -> Result<Owner, Denied> {
        let admitted = within(self.app.settings().limits.timeout, self.admit(request)).await;
        admitted.unwrap_or_else(|| Err(Denied::Token(Error::unavailable("the token could not be verified in time"))))
    }

    /// Judges a request, and turns it into what the backend sees. Returns the owner of the sessions that it opens.
    async fn admit(&self, request: &mut Request<Body>) -> Result<Owner, Denied> {
        if !self.origins.is_our_host(request.uri(), request.headers()) {
            return Err(Denied::Foreign("The Host header does not name this server: call it by its public URL."));
        }
        if !self.origins.may_call(request.headers()) {
            return Err(Denied::Foreign("Pages of this origin may not call this server."));
        }
        let token = bearer(request.headers()).map_err(Denied::Token)?.ok_or(Denied::NoToken)?;
        let (now, audience) = (self.app.now(), Audience::Only(&self.mount.resource));
        let verified = verify::verify(&self.app, token, audience, now).await.map_err(Denied::Token)?;
        verify::note(&self.app, &verified);
        let owner = Owner::new(self.app.clone(), verified.clone());
        owner.unwrap_id(request.headers_mut())?;
        self.allow(request, &verified).await?;
        request.headers_mut().remove(header::AUTHORIZATION);
        request.extensions_mut().insert(Caller::new(verified, self.challenge.clone()));
        Ok(owner)
    }

    /// Rejects the request if the token lacks a scope. The error names all scopes that the mount and the called tools need.
    async fn allow(&self, request: &mut Request<Body>, verified: &Verified) -> Result<(), Denied> {
        let needs = match self.mount.tools.as_slice() {
            [] => Ok(Scopes::default()),
            _ => tools::needs(&self.mount, request, &self.app.settings().limits).await,
        };
        let required = &self.mount.required_scopes;
        let lacks = |scopes: &Scopes| !scopes.is_subset(&verified.scopes);
        if lacks(required) || needs.as_ref().is_ok_and(lacks) {
            let needed = required.union(&needs.unwrap_or_default());
            return Err(Denied::Scopes(StepUp::new(&self.challenge, &needed, &verified.scopes)));
        }
        needs.map(|_| ())
    }

    /// The response to a request that does not pass.
    pub(super) fn deny(&self, denied: Denied) -> Response {
        denied.into_response(&self.challenge)
    }
}
