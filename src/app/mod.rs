//! What a request may reach: the settings, the store, the keys, the upstreams, the clock, and what this process remembers.

mod client_keys;
mod documents;
mod registrations;
mod repeats;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use moka::policy::EvictionPolicy;

use crate::clock::{Clock, ClockWatch, UnixTime};
use crate::config::settings::Settings;
use crate::fetch::Fetcher;
use crate::keys::{KeyRing, SignedLifetimes};
use crate::oauth::client::{Client, ClientId};
use crate::oauth::grant::{GrantId, Person};
use crate::oauth::name::Headline;
use crate::oauth::resource::Resource;
use crate::oauth::scope::Scopes;
use crate::secret::RootSecret;
use crate::store::{Lifetimes, Store};
use crate::upstream::Upstream;

pub(crate) use client_keys::{ClientKeys, FetchedKeys, KeySet};
pub(crate) use documents::Documents;
pub(crate) use registrations::Registrations;
pub(crate) use repeats::Repeats;

/// How far the times of two requests may be apart that wait for the same keys, in seconds: a fetch takes five at most.
const REORDER: i64 = 10;

/// Everything that flows work with; shared by all requests.
pub(crate) struct App {
    /// What was configured.
    pub settings: Settings,
    /// The database.
    pub store: Store,
    /// What seals and what signs forms.
    pub root: RootSecret,
    /// The identity providers, in the order of the settings.
    pub upstreams: Vec<Arc<Upstream>>,
    /// Fetches URLs supplied by clients.
    pub fetch: Fetcher,
    /// The clients' metadata documents that are known.
    pub documents: Documents,
    /// How many registrations nobody used.
    pub registrations: Registrations,
    /// The keys of clients that sign assertions.
    pub client_keys: ClientKeys,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The signing keys; replaced as a whole.
    pub keys: RwLock<Arc<KeyRing>>,
    /// How long what was signed may live, here and at other replicas.
    pub signed_lifetimes: RwLock<SignedLifetimes>,
    /// Watches for jumps of the clock.
    pub clock_watch: Mutex<ClockWatch>,
    /// What the guard remembers.
    pub memory: Arc<Memory>,
    /// This process's name among the replicas.
    pub replica: String,
    /// Whether the server is being stopped, so that nobody should send it new requests.
    pub is_draining: AtomicBool,
}

impl App {
    /// The signing keys as they are now.
    pub fn key_ring(&self) -> Arc<KeyRing> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another ring in place of the one that is there.
    pub fn set_key_ring(&self, ring: KeyRing) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    /// The longest life of anything that is signed; how long a retired key has to stay published.
    pub fn longest_signed(&self, now: UnixTime) -> Duration {
        self.signed_lifetimes.read().unwrap_or_else(PoisonError::into_inner).longest(now)
    }

    /// Replaces what is known of the lifetimes of signed tokens.
    pub fn set_signed_lifetimes(&self, lifetimes: SignedLifetimes) {
        *self.signed_lifetimes.write().unwrap_or_else(PoisonError::into_inner) = lifetimes;
    }

    /// Locks the watch over the clock.
    pub fn clock_watch(&self) -> MutexGuard<'_, ClockWatch> {
        self.clock_watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long what is redeemed or rotated now lives in the database.
    pub fn grant_lifetimes(&self) -> Lifetimes {
        let tokens = &self.settings.tokens;
        Lifetimes {
            idle: tokens.refresh_idle,
            access: tokens.access_lifetime + tokens.refresh_grace + Duration::from_secs(120),
        }
    }

    /// What pages call a client.
    pub fn headline(&self, client: &Client) -> Headline {
        client.headline(|outline| self.settings.clients.documents.names(outline) || self.documents.names(outline))
    }

    /// The identity provider of this name.
    pub fn upstream(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.upstreams.iter().find(|upstream| upstream.settings().name == name)
    }
}

/// The claims of an access token whose signature was checked, and who and what they name.
#[derive(Debug)]
pub struct Verified {
    /// The family that it belongs to.
    pub family: GrantId,
    /// The key that signed it.
    pub kid: String,
    /// The one resource that it is for.
    pub audience: Resource,
    /// When it expires.
    pub expires_at: UnixTime,
    /// What it may do.
    pub scopes: Scopes,
    /// The client that holds it.
    pub client: ClientId,
    /// What the client calls itself.
    pub client_name: String,
    /// The person who allowed it, as known when the token was first seen.
    pub person: Person,
}

