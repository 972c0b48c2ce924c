//! How an issuer is set up, and what it remembers.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::account::Account;
use super::fault::Fault;
use super::key::{Algorithm, Key};
use crate::random;

/// How long an ID token and an access token are good for, in seconds.
pub(super) const TOKEN_LIFETIME: i64 = 3600;
/// How long a code is good for, in seconds.
pub(super) const CODE_LIFETIME: i64 = 60;
/// How many requests are remembered.
const REQUESTS_KEPT: usize = 1000;

/// How an [`Issuer`](super::Issuer) is set up. [`IssuerOptions::new`] fills in what a test does not care about.
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

/// What one running issuer is, shared by its handlers.
pub(super) struct Shared {
    pub(super) url: String,
    pub(super) client_secret: String,
    pub(super) options: IssuerOptions,
    pub(super) memory: Mutex<Memory>,
}

#[derive(Default)]
pub(super) struct Memory {
    /// The newest first.
    pub(super) keys: Vec<Key>,
    pub(super) redirect_uris: Vec<String>,
    pub(super) fault: Option<Fault>,
    pub(super) account: Option<Account>,
    pub(super) codes: HashMap<String, Code>,
    /// By access token, until they expire.
    pub(super) access: HashMap<String, Access>,
    pub(super) requests: VecDeque<ReceivedRequest>,
}

/// Whom an access token stands for.
pub(super) struct Access {
    pub(super) account: Account,
    pub(super) expires_at: i64,
}

/// What a code stands for.
pub(super) struct Code {
    pub(super) account: Account,
    pub(super) auth_time: i64,
    pub(super) nonce: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) scope: String,
    pub(super) expires_at: i64,
}

impl Shared {
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.memory().fault.clone()
    }

    pub(super) fn now(&self) -> i64 {
        (self.options.clock)()
    }

    pub(super) fn remember(&self, request: ReceivedRequest) {
        let requests = &mut self.memory().requests;
        if requests.len() == REQUESTS_KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }
}

/// A random value that nobody guesses.
pub(super) fn secret() -> String {
    random::text::<32>()
}
