//! The guard: a bearer token in, a [`Caller`] out; else the challenge that leads a client to its token.
//!
//! RFC 6750 section 3, RFC 9728 section 5.1, and the authorization section of the MCP specification. The order: Host and
//! Origin (DNS rebinding), the token, the scopes. The token itself goes no further.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header, request};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tower::{Layer as _, Service};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use crate::app::App;
use crate::clock::UnixTime;
use crate::config::settings::{Mount, Settings};
use crate::flow::discovery;
use crate::flow::verify::{self, Audience};
use crate::http::{Logged, bearer};
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::resource::is_loopback;
use crate::oauth::scope::Scopes;

/// Who is calling: the person, the client that acts for them, and what it may do. Found in the extensions of every
/// request that passed the guard.
#[derive(Clone, Debug)]
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
}

impl Caller {
    /// Whether the token may do what this scope stands for.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

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
    let guard = Arc::new(Guard { app, mount });
    let origins = guard.clone();
    let allowed = move |origin: &HeaderValue, _: &request::Parts| {
        origin.to_str().is_ok_and(|origin| origins.allows_origin(origin))
    };
    let names = |names: &[&'static str]| names.iter().copied().map(HeaderName::from_static).collect::<Vec<_>>();
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(names(&[
            "authorization",
            "content-type",
            "accept",
            "last-event-id",
            "mcp-protocol-version",
            "mcp-session-id",
            "mcp-method",
            "mcp-name",
        ]))
        .expose_headers(names(&["www-authenticate", "mcp-session-id", "retry-after"]))
        .max_age(Duration::from_secs(3600))
        .layer(Guarded { guard, inner })
}

/// The guard of one mount.
struct Guard {
    app: Arc<App>,
    mount: Mount,
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
            match guard.admit(request.uri(), request.headers()).await {
                Ok(caller) => {
                    request.headers_mut().remove(header::AUTHORIZATION);
                    request.extensions_mut().insert(caller);
                    inner.call(request).await.map(IntoResponse::into_response)
                }
                Err(denied) => Ok(guard.deny(denied)),
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
    /// Its token is no good, says too little, or cannot be judged.
    Token(Error),
}

impl Guard {
    async fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<Caller, Denied> {
        let settings = &self.app.settings;
        if !is_our_host(settings, uri, headers) {
            return Err(Denied::Foreign("The Host header does not name this server: call it by its public URL."));
        }
        if let Some(origin) = headers.get(header::ORIGIN)
            && !origin.to_str().is_ok_and(|origin| self.allows_origin(origin))
        {
            return Err(Denied::Foreign("Pages of this origin may not call this server."));
        }
        let token = bearer(headers).map_err(Denied::Token)?.ok_or(Denied::NoToken)?;
        let (now, audience) = (self.app.clock.now(), Audience::Only(&self.mount.resource));
        let verified = verify::verify(&self.app, token, audience, now).await.map_err(Denied::Token)?;
        if !self.mount.required_scopes.is_subset(&verified.scopes) {
            let description = "The access token does not allow this.";
            return Err(Denied::Token(Error::new(ErrorCode::InsufficientScope, description)));
        }
        let person = &verified.person;
        Ok(Caller {
            subject: person.id.to_string(),
            name: person.name.clone(),
            email: person.email.clone(),
            email_verified: person.email_verified,
            client_id: verified.client.to_string(),
            client_name: verified.client_name.clone(),
            scopes: verified.scopes.to_vec(),
            expires_at: verified.expires_at,
        })
    }

    /// Our own pages, those on this computer, and what the operator allowed.
    fn allows_origin(&self, origin: &str) -> bool {
        let is_local =
            || Url::parse(origin).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && is_loopback(&url));
        origin == self.app.settings.issuer.origin()
            || self.mount.allowed_origins.iter().any(|allowed| allowed == origin)
            || is_local()
    }

    fn deny(&self, denied: Denied) -> Response {
        let (status, error) = match denied {
            Denied::Foreign(why) => (StatusCode::FORBIDDEN, Error::new(ErrorCode::AccessDenied, why)),
            Denied::NoToken => {
                let error = Error::new(ErrorCode::InvalidToken, "An access token is needed: see WWW-Authenticate.");
                return self.answer(StatusCode::UNAUTHORIZED, error, Some(self.challenge(None)));
            }
            Denied::Token(error) => {
                (StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::UNAUTHORIZED), error)
            }
        };
        let challenge = match error.code {
            ErrorCode::InvalidToken | ErrorCode::InsufficientScope | ErrorCode::InvalidRequest => {
                Some(self.challenge(Some(&error)))
            }
            _ => None,
        };
        self.answer(status, error, challenge)
    }

    fn answer(&self, status: StatusCode, error: Error, challenge: Option<String>) -> Response {
        let body = json!({ "error": error.code.as_str(), "error_description": error.description });
        let mut response = (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response();
        if let Some(challenge) = challenge.and_then(|challenge| HeaderValue::from_str(&challenge).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(Logged(Arc::new(error)));
        response
    }

    /// The challenge (RFC 6750 section 3, RFC 9728 section 5.1). A request that carried no token is told no error.
    fn challenge(&self, error: Option<&Error>) -> String {
        let mut parameters = Vec::new();
        if let Some(error) = error {
            parameters.push(("error", error.code.as_str().to_owned()));
            parameters.push(("error_description", error.description.to_string()));
        }
        parameters.push(("resource_metadata", discovery::protected_resource_url(&self.app.settings, &self.mount)));
        let scopes = match error {
            Some(error) if error.code == ErrorCode::InsufficientScope => self.mount.required_scopes.clone(),
            _ => discovery::challenge_scopes(&self.mount),
        };
        if scopes != Scopes::default() {
            parameters.push(("scope", scopes.to_string()));
        }
        let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        format!("Bearer {}", parameters.join(", "))
    }
}

/// Whether the request names the host of the public URL, with or without its default port.
fn is_our_host(settings: &Settings, uri: &Uri, headers: &HeaderMap) -> bool {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(named) = named.or_else(|| uri.authority().map(|authority| authority.as_str())) else { return false };
    let ours = settings.issuer.authority();
    let default_port = if settings.issuer.is_https() { ":443" } else { ":80" };
    named.eq_ignore_ascii_case(&ours) || named.eq_ignore_ascii_case(&format!("{ours}{default_port}"))
}
