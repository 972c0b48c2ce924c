//! What flows work with: the settings, the store, the keys, the upstreams, the clock, and what this process remembers.
//!
//! Only flows see the fields of [`App`]: `http` and `mcp` call flows, and never the store.

mod client_keys;
mod documents;
mod memory;
mod registrations;
mod repeats;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock::{Clock, ClockWatch, UnixTime};
use crate::config::settings::Settings;
use crate::fetch::Fetcher;
use crate::keys::{Horizon, KeyRing, SignedLifetimes};
use crate::oauth::client::Client;
use crate::oauth::client_id::ClientId;
use crate::oauth::name::Headline;
use crate::random;
use crate::secret::RootSecret;
use crate::store::{Lifetimes, Store};
use crate::upstream::Upstream;

pub(crate) use client_keys::{ClientKeys, FetchedKeys, KeySet};
pub(crate) use documents::Documents;
pub(crate) use memory::{Memory, Verified};
pub(crate) use registrations::Registrations;

/// Input of [`App::new`].
pub(crate) struct Parts {
    pub settings: Settings,
    pub store: Store,
    /// Seals private keys, and signs form tokens and session ids.
    pub root: RootSecret,
    /// The identity providers, in the order of the settings.
    pub upstreams: Vec<Arc<Upstream>>,
    /// Fetches URLs supplied by clients.
    pub fetch: Fetcher,
    pub clock: Arc<dyn Clock>,
    /// Watches for jumps of the clock.
    pub clock_watch: ClockWatch,
    /// How long what was signed may live, here and at other replicas.
    pub signed_lifetimes: SignedLifetimes,
}

/// Everything that flows work with. All requests share it.
pub(crate) struct App {
    pub(in crate::flow) settings: Settings,
    pub(in crate::flow) store: Store,
    /// Seals private keys, and signs form tokens and session ids.
    pub(in crate::flow) root: RootSecret,
    /// The identity providers, in the order of the settings.
    pub(in crate::flow) upstreams: Vec<Arc<Upstream>>,
    /// Fetches URLs supplied by clients.
    pub(in crate::flow) fetch: Fetcher,
    /// The clients' metadata documents that this process knows.
    pub(in crate::flow) documents: Documents,
    /// The number of unused registrations.
    pub(in crate::flow) registrations: Registrations,
    /// The key sets of clients that sign assertions.
    pub(in crate::flow) client_keys: ClientKeys,
    pub(in crate::flow) clock: Arc<dyn Clock>,
    /// The signing keys; replaced as a whole.
    pub(in crate::flow) keys: RwLock<Arc<KeyRing>>,
    /// How long what was signed may live, here and at other replicas.
    pub(in crate::flow) signed_lifetimes: RwLock<SignedLifetimes>,
    /// Watches for jumps of the clock.
    pub(in crate::flow) clock_watch: Mutex<ClockWatch>,
    /// What the guard remembers between calls.
    pub(in crate::flow) memory: Arc<Memory>,
    /// This process's name among the replicas.
    pub(in crate::flow) replica: String,
    /// Whether the server is stopping, so that load balancers should send it no new requests.
    pub(in crate::flow) is_draining: AtomicBool,
}

impl App {
    /// An app that has loaded nothing yet, and the receiver of clients whose documents must be fetched again.
    pub(crate) fn new(parts: Parts) -> (Self, mpsc::Receiver<ClientId>) {
        let Parts { settings, store, root, upstreams, fetch, clock, clock_watch, signed_lifetimes } = parts;
        let (documents, stale) = Documents::new();
        let app = App {
            memory: Arc::new(Memory::new(&settings)),
            settings,
            store,
            root,
            upstreams,
            fetch,
            documents,
            registrations: Registrations::default(),
            client_keys: ClientKeys::new(),
            clock,
            keys: Arc::new(KeyRing::default()).into(),
            signed_lifetimes: RwLock::new(signed_lifetimes),
            clock_watch: Mutex::new(clock_watch),
            replica: random::text::<9>(),
            is_draining: AtomicBool::new(false),
        };
        (app, stale)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Announces the stop: from now on load balancers should send no new requests.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    pub(in crate::flow) fn key_ring(&self) -> Arc<KeyRing> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(in crate::flow) fn set_key_ring(&self, ring: KeyRing) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    /// Until when a retired key has to stay published.
    pub(in crate::flow) fn horizon(&self, now: UnixTime) -> Horizon {
        let longest = self.signed_lifetimes.read().unwrap_or_else(PoisonError::into_inner).longest(now);
        Horizon { now, longest }
    }

    pub(in crate::flow) fn set_signed_lifetimes(&self, lifetimes: SignedLifetimes) {
        *self.signed_lifetimes.write().unwrap_or_else(PoisonError::into_inner) = lifetimes;
    }

    pub(in crate::flow) fn clock_watch(&self) -> MutexGuard<'_, ClockWatch> {
        self.clock_watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a grant that is redeemed or rotated now stays in the database.
    pub(in crate::flow) fn grant_lifetimes(&self) -> Lifetimes {
        let tokens = &self.settings.tokens;
        Lifetimes {
            idle: tokens.refresh_idle,
            access: tokens.access_lifetime + tokens.refresh_grace + Duration::from_secs(120),
        }
    }

    /// What pages call a client.
    pub(crate) fn headline(&self, client: &Client) -> Headline {
        client.headline(|outline| self.settings.clients.documents.names(outline) || self.documents.names(outline))
    }

    /// Whether the last discovery of this upstream succeeded.
    pub(crate) fn is_answering(&self, upstream: &str) -> bool {
        self.upstream(upstream).is_some_and(|upstream| upstream.is_answering())
    }

    pub(in crate::flow) fn upstream(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.upstreams.iter().find(|upstream| upstream.settings().name == name)
    }
}
