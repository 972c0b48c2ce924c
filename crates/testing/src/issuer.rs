//! A small OpenID Connect provider on loopback that signs in anyone who types a name, and that misbehaves when told to.
//!
//! It stands in for somebody else's provider, so it shares no rule with the side that it tests, and it signs by itself. It owns
//! its listener, keys, codes and login page, and keeps all of it in memory. It implements the authorization code flow with PKCE:
//! OpenID Connect Core 1.0 sections 3.1 and 5.3, Discovery 1.0 section 4, RFC 7636 (S256 only) and RFC 9207.
//!
//! Each [`Fault`] is one way in which providers, or those who pose as one, break the rules.

mod authorize;
mod metadata;
mod signing;
#[cfg(test)]
mod tests;
mod token;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::form::Form;
use crate::random;

pub use signing::Algorithm;
use signing::Key;

/// How long an ID token and an access token are good for, in seconds.
const TOKEN_LIFETIME: i64 = 3600;
/// How long a code is good for, in seconds.
const CODE_LIFETIME: i64 = 60;
/// How many requests are remembered.
const REQUESTS_KEPT: usize = 1000;
/// How large a form may be, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// A running provider; dropping it stops it.
pub struct Issuer {
    shared: Arc<Shared>,
    /// Dropped with the issuer, which ends the server.
    _stop: oneshot::Sender<()>,
}

/// How an [`Issuer`] is set up. [`IssuerOptions::new`] fills in what a test does not care about.
#[derive(Clone)]
pub struct IssuerOptions {
    /// Where to listen, on loopback; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The time by which it goes: whole seconds since 1970, as in its tokens.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// The one client.
    pub client_id: String,
    /// The client's secret; a random one where none is given.
    pub client_secret: Option<String>,
    /// The client's redirect URIs, compared exactly.
    pub redirect_uris: Vec<String>,
    /// `token_endpoint_auth_methods_supported` of the discovery document; left out where empty.
    pub advertised_methods: Vec<&'static str>,
    /// The methods that the token endpoint takes: `client_secret_basic`, `client_secret_post` or both.
    pub accepted_methods: Vec<&'static str>,
    /// What its keys sign with.
    pub algorithm: Algorithm,
}

impl IssuerOptions {
    /// A free port of 127.0.0.1, the client `jean` with both ways to authenticate, ES256. `clock` gives the seconds since
    /// 1970.
    pub fn new(clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        IssuerOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Arc::new(clock),
            client_id: "jean".into(),
            client_secret: None,
            redirect_uris: Vec::new(),
            advertised_methods: vec!["client_secret_basic", "client_secret_post"],
            accepted_methods: vec!["client_secret_basic", "client_secret_post"],
            algorithm: Algorithm::Es256,
        }
    }
}

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// `sub`.
    pub sub: String,
    /// `name`.
    pub name: Option<String>,
    /// `email`.
    pub email: Option<String>,
    /// `email_verified`, in whatever shape.
    pub email_verified: Option<Value>,
    /// Claims of the ID token beside these; they overrule every other.
    pub claims: Map<String, Value>,
}

impl Account {
    /// The account of someone who types this name: its `sub` and email follow from the name, and the email is verified.
    pub fn named(name: &str) -> Self {
        let sub = authorize::slug(name);
        Account {
            email: Some(format!("{sub}@example.com")),
            email_verified: Some(Value::Bool(true)),
            name: Some(name.to_owned()),
            claims: Map::new(),
            sub,
        }
    }

    /// The same with one more claim, or another value for one.
    #[must_use]
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(claim.to_owned(), value.into());
        self
    }
}

