//! The providers of `[upstream.dev]`, which run in this process.

use std::sync::Arc;

use jean_testing::issuer::{Issuer, IssuerOptions};

use super::error::Error;
use crate::clock::Clock;
use crate::config::settings::{Settings, UpstreamKind, UpstreamSettings};

/// Running providers; dropping them stops them.
pub(super) type Providers = Vec<Issuer>;

/// Starts the dev upstreams on their own ports, and writes their addresses into the settings.
pub(super) async fn start(settings: &mut Settings, clock: &Arc<dyn Clock>) -> Result<Providers, Error> {
    let mut running = Vec::new();
    let dev = |upstream: &&UpstreamSettings| upstream.kind == UpstreamKind::Dev;
    let upstreams: Vec<UpstreamSettings> = settings.upstreams.iter().filter(dev).cloned().collect();
    for upstream in upstreams {
        let address = upstream.issuer.trim_start_matches("http://").to_owned();
        let failed = |source| Error::DevUpstream { address: address.clone(), source };
        let listen = address.parse().map_err(|error| failed(std::io::Error::other(error)))?;
        let time = clock.clone();
        let options = IssuerOptions {
            listen,
            redirect_uris: vec![settings.issuer.callback(&upstream.name)],
            ..IssuerOptions::new(move || time.now().0)
        };
        let issuer = Issuer::start(options).await.map_err(failed)?;
        for known in settings.upstreams.iter_mut().filter(|known| known.name == upstream.name) {
            known.issuer = issuer.url().to_owned();
            known.client_id = issuer.client_id().to_owned();
            known.client_secret = Some(issuer.client_secret().to_owned().into());
        }
        running.push(issuer);
    }
    Ok(running)
}
