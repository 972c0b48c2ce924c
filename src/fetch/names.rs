//! Names into addresses: the seam at which tests say what DNS answers, and the filter that no connection gets around.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::budget::{Budget, Charge, Visit};
use crate::clock::UnixTime;
use crate::oauth::address::is_public;

/// How many addresses of one name are tried, and counted.
const TRIED: usize = 16;

/// What turns a name into all of its addresses.
#[async_trait]
pub(crate) trait Names: Send + Sync + 'static {
    /// The addresses of `name`.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
pub(crate) struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// What a test says that DNS answers; an empty list is no answer.
#[cfg(any(test, feature = "testing"))]
#[async_trait]
impl Names for fn(&str) -> Vec<IpAddr> {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self(name))
    }
}

/// A name or an address leads to where no stranger may send us.
#[derive(Debug, thiserror::Error)]
#[error("it leads to {0}, which is not a public address")]
pub(super) struct NotPublic(pub IpAddr);

/// Whether a URL's host may be asked at this address: loopback for what says that it is on loopback, else public ones.
pub(super) fn may_ask(host_is_here: bool, address: IpAddr) -> bool {
    if host_is_here { address.is_loopback() } else { is_public(address) }
}

/// Too much is asked at all of the addresses that a name leads to.
#[derive(Debug, thiserror::Error)]
#[error("too much is asked there")]
pub(super) struct Exhausted;

tokio::task_local! {
    /// For whom a name is resolved: the resolver of an HTTP client learns nothing but the name. reqwest resolves within the
    /// future that sends the request; a name that is resolved anywhere else leads nowhere.
    pub(super) static FETCH: Arc<Connecting>;
}

/// A fetch that is about to connect.
pub(super) struct Connecting {
    /// What may be asked of each network address.
    pub budget: Arc<Budget>,
    pub host: String,
    pub url: String,
    /// Whether the URL has answered well before, so that it is asked in any case.
    pub known: bool,
    pub now: UnixTime,
    /// What was counted.
    pub charges: Mutex<Vec<Charge>>,
}

impl Connecting {
    /// Those of the addresses that may be asked once more. Each of them is counted, since the connection may go to any.
    ///
    /// A host that has answered well at an address is not counted there: many hosts share the addresses of a content network,
    /// and names that a stranger points at them must not shut out those that are really there.
    pub(super) fn admit(&self, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Exhausted> {
        let addresses: Vec<_> = addresses.into_iter().take(TRIED).filter(|address| self.may_ask(*address)).collect();
        if addresses.is_empty() { Err(Exhausted) } else { Ok(addresses) }
    }

    fn may_ask(&self, address: IpAddr) -> bool {
        let (Some(network), Some(host)) = (network(address), self.host_at(address)) else { return true };
        if self.known || self.budget.is_proved(host, self.now) {
            return true;
        }
        let visit = self.budget.visit(&network, &self.url);
        let charge = self.budget.take(visit, self.now);
        if let Some(charge) = charge {
            self.budget.begin(visit, self.now);
            self.charges.lock().unwrap_or_else(PoisonError::into_inner).push(charge);
        }
        charge.is_some()
    }

    /// The host at this address, for what it has proved there.
    pub(super) fn host_at(&self, address: IpAddr) -> Option<Visit> {
        Some(self.budget.visit(&network(address)?, &self.host))
    }
}

/// How an address is counted: an IPv6 one by its network, since one customer has all of it, and one on this computer not at
/// all, since each port there is another server.
fn network(address: IpAddr) -> Option<String> {
    match address {
        _ if address.is_loopback() => None,
        IpAddr::V4(_) => Some(address.to_string()),
        IpAddr::V6(address) => Some(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string()),
    }
}

/// Answers with addresses that may be asked, and with nothing at all where one of them may not. The connection goes to
/// these and to no other: there is no second look at DNS that could say something else.
pub(super) struct Checked(pub Arc<dyn Names>);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.0);
        let fetch = FETCH.try_with(Arc::clone);
        Box::pin(async move {
            let fetch = fetch?;
            let addresses = names.addresses(name.as_str()).await?;
            if let Some(bad) = addresses.iter().find(|address| !may_ask(name.as_str() == "localhost", **address)) {
                return Err(NotPublic(*bad).into());
            }
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            let addresses = fetch.admit(addresses)?;
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