/// One way to break the rules.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The ID token has the nonce of another login.
    WrongNonce,
    /// The ID token has no nonce.
    NoNonce,
    /// The ID token is for another client.
    WrongAudience,
    /// The ID token is for this client and another, and does not say which one asked.
    ExtraAudienceWithoutAzp,
    /// The ID token is for this client and another, and the other one asked.
    ExtraAudienceWithWrongAzp,
    /// The ID token names another issuer.
    WrongIssuer,
    /// The discovery document names another issuer.
    WrongIssuerInDiscovery,
    /// The discovery document names a token endpoint on http, not on loopback.
    InsecureEndpointInDiscovery,
    /// The authorization response names another issuer (RFC 9207).
    WrongIssuerInCallback,
    /// The ID token has expired.
    Expired,
    /// The ID token is from ten minutes ahead.
    IssuedInFuture,
    /// The ID token is valid from ten minutes ahead only.
    ValidInFuture,
    /// The ID token names nobody: its `sub` is empty.
    EmptySubject,
    /// The token response says that the access token is of this type.
    TokenType(String),
    /// The ID token has `alg` `none` and no signature.
    AlgNone,
    /// The ID token has a good claim set and a signature over another one.
    WrongSignature,
    /// The ID token has an HMAC whose key is the public key.
    Hs256WithPublicKey,
    /// The ID token has an HMAC whose key is the client secret.
    Hs256WithClientSecret,
    /// The ID token is signed by a key that is not in the key set.
    UnknownKey,
    /// The token response has no ID token.
    NoIdToken,
    /// The key set holds a key of a type that nobody knows; everything else is well.
    UnknownKeyTypeInJwks,
    /// The ID token lacks the email, which the UserInfo endpoint tells.
    EmailOnlyAtUserinfo,
    /// The same, and the UserInfo endpoint speaks of somebody else.
    OtherSubjectAtUserinfo,
    /// The same, and the UserInfo endpoint answers 500.
    UserinfoDown,
    /// The token endpoint answers with this error code.
    TokenError(String),
    /// The authorization endpoint answers with this error code and description.
    AuthorizeError(String, String),
    /// All that a client asks directly is answered this much later.
    Slow(Duration),
    /// Every answer is a 500.
    Down,
    /// All that a client asks directly is answered with two megabytes.
    HugeBody,
    /// All that a client asks directly is answered with a page.
    NotJson,
    /// All that a client asks directly is answered with a redirect to `/elsewhere`.
    Redirects,
}

/// A request that reached the issuer.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    /// The path: `/authorize`, `/token`, `/jwks` and so on.
    pub path: String,
    /// The parameters of the query and of a form.
    pub parameters: Vec<(String, String)>,
    /// The Authorization header.
    pub authorization: Option<String>,
}

impl ReceivedRequest {
    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Issuer {
    /// Starts one on the current Tokio runtime.
    ///
    /// # Errors
    /// Where the address is not on loopback or is taken.
    ///
    /// # Panics
    /// Where the operating system has no randomness to give.
    pub async fn start(options: IssuerOptions) -> std::io::Result<Issuer> {
        if !options.listen.ip().is_loopback() {
            let reason = "this issuer knows no passwords, so it listens on loopback only";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, reason));
        }
        let listener = TcpListener::bind(options.listen).await?;
        let shared = Arc::new(Shared {
            url: format!("http://{}", listener.local_addr()?),
            client_secret: options.client_secret.clone().unwrap_or_else(secret),
            memory: Mutex::new(Memory {
                keys: vec![Key::generate(options.algorithm)],
                redirect_uris: options.redirect_uris.clone(),
                ..Memory::default()
            }),
            options,
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router(Arc::clone(&shared))).with_graceful_shutdown(async move {
            let _ = stopped.await;
        });
        tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the dev issuer stopped");
            }
        });
        Ok(Issuer { shared, _stop: stop })
    }

    /// The issuer identifier: `http://127.0.0.1:8081`.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// The one client's id.
    pub fn client_id(&self) -> &str {
        &self.shared.options.client_id
    }

    /// The one client's secret.
    pub fn client_secret(&self) -> &str {
        &self.shared.client_secret
    }

    /// Lets the client use one more redirect URI.
    pub fn allow_redirect_uri(&self, uri: impl Into<String>) {
        self.shared.memory().redirect_uris.push(uri.into());
    }

    /// Breaks a rule from now on, or none.
    pub fn misbehave(&self, fault: impl Into<Option<Fault>>) {
        self.shared.memory().fault = fault.into();
    }

    /// From now on signs this account in without asking, or shows the login page again.
    pub fn sign_in_as(&self, account: impl Into<Option<Account>>) {
        self.shared.memory().account = account.into();
    }

    /// Signs with a new key from now on; the last two are in the key set.
    ///
    /// # Panics
    /// Where the operating system has no randomness to give.
    pub fn rotate_key(&self) {
        let key = Key::generate(self.shared.options.algorithm);
        let mut memory = self.shared.memory();
        memory.keys.insert(0, key);
        memory.keys.truncate(2);
    }

    /// The requests so far, the oldest first.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.memory().requests.iter().cloned().collect()
    }

    /// The requests to one path so far.
    pub fn requests_to(&self, path: &str) -> Vec<ReceivedRequest> {
        self.requests().into_iter().filter(|request| request.path == path).collect()
    }
}

