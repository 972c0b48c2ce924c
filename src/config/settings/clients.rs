//! `[clients]`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::oauth::client::Client;
use crate::oauth::client_id::ClientId;
use crate::oauth::document_url::HostPattern;
use crate::oauth::name::Outline;

/// Which clients there may be.
#[derive(Clone, Debug)]
pub(crate) struct ClientSettings {
    /// Whether anyone may register a client (RFC 7591).
    pub registration: bool,
    /// Whether clients may learn who the person is (OpenID Connect).
    pub openid: bool,
    /// Whether a consent is remembered for https redirect URIs.
    pub remember_consent: bool,
    /// How long a registration is kept that never led to a grant.
    pub unused_lifetime: Duration,
    /// How long any other is kept after its last grant was over.
    pub idle_lifetime: Duration,
    /// What registrations that nobody used may cost.
    pub registrations: RegistrationBounds,
    /// Clients that are known by a metadata document.
    pub documents: DocumentSettings,
    /// The operator's own.
    pub preregistered: Vec<Client>,
}

/// Bounds on registrations that nobody has allowed anything yet. Anybody can make them, so they are what a flood leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegistrationBounds {
    /// How many of them a sweep leaves; the oldest go.
    pub kept: u64,
    /// How many there may be; above that nobody can register.
    pub most: u64,
    /// How old one is at least before it may go because there are so many.
    pub spared: Duration,
}

impl Default for RegistrationBounds {
    fn default() -> Self {
        RegistrationBounds { kept: 100_000, most: 1_000_000, spared: Duration::from_secs(3600) }
    }
}

/// Which clients may come with a metadata document of their own.
#[derive(Clone, Debug)]
pub(crate) struct DocumentSettings {
    /// Whether any may.
    pub on: bool,
    /// At which hosts their documents may be; at all where none is listed.
    pub hosts: Vec<HostPattern>,
    /// Whether documents may be on loopback, since jean itself is: what `public_url` says and where it listens.
    pub local: bool,
    /// The documents that are known already.
    pub pinned: BTreeMap<ClientId, Client>,
}

impl DocumentSettings {
    /// Whether documents may be at this host.
    pub(crate) fn allows(&self, authority: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|pattern| pattern.matches(authority))
    }

    /// Whether this is the outline of a host that is listed, or that has a pinned document.
    pub(crate) fn names(&self, outline: &Outline) -> bool {
        let is_it = |host: &str| Outline::of(host) == *outline;
        self.hosts.iter().any(|pattern| is_it(pattern.host())) || self.pinned.keys().any(|id| is_it(&id.host()))
    }
}
