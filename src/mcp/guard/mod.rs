//! The guard: a bearer token in, a [`Caller`] out; else the challenge that leads a client to its token.
//!
//! RFC 6750 section 3, RFC 9728 section 5.1, and the authorization section of the MCP specification. The order: Host and
//! Origin (DNS rebinding), the token, whose the session is, the scopes. The token itself goes no further.
//!
//! [`origin`] checks Host and Origin, [`session`] whose a session is, [`tools`] what a call needs; [`challenge`] is how a
//! refusal leads on, [`caller`] what the server behind is told, and [`stream`] ends streams of events with their grant.

pub(super) mod caller;
pub(super) mod challenge;
mod origin;
mod session;
mod stream;
mod tools;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{Request, header};
use axum::response::{IntoResponse, Response};
use tower::util::MapRequest;
use tower::{Layer as _, Service};

use crate::config::settings::Mount;
use crate::flow::app::{App, Verified};
use crate::flow::token::verify::{self, Audience};
use crate::flow::within;
use crate::oauth::error::Error;
use crate::oauth::scope::Scopes;
use crate::wire::headers::bearer;
use crate::wire::rest;

use self::caller::Caller;
use self::challenge::{Challenge, StepUp};
use self::origin::Origins;
use self::session::Owner;

/// Puts the guard of a mount, and the answers to preflights outside of it, in front of a service.
pub(crate) fn guard<S>(
    app: Arc<App>,
    mount: Mount,
    inner: S,
) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
where
    S: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    let origins = Arc::new(Origins::new(app.settings(), &mount));
    let challenge = Arc::new(Challenge::new(app.settings(), &mount));
    let cors = origin::cors(origins.clone());
    let guard = Arc::new(Guard { app, mount, origins, challenge });
    MapRequest::new(cors.layer(Guarded { guard, inner }), origin::keep_known_headers as fn(_) -> _)
}

/// The guard of one mount.
struct Guard {
    app: Arc<App>,
    mount: Mount,
    origins: Arc<Origins>,
    challenge: Arc<Challenge>,
}

#[derive(Clone)]
struct Guarded<S> {
    guard: Arc<Guard>,
    inner: S,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let guard = self.guard.clone();
        // The service that was polled ready is the one to call.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            let kind = stream::Kind::of(&request);
            match guard.admit_in_time(&mut request).await {
                Ok(owner) => {
                    let mut response = inner.call(request).await?.into_response();
                    owner.leave(response.headers_mut());
                    Ok(stream::limit(&guard.app, owner.into_verified(), kind, response))
                }
                Err(denied) => Ok(rest::read(request.into_body(), guard.deny(denied)).await),
            }
        })
    }
}

/// Why a request does not pass.
enum Denied {
    /// It names another host, or comes from a foreign page.
    Foreign(&'static str),
    /// It carries no token.
    NoToken,
    /// Its token is no good, or cannot be judged.
    Token(Error),
    /// Its session belongs to somebody else, or to nobody.
    Session(session::Unknown),
    /// Its token says too little.
    Scopes(StepUp),
    /// Its body hides what it calls.
    Message(tools::Refused),
}

impl Guard {
    /// The same within the time that a request has: what stands behind has its own.
    async fn admit_in_time(&self, request: &mut Request<Body>) -> Result<Owner, Denied> {
        let admitted = within(self.app.settings().limits.timeout, self.admit(request)).await;
        admitted.unwrap_or_else(|| Err(Denied::Token(Error::unavailable("the token could not be verified in time"))))
    }

    /// Makes the request what goes on; whose the sessions are that come of it.
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
        owner.enter(request.headers_mut()).map_err(Denied::Session)?;
        self.allow(request, &verified).await?;
        request.headers_mut().remove(header::AUTHORIZATION);
        request.extensions_mut().insert(Caller::new(&verified, self.challenge.clone()));
        Ok(owner)
    }

    /// Whether the token may do what the request asks for. What it lacks is told at once, of the mount and of the tools.
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
        needs.map(|_| ()).map_err(Denied::Message)
    }

    fn deny(&self, denied: Denied) -> Response {
        match denied {
            Denied::Foreign(why) => challenge::foreign(why),
            Denied::NoToken => self.challenge.no_token(),
            Denied::Token(error) => self.challenge.reject(error),
            Denied::Session(unknown) => unknown.into_response(),
            Denied::Scopes(step_up) => step_up.into_response(),
            Denied::Message(refused) => refused.into_response(),
        }
    }
}
