//! Asking addresses that strangers name: clients' metadata documents and clients' keys. No other GET goes to such a URL.
//!
//! draft-ietf-oauth-client-id-metadata-document-02, sections 5, 8.6 and 8.7: https, 200 only, no redirects, JSON only, a
//! bounded size and time, never a special-use address, and the connection goes to the very address that was checked. Nor are
//! there cookies, a Referer, compression, or the environment's proxies: a proxy would connect where nothing was checked.
//!
//! How often a host and a network address are asked is bounded; [`budget`] says for whom there is something left.

mod budget;
mod lately;
mod names;
#[cfg(test)]
mod tests;

use std::error::Error as _;
use std::mem;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http_cache_semantics::{CacheOptions, CachePolicy};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};
use tokio::sync::{OnceCell, Semaphore};
use url::Host;

use crate::clock::UnixTime;
use crate::oauth::document_url::DocumentUrl;
use crate::oauth::error::Source;
use crate::oauth::resource::is_loopback;

use budget::{Budget, Charge, Visit};
use names::{Checked, Connecting, Exhausted, FETCH, NotPublic, may_ask};
pub(crate) use names::{Names, SystemNames};

/// How long all of a fetch may take: the name, the connection, the answer and its body.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many fetches may go on at once, of addresses that are new and of those that are known.
const AT_ONCE: usize = 64;

/// How often one host is asked within any minute at most, so that strangers cannot turn this server against it; what answers
/// well counts for a tenth, and what answered well before has a budget of its own, ten times as large.
const PER_HOST: u32 = 120;

/// How often one network address is asked within any minute at most, whatever names lead to it. Large hosts share the
/// addresses of a content network.
const PER_ADDRESS: u32 = 10 * PER_HOST;

/// Fetches URLs that strangers name.
pub(crate) struct Fetcher {
    names: Arc<dyn Names>,
    local: bool,
    timeout: Duration,
    /// Made at the first fetch: reading the certificates takes its time.
    client: OnceCell<Client>,
    permits: Semaphore,
    permits_known: Semaphore,
    hosts: Budget,
    addresses: Arc<Budget>,
}

/// What to fetch.
pub(crate) struct Wanted<'a> {
    pub url: &'a str,
    /// The largest body that is read, in bytes.
    pub most: usize,
    /// Whether its keeper has what it answered within the last 30 days. Such an address, and one that [was
    /// proved](Fetcher::prove) since this process began, is not turned away because of what is asked of its host or its
    /// network address otherwise, and waits for no new one. Its keeper does not ask for it often.
    pub known: bool,
}

/// What was there.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The body, JSON by its media type.
    pub body: Vec<u8>,
    /// How long it may be kept, by its headers (RFC 9111 section 4.2); 0 where it must not be.
    pub lifetime: Duration,
    /// For [`Fetcher::prove`], if the body is what was looked for.
    pub receipt: Receipt,
}

/// What was counted for a fetch.
#[derive(Debug)]
pub(crate) struct Receipt {
    host: Charge,
    addresses: Vec<Charge>,
    answered_at: Option<Visit>,
}

/// Why there is nothing; as the end of a sentence that begins with what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address breaks a rule.
    #[error("its address {0}")]
    Address(&'static str),
    /// The name leads to a special-use address. Told in the same words as a name that leads nowhere: which inner names there
    /// are is nobody's business.
    #[error("its host cannot be reached")]
    NotPublic(#[source] Source),
    /// The answer is not 200.
    #[error("its host answered {} instead of 200", .0.as_u16())]
    Status(StatusCode),
    /// The answer is no JSON.
    #[error("its media type is not application/json")]
    MediaType,
    /// The answer is compressed, though nobody asked for that.
    #[error("it is compressed")]
    Compressed,
    /// The answer is larger than this, in bytes.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// The host cannot be reached, or breaks off.
    #[error("its host cannot be reached")]
    Unreachable(#[source] Source),
    /// The answer took too long.
    #[error("its host takes too long to answer")]
    TooSlow,
    /// The host or its address was asked too often, or too much is going on; the host was not asked.
    #[error("too many such requests are made just now")]
    Busy,
}

impl Error {
    /// Whether the same may succeed a little later, so that nothing is known of what is there.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Error::NotPublic(_) | Error::Unreachable(_) | Error::TooSlow | Error::Busy => true,
            // 403 is what a host's guard against robots answers.
            Error::Status(status) => status.is_server_error() || matches!(status.as_u16(), 403 | 408 | 425 | 429),
            _ => false,
        }
    }

    /// Whether the host says that there is nothing, and not merely that it does not give it to this server just now.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Error::Status(StatusCode::NOT_FOUND | StatusCode::GONE))
    }
}

/// A response whose body was read.
struct Answer {
    response: Response,
    body: Vec<u8>,
}

impl Fetcher {
    /// Asks nobody yet. `local`: jean itself is on loopback, for trying things out, so that documents may be there too.
    pub(crate) fn new(names: Arc<dyn Names>, local: bool) -> Self {
        Fetcher {
            names,
            local,
            timeout: TIMEOUT,
            client: OnceCell::new(),
            permits: Semaphore::new(AT_ONCE),
            permits_known: Semaphore::new(AT_ONCE),
            hosts: Budget::new(PER_HOST),
            addresses: Arc::new(Budget::new(PER_ADDRESS)),
        }
    }