struct Shared {
    url: String,
    client_secret: String,
    options: IssuerOptions,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// The newest first.
    keys: Vec<Key>,
    redirect_uris: Vec<String>,
    fault: Option<Fault>,
    account: Option<Account>,
    codes: HashMap<String, Code>,
    /// By access token, until they expire.
    access: HashMap<String, Access>,
    requests: VecDeque<ReceivedRequest>,
}

/// Whom an access token stands for.
struct Access {
    account: Account,
    expires_at: i64,
}

/// What a code stands for.
struct Code {
    account: Account,
    auth_time: i64,
    nonce: String,
    redirect_uri: String,
    challenge: String,
    scope: String,
    expires_at: i64,
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self) -> Option<Fault> {
        self.memory().fault.clone()
    }

    fn now(&self) -> i64 {
        (self.options.clock)()
    }

    fn remember(&self, request: ReceivedRequest) {
        let requests = &mut self.memory().requests;
        if requests.len() == REQUESTS_KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let direct = Router::new()
        .route("/.well-known/openid-configuration", get(metadata::discovery))
        .route("/jwks", get(metadata::jwks))
        .route("/token", axum::routing::post(token::token))
        .route("/userinfo", get(token::userinfo).post(token::userinfo))
        .layer(from_fn_with_state(Arc::clone(&shared), disturb));
    Router::new()
        .route("/authorize", get(authorize::page).post(authorize::answer))
        .route("/style.css", get(authorize::style))
        .merge(direct)
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(from_fn_with_state(Arc::clone(&shared), remember))
        .with_state(shared)
}

/// Notes the request for [`Issuer::requests`].
async fn remember(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_FORM).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut parameters = Form::parse(parts.uri.query().unwrap_or_default().as_bytes()).0;
    parameters.extend(Form::parse(&body).0);
    shared.remember(ReceivedRequest {
        path: parts.uri.path().to_owned(),
        parameters,
        authorization: header_text(&parts.headers, header::AUTHORIZATION),
    });
    if shared.fault() == Some(Fault::Down) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// The faults that do not care what was asked.
async fn disturb(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.fault() {
        Some(Fault::Slow(delay)) => tokio::time::sleep(delay).await,
        Some(Fault::HugeBody) => return answer_json(StatusCode::OK, &json!({ "filler": "x".repeat(2 << 20) })),
        Some(Fault::NotJson) => return ([(header::CONTENT_TYPE, "text/html")], "<p>Just a moment...").into_response(),
        Some(Fault::Redirects) => return (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        _ => {}
    }
    next.run(request).await
}

fn answer_json(status: StatusCode, body: &Value) -> Response {
    let headers: [(HeaderName, &str); 2] =
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

fn header_text(headers: &axum::http::HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// A random value that nobody guesses.
fn secret() -> String {
    random::text::<32>()
}
