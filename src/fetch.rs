//! Asking addresses that strangers name: clients' metadata documents and clients' keys. No other GET goes to such a URL.
//!
//! draft-ietf-oauth-client-id-metadata-document-02, sections 5, 8.6 and 8.7: https, 200 only, no redirects, JSON only, a
//! bounded size and time, never a special-use address, and the connection goes to the very address that was checked. Nor are
//! there cookies, a Referer, compression, or the environment's proxies: a proxy would connect where nothing was checked.

mod names;
#[cfg(test)]
mod tests;

use std::error::Error as _;
use std::net::IpAddr;
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

use names::{Checked, NotPublic, may_ask};
pub(crate) use names::{Names, SystemNames};

/// How long all of a fetch may take: the name, the connection, the answer and its body.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many fetches may go on at once, of addresses that are new and of those that are known.
const AT_ONCE: usize = 64;

/// How often one host is asked in a minute, so that nobody turns us against it.
const PER_HOST: u32 = 120;

/// How many hosts are counted.
const HOSTS: u64 = 10_000;

/// Whoever asks.
pub(crate) struct Fetcher {
    names: Arc<dyn Names>,
    local: bool,
    timeout: Duration,
    /// Made at the first fetch: reading the certificates takes its time.
    client: OnceCell<Client>,
    permits: Semaphore,
    permits_known: Semaphore,
    asked: moka::sync::Cache<String, Arc<Mutex<(UnixTime, u32)>>>,
}

/// What was there.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The body, JSON by its media type.
    pub body: Vec<u8>,
    /// How long it may be kept, by its headers (RFC 9111 section 4.2); 0 where it must not be.
    pub lifetime: Duration,
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
    /// The host was asked too often, or too much is going on.
    #[error("too many such requests are made just now")]
    Busy,
}

impl Error {
    /// Whether the same may succeed a little later, so that nothing is known of what is there.
    pub fn passes(&self) -> bool {
        match self {
            Error::NotPublic(_) | Error::Unreachable(_) | Error::TooSlow | Error::Busy => true,
            // 403 is what a host's guard against robots answers.
            Error::Status(status) => status.is_server_error() || matches!(status.as_u16(), 403 | 408 | 425 | 429),
            _ => false,
        }
    }
}

impl Fetcher {
    /// Asks nobody yet. `local`: jean itself is on loopback, for trying things out, so that documents may be there too.
    pub fn new(names: Arc<dyn Names>, local: bool) -> Self {
        Fetcher {
            names,
            local,
            timeout: TIMEOUT,
            client: OnceCell::new(),
            permits: Semaphore::new(AT_ONCE),
            permits_known: Semaphore::new(AT_ONCE),
            asked: moka::sync::Cache::new(HOSTS),
        }
    }

    /// GETs the JSON at an address, of at most `most` bytes.
    ///
    /// An address that gave something good before is `known`, and its keeper does not ask for it often. It does not count
    /// among the requests to its host, and waits for no new one: whoever names other addresses, there or at slow hosts, keeps
    /// nobody from this one.
    pub async fn get(&self, url: &str, most: usize, known: bool, now: UnixTime) -> Result<Fetched, Error> {
        let url = self.check(url)?;
        if !known && !self.may_ask_again(&url, now) {
            return Err(Error::Busy);
        }
        let permits = if known { &self.permits_known } else { &self.permits };
        let fetch = async {
            let _permit = permits.acquire().await.map_err(|_| Error::Busy)?;
            self.ask(&url, most, now).await
        };
        tokio::time::timeout(self.timeout, fetch).await.unwrap_or(Err(Error::TooSlow))
    }

    /// The address, where it may be asked. What a name in it leads to is looked at when it is asked.
    fn check(&self, url: &str) -> Result<DocumentUrl, Error> {
        let url = DocumentUrl::parse(url, self.local).map_err(Error::Address)?;
        let address = match url.as_url().host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        if address.is_some_and(|address| !may_ask(is_loopback(url.as_url()), address)) {
            return Err(Error::Address("is not a public one"));
        }
        Ok(url)
    }

    async fn ask(&self, url: &DocumentUrl, most: usize, now: UnixTime) -> Result<Fetched, Error> {
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
        let lifetime = lifetime(url, &response, now);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > most {
                return Err(Error::TooLarge(most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched { body, lifetime })
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

    /// Counts a request to a host, whatever the port, but for this computer, where each port is another server; `false`
    /// where it had enough of them within a minute.
    fn may_ask_again(&self, url: &DocumentUrl, now: UnixTime) -> bool {
        let name = url.as_url().host_str().unwrap_or_default();
        let host = if is_loopback(url.as_url()) { url.authority() } else { name };
        let asked = self.asked.get_with_by_ref(host, Arc::default);
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !(0..60).contains(&now.since(asked.0)) {
            *asked = (now, 0);
        }
        asked.1 += 1;
        asked.1 <= PER_HOST
    }
}

/// What a failed request means.
fn failure(error: reqwest::Error) -> Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return Error::NotPublic(error.without_url().into());
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
