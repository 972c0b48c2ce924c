//! Names into addresses: the seam at which tests say what DNS answers, and the filter that no connection gets around.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::oauth::address::is_public;

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

/// Answers with addresses that may be asked, and with nothing at all where one of them may not. The connection goes to
/// these and to no other: there is no second look at DNS that could say something else.
pub(super) struct Checked(pub Arc<dyn Names>);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = names.addresses(name.as_str()).await?;
            if let Some(bad) = addresses.iter().find(|address| !may_ask(name.as_str() == "localhost", **address)) {
                return Err(NotPublic(*bad).into());
            }
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
