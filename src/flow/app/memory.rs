//! What the guard remembers between calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use moka::policy::EvictionPolicy;

use super::repeats::Repeats;
use crate::clock::UnixTime;
use crate::config::settings::Settings;
use crate::oauth::client_id::ClientId;
use crate::oauth::grant::{GrantId, Person};
use crate::oauth::resource::Resource;
use crate::oauth::scope::Scopes;
use crate::store::Revoked;

/// The claims of an access token with a verified signature, and the person and client that they name.
#[derive(Debug)]
#[cfg_attr(feature = "testing", derive(Clone))]
pub(crate) struct Verified {
    pub family: GrantId,
    /// The id of the key that signed it.
    pub kid: String,
    /// The one resource that the token is for.
    pub audience: Resource,
    /// `jti`.
    pub id: String,
    pub issued_at: UnixTime,
    pub expires_at: UnixTime,
    pub scopes: Scopes,
    /// The client that holds the token.
    pub client: ClientId,
    /// The client's own name for itself, or its id.
    pub client_name: String,
    /// The person who allowed it, as stored when the token was first verified.
    pub person: Person,
}

/// What the guard remembers between calls: verified claims, never a decision, and the revoked families, which every call
/// looks up.
pub(crate) struct Memory {
    /// Verified claims by the SHA-256 of the token.
    pub verified: moka::sync::Cache<[u8; 32], Arc<Verified>>,
    /// For each mount, the families whose tokens were used there, and when the last token of each expires.
    families: HashMap<Resource, moka::sync::Cache<GrantId, UnixTime>>,
    revoked: RwLock<HashMap<GrantId, UnixTime>>,
    polled_at: AtomicI64,
    /// The families with late repeats.
    pub repeats: Repeats,
    /// Held while a call polls the revocations.
    pub polling: tokio::sync::Mutex<()>,
    keys_read_at: AtomicI64,
    skew: AtomicI64,
}

/// The most tokens whose claims are remembered.
const REMEMBERED_TOKENS: u64 = 50_000;

/// How much longer than needed entries are remembered, for skewed clocks and streams that notice a little later.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// The most families of one mount whose last expiry is remembered.
const REMEMBERED_FAMILIES: u64 = 50_000;

impl Memory {
    pub(crate) fn new(settings: &Settings) -> Self {
        let access_lifetime = settings.tokens.access_lifetime;
        let families = || {
            let families = moka::sync::Cache::builder().max_capacity(REMEMBERED_FAMILIES);
            // Keep the newest family, even if it is rarely used: the default policy would reject new ones.
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

    /// Notes that a valid token was used at its mount.
    pub(crate) fn note_token(&self, token: &Verified) {
        let Some(families) = self.families.get(&token.audience) else { return };
        if families.get(&token.family).is_none_or(|latest| latest < token.expires_at) {
            families.entry(token.family).and_upsert_with(|latest| {
                latest.map_or(token.expires_at, |latest| latest.into_value().max(token.expires_at))
            });
        }
    }

    /// When the last token of the same family that was used at the same mount expires.
    pub(crate) fn last_expiry(&self, token: &Verified) -> UnixTime {
        let latest = self.families.get(&token.audience).and_then(|families| families.get(&token.family));
        latest.map_or(token.expires_at, |latest| latest.max(token.expires_at))
    }

    /// Whether the family is revoked, as far as this process knows.
    pub(crate) fn is_revoked(&self, family: GrantId) -> bool {
        self.revoked.read().unwrap_or_else(PoisonError::into_inner).contains_key(&family)
    }

    /// Remembers revoked families, each for as long as needed and a while longer: open streams may outlive their tokens.
    pub(crate) fn revoke(&self, families: impl IntoIterator<Item = Revoked>) {
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.extend(families.into_iter().map(|Revoked { family, until }| (family, until)));
    }

    /// Notes a successful poll of the revocations, and forgets the families whose tokens have all expired.
    pub(crate) fn polled(&self, now: UnixTime) {
        self.polled_at.store(now.0, Ordering::SeqCst);
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.retain(|_, until| *until + KEPT_FOR > now);
    }

    /// When the revocations were last polled.
    pub(crate) fn polled_at(&self) -> UnixTime {
        UnixTime(self.polled_at.load(Ordering::SeqCst))
    }

    /// Whether an unknown key id may cause the keys to be loaded again: at most once a second.
    pub(crate) fn may_read_keys(&self, now: UnixTime) -> bool {
        self.keys_read_at.swap(now.0, Ordering::SeqCst) != now.0
    }

    /// How far the fastest other replica's clock is ahead of this process's, in seconds.
    pub(crate) fn skew(&self) -> i64 {
        self.skew.load(Ordering::SeqCst)
    }

    pub(crate) fn set_skew(&self, seconds: i64) {
        self.skew.store(seconds, Ordering::SeqCst);
    }
}
