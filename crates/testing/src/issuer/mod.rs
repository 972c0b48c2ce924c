//! A small OpenID Connect provider on loopback that signs in anyone who types a name, and that misbehaves when told to.
//!
//! It stands in for a real provider, so it shares no code with the side that it tests, and it signs by itself. It owns its
//! listener, keys, codes and login page, and keeps all of it in memory. It implements the authorization code flow with
//! PKCE: OpenID Connect Core 1.0 sections 3.1 and 5.3, Discovery 1.0 section 4, RFC 7636 (S256 only) and RFC 9207.
//!
//! Each [`Fault`] is one way in which providers, or those who pose as one, break the rules.

mod account;
mod answer;
mod authorize;
mod fault;
mod key;
mod metadata;
mod signing;
mod state;
#[cfg(test)]
mod tests;
mod token;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use account::Account;
use answer::header_text;
pub use fault::Fault;
pub use key::Algorithm;
use key::Key;
pub use state::{IssuerOptions, ReceivedRequest};
use state::{Memory, Shared, secret};

use crate::form::Form;

/// How large a form may be, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// A running provider; dropping it stops it.
pub struct Issuer {
    shared: Arc<Shared>,
    /// Dropped with the issuer, which ends the server.
    _stop: oneshot::Sender<()>,
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

fn router(shared: Arc<Shared>) -> Router {
    let direct = Router::new()
        .route("/.well-known/openid-configuration", get(metadata::discovery))
        .route("/jwks", get(metadata::jwks))
        .route("/token", axum::routing::post(token::token))
        .route("/userinfo", get(token::userinfo).post(token::userinfo))
        .layer(from_fn_with_state(Arc::clone(&shared), disturb));
    Router::new()
        .route("/authorize", get(authorize::page).post(authorize::sign_in))
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
        Some(Fault::HugeBody) => return answer::json(StatusCode::OK, &json!({ "filler": "x".repeat(2 << 20) })),
        Some(Fault::NotJson) => return ([(header::CONTENT_TYPE, "text/html")], "<p>Just a moment...").into_response(),
        Some(Fault::Redirects) => return (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        _ => {}
    }
    next.run(request).await
}