    /// GETs the JSON at an address.
    pub(crate) async fn get(&self, wanted: Wanted<'_>, now: UnixTime) -> Result<Fetched, Error> {
        let Wanted { url, most, known } = wanted;
        let url = self.check(url)?;
        let host = host(&url);
        let visit = self.hosts.visit(host, url.as_url().as_str());
        let known = known || self.hosts.is_proved(visit, now);
        let charge = if known { self.hosts.take_proved(visit, now) } else { self.hosts.take(visit, now) };
        let charge = charge.ok_or(Error::Busy)?;
        let connecting = Arc::new(Connecting {
            budget: Arc::clone(&self.addresses),
            host: host.to_owned(),
            url: url.to_string(),
            known,
            now,
            charges: Mutex::default(),
        });
        let waits = AtomicBool::new(true);
        let fetch = async {
            let permits = if known { &self.permits_known } else { &self.permits };
            let _permit = permits.acquire().await.map_err(|_| Error::Busy)?;
            waits.store(false, Ordering::Relaxed);
            FETCH.scope(Arc::clone(&connecting), self.send(&url, most)).await
        };
        let answer = tokio::time::timeout(self.timeout, fetch).await;
        let too_long = || Err(if waits.load(Ordering::Relaxed) { Error::Busy } else { Error::TooSlow });
        let Answer { response, body } = match answer.unwrap_or_else(|_| too_long()) {
            Err(Error::Busy) => {
                self.hosts.turn_away(charge, now);
                return Err(Error::Busy);
            }
            answer => {
                self.hosts.begin(visit, now);
                answer?
            }
        };
        let answered_at = response.remote_addr().and_then(|address| connecting.host_at(address.ip()));
        let addresses = mem::take(&mut *connecting.charges.lock().unwrap_or_else(PoisonError::into_inner));
        let receipt = Receipt { host: charge, addresses, answered_at };
        Ok(Fetched { body, lifetime: lifetime(&url, &response, now), receipt })
    }

    /// Notes that a fetch brought what was looked for: it then counts for little, and the URL is not turned away for 30 days.
    ///
    /// Only its reader knows. Some hosts answer any URL with 200, so that this alone would let strangers ask such a host
    /// without a bound.
    pub(crate) fn prove(&self, receipt: &Receipt, now: UnixTime) {
        self.hosts.settle(receipt.host);
        self.hosts.prove(receipt.host.visit, now);
        for charge in &receipt.addresses {
            self.addresses.settle(*charge);
        }
        // At this address only: a name may lead to others as well, where somebody else is.
        if let Some(visit) = receipt.answered_at {
            self.addresses.prove(visit, now);
        }
    }

    /// The address, where it may be asked. What a name in it leads to is looked at when it is asked.
    fn check(&self, url: &str) -> Result<DocumentUrl, Error> {
        let url = DocumentUrl::parse(url, self.local).map_err(Error::Address)?;
        if literal(&url).is_some_and(|address| !may_ask(is_loopback(url.as_url()), address)) {
            return Err(Error::Address("is not a public one"));
        }
        Ok(url)
    }

    async fn send(&self, url: &DocumentUrl, most: usize) -> Result<Answer, Error> {
        // What is no name is not resolved.
        if let Some(address) = literal(url) {
            let admitted = FETCH.try_with(|fetch| fetch.admit(vec![address]));
            admitted.map_err(|error| Error::Unreachable(error.into()))?.map_err(|Exhausted| Error::Busy)?;
        }
        let request = self.client().await?.get(url.as_url().clone());
        let request = request.header(ACCEPT, "application/json").header(ACCEPT_ENCODING, "identity");
        let mut response = request.send().await.map_err(failure)?;
        if response.status() != StatusCode::OK {
            return Err(Error::Status(response.status()));
        }
        if !is_json(&response) {
            return Err(Error::MediaType);
        }
        if response
            .headers()
            .get(CONTENT_ENCODING)
            .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Err(Error::Compressed);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > most {
                return Err(Error::TooLarge(most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { response, body })
    }

    async fn client(&self) -> Result<&Client, Error> {
        let make = || async {
            Client::builder()
                .dns_resolver(Checked(Arc::clone(&self.names)))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .pool_max_idle_per_host(0)
                .user_agent(concat!("jean/", env!("CARGO_PKG_VERSION")))
                .build()
        };
        self.client.get_or_try_init(make).await.map_err(|error| Error::Unreachable(error.into()))
    }
}

/// Whom a URL asks, whatever the port; but on this computer, where each port is another server.
fn host(url: &DocumentUrl) -> &str {
    if is_loopback(url.as_url()) { url.authority() } else { url.as_url().host_str().unwrap_or_default() }
}

/// The network address in the place of a host's name.
fn literal(url: &DocumentUrl) -> Option<IpAddr> {
    match url.as_url().host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    }
}

/// What a failed request means.
fn failure(error: reqwest::Error) -> Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return Error::NotPublic(error.without_url().into());
        }
        if inner.is::<Exhausted>() {
            return Error::Busy;
        }
        cause = inner.source();
    }
    Error::Unreachable(error.without_url().into())
}

/// `application/json`, or `application/...+json` (section 5).
fn is_json(response: &Response) -> bool {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = media_type.strip_prefix("application/").unwrap_or_default();
    subtype == "json" || subtype.ends_with("+json")
}

/// How long an answer may be kept by a cache that serves everybody.
fn lifetime(url: &DocumentUrl, response: &Response, now: UnixTime) -> Duration {
    let Ok(request) = http::Request::get(url.as_url().as_str()).body(()) else { return Duration::ZERO };
    let mut answer = http::Response::new(());
    *answer.headers_mut() = response.headers().clone();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(now.0.unsigned_abs());
    let (request, answer) = (request.into_parts().0, answer.into_parts().0);
    CachePolicy::new_options(&request, &answer, at, CacheOptions::default()).time_to_live(at)
}
