//! The guard as a tower layer, and a service with the guard in front of it.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service};
use tower_http::cors::{Cors, CorsLayer};

use super::admit::Guard;
use super::{origin, stream};
use crate::config::settings::Mount;
use crate::flow::app::App;
use crate::wire::rest;

/// The guard of one mount, as a tower layer. Requests that pass have a [`Caller`](crate::Caller) in their extensions and no
/// Authorization header. Made by [`Jean::layer`](crate::Jean::layer). It also answers browsers' preflights (CORS), which
/// carry no token.
#[derive(Clone)]
pub struct GuardLayer {
    guard: Arc<Guard>,
    cors: CorsLayer,
}

impl GuardLayer {
    pub(crate) fn new(app: Arc<App>, mount: &Mount) -> Self {
        let guard = Guard::new(app, mount);
        let cors = origin::cors(guard.origins.clone());
        GuardLayer { guard: Arc::new(guard), cors }
    }
}

impl fmt::Debug for GuardLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardLayer").field("mount", &self.guard.mount.name).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded(self.cors.layer(Behind { guard: self.guard.clone(), inner }))
    }
}

/// A service with a guard in front of it. Made by [`Jean::guard`](crate::Jean::guard) or a [`GuardLayer`].
#[derive(Clone)]
pub struct Guarded<S>(Cors<Behind<S>>);

impl<S> fmt::Debug for Guarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = <Cors<Behind<S>> as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.call(origin::keep_known_headers(request))
    }
}

/// A service that gets only the requests that pass the guard.
#[derive(Clone)]
pub struct Behind<S> {
    guard: Arc<Guard>,
    inner: S,
}

impl<S> Service<Request<Body>> for Behind<S>
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
        // The instance that was polled ready must be the one that is called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            let kind = stream::Kind::of(&request);
            match guard.admit_in_time(&mut request).await {
                Ok(owner) => {
                    let mut response = inner.call(request).await?.into_response();
                    owner.wrap_id(response.headers_mut());
                    Ok(stream::limit(&guard.app, owner.into_verified(), kind, response))
                }
                Err(denied) => Ok(rest::drain(request.into_body(), guard.deny(denied)).await),
            }
        })
    }
}