/// What the guard remembers between calls: claims whose signature was checked, never a decision, and which families are
/// revoked, which is asked on every call.
pub(crate) struct Memory {
    /// Verified claims by the SHA-256 of the token.
    pub verified: moka::sync::Cache<[u8; 32], Arc<Verified>>,
    /// For each mount the families whose tokens came there, and when the last one of each expires.
    families: HashMap<Resource, moka::sync::Cache<GrantId, UnixTime>>,
    revoked: RwLock<HashMap<GrantId, UnixTime>>,
    polled_at: AtomicI64,
    /// Which refreshes were repeated late.
    pub repeats: Repeats,
    /// Held while the revocations are read because of a call.
    pub polling: tokio::sync::Mutex<()>,
    keys_read_at: AtomicI64,
    skew: AtomicI64,
}

/// The most tokens whose claims are remembered.
const REMEMBERED_TOKENS: u64 = 50_000;

/// How much longer than needed something is remembered, for skewed clocks and streams that notice a little later.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// The most families of a mount whose last expiry is remembered.
const REMEMBERED_FAMILIES: u64 = 50_000;

impl Memory {
    /// Nothing remembered yet.
    pub fn new(settings: &Settings) -> Self {
        let access_lifetime = settings.tokens.access_lifetime;
        let families = || {
            let families = moka::sync::Cache::builder().max_capacity(REMEMBERED_FAMILIES);
            // The newest one counts, however seldom it comes: the default would keep out what is new.
            families.eviction_policy(EvictionPolicy::lru()).time_to_live(access_lifetime + KEPT_FOR).build()
        };
        let verified = moka::sync::Cache::builder().max_capacity(REMEMBERED_TOKENS).time_to_live(access_lifetime);
        Memory {
            verified: verified.build(),
            families: settings.mounts.iter().map(|mount| (mount.resource.clone(), families())).collect(),
            revoked: RwLock::default(),
            polled_at: AtomicI64::new(0),
            repeats: Repeats::new(),
            polling: tokio::sync::Mutex::default(),
            keys_read_at: AtomicI64::new(0),
            skew: AtomicI64::new(0),
        }
    }

    /// Notes that a good token came to its mount.
    pub fn note_token(&self, token: &Verified) {
        let Some(families) = self.families.get(&token.audience) else { return };
        if families.get(&token.family).is_none_or(|latest| latest < token.expires_at) {
            families.entry(token.family).and_upsert_with(|latest| {
                latest.map_or(token.expires_at, |latest| latest.into_value().max(token.expires_at))
            });
        }
    }

    /// When the last token of the same family expires, of those that came to the same mount.
    pub fn last_expiry(&self, token: &Verified) -> UnixTime {
        let latest = self.families.get(&token.audience).and_then(|families| families.get(&token.family));
        latest.map_or(token.expires_at, |latest| latest.max(token.expires_at))
    }

    /// Whether the family is revoked, as far as this process knows.
    pub fn is_revoked(&self, family: GrantId) -> bool {
        self.revoked.read().unwrap_or_else(PoisonError::into_inner).contains_key(&family)
    }

    /// Remembers that families are revoked, each until this time and a while beyond: open streams may outlive their tokens.
    pub fn revoke(&self, families: impl IntoIterator<Item = (GrantId, UnixTime)>) {
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.extend(families);
    }

    /// Notes a good poll of the revocations, and forgets the families of which nothing can be presented any more.
    pub fn polled(&self, now: UnixTime) {
        self.polled_at.store(now.0, Ordering::SeqCst);
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.retain(|_, until| *until + KEPT_FOR > now);
    }

    /// When the revocations were last read.
    pub fn polled_at(&self) -> UnixTime {
        UnixTime(self.polled_at.load(Ordering::SeqCst))
    }

    /// Whether the keys may be read anew because of an unknown key id: at most once a second.
    pub fn may_read_keys(&self, now: UnixTime) -> bool {
        self.keys_read_at.swap(now.0, Ordering::SeqCst) != now.0
    }

    /// How far this process's clock is from the newest replica's, in seconds.
    pub fn skew(&self) -> i64 {
        self.skew.load(Ordering::SeqCst)
    }

    /// Notes the distance between the clocks.
    pub fn set_skew(&self, seconds: i64) {
        self.skew.store(seconds, Ordering::SeqCst);
    }
}
