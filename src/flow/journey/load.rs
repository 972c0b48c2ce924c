//! Loads a journey for one step: its row, its binding to a browser, and its request.
//!
//! A journey has a row, and its browser has a cookie with 256 random bits. State, nonce and PKCE verifier of each attempt
//! are computed from the cookie, and only their hashes are stored: neither the database nor a stolen callback URL can
//! complete a login.
//!
//! Each journey has a cookie of its own, so several can go on in one browser; it keeps those of the newest few.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::error::Error;
use crate::oauth::grant::RowId;
use crate::oauth::token::TokenHash;
use crate::random;
use crate::store::{Bounds, LoginRow, Stage};
use crate::upstream::Attempt;

use super::form::LOGIN_LIFETIME;
use super::reply::{Rejection, Reply};
use super::request::{self, AuthorizationRequest};

/// The 256 random bits that bind a journey to its browser, in base64url: the cookie's value.
#[derive(Clone)]
pub(crate) struct Binding(String);

impl Binding {
    fn new() -> Self {
        Binding(random::text::<32>())
    }

    pub(crate) fn from_cookie(value: &str) -> Self {
        Binding(value.to_owned())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }

    fn derive(&self, purpose: &str, attempt: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, format!("{purpose}/{attempt}").as_bytes()))
    }

    fn state(&self, id: RowId, attempt: i64) -> String {
        format!("{id}.{}", self.derive("state", attempt))
    }
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Binding(redacted)")
    }
}

/// A journey's row, with the verified binding to the browser that began it.
pub(crate) struct Bound {
    row: LoginRow,
    binding: Binding,
}

impl Bound {
    /// Verifies that the binding is that of the row.
    pub(crate) fn new(row: LoginRow, binding: Binding) -> Option<Self> {
        binding.hash().matches(&row.cookie_hash).then_some(Bound { row, binding })
    }

    /// A new row in stage `allowed`, with a new random binding.
    pub(crate) fn begin(id: RowId, request: &AuthorizationRequest, upstream: &str, now: UnixTime) -> Self {
        let binding = Binding::new();
        let row = LoginRow {
            id,
            stage: Stage::Allowed { notice: String::new() },
            request: request.raw.clone(),
            bounds: Some(request.bounds()),
            client: request.client.id.clone(),
            upstream: upstream.to_owned(),
            attempt: 0,
            state_hash: TokenHash::of(binding.state(id, 0).as_bytes()),
            cookie_hash: binding.hash(),
            created_at: now,
            expires_at: now + LOGIN_LIFETIME,
        };
        Bound { row, binding }
    }

    /// The same journey with its next attempt, at this upstream.
    pub(crate) fn with_next_attempt(&self, upstream: &str) -> Self {
        let Bound { row, binding } = self;
        let attempt = row.attempt + 1;
        let state_hash = TokenHash::of(binding.state(row.id, attempt).as_bytes());
        let row = LoginRow { attempt, state_hash, upstream: upstream.to_owned(), ..row.clone() };
        Bound { row, binding: binding.clone() }
    }

    pub(crate) fn row(&self) -> &LoginRow {
        &self.row
    }

    pub(crate) fn binding(&self) -> &Binding {
        &self.binding
    }

    /// What the request demands of the sign-in: taken from the row, or from the request if an older version wrote the row.
    /// Fails if that request is no longer valid: its demands are then unknown, and the journey cannot succeed.
    pub(crate) async fn bounds(&self, app: &App, now: UnixTime) -> Result<Bounds, Rejection> {
        match self.row.bounds {
            Some(bounds) => Ok(bounds),
            None => request::parse(app, &self.row.request, now).await.map(|request| request.bounds()),
        }
    }

    /// The current attempt at the upstream.
    pub(crate) fn attempt(&self, bounds: Bounds) -> Attempt {
        let Bound { row, binding } = self;
        Attempt {
            state: binding.state(row.id, row.attempt),
            nonce: binding.derive("nonce", row.attempt),
            pkce_verifier: binding.derive("pkce", row.attempt),
            select_account: false,
            login: bounds.prompt.login.then_some(row.created_at),
            max_age: bounds.max_age,
        }
    }
}

pub(crate) enum Purpose {
    /// To answer an authorization request.
    Authorize(Box<AuthorizationRequest>),
}

pub(crate) struct Journey {
    pub(crate) bound: Bound,
    pub(crate) purpose: Purpose,
}

/// The outcome of [`Journey::load`].
pub(crate) enum Loaded {
    Journey(Journey),
    /// The journey exists, but its request is no longer valid.
    Rejected(Rejection),
    /// There is no such journey, it belongs to another browser, or it is over.
    Unknown,
}

impl Journey {
    /// Loads the row, verifies that this browser began the journey, and parses its request again.
    pub(crate) async fn load(app: &App, id: RowId, binding: Option<Binding>, now: UnixTime) -> Result<Loaded, Error> {
        let Some(binding) = binding else { return Ok(Loaded::Unknown) };
        let row = app.store.find_login(id, now).await?;
        let Some(bound) = row.and_then(|row| Bound::new(row, binding)) else { return Ok(Loaded::Unknown) };
        Ok(match request::parse(app, &bound.row.request, now).await {
            Ok(request) => Loaded::Journey(Journey { bound, purpose: Purpose::Authorize(Box::new(request)) }),
            Err(rejection) => Loaded::Rejected(rejection),
        })
    }

    /// How the client gets the result.
    pub(crate) fn reply(&self) -> Reply<'_> {
        let Purpose::Authorize(request) = &self.purpose;
        Reply::Redirect(&request.return_to)
    }
}
