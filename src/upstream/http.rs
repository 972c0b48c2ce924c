//! Sends requests to an upstream: only to safe addresses, within bounds of time and size, without following redirects.

use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::Url;

use super::error::{Error, because, invalid};
use crate::oauth::error::Source;
use crate::oauth::resource::{is_https_or_loopback, is_loopback};

/// How long one request may take, including the body of the response.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest response, in bytes.
const MAX_BODY: usize = 1 << 20;

/// The HTTP client for the provider at `issuer`: one for as long as the process runs. It follows no redirects, so none can
/// lead a secret to another host. For a provider on this computer it does not use the environment's proxies.
pub(crate) fn http_client(issuer: &str) -> Result<reqwest::Client, Source> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("jean/", env!("CARGO_PKG_VERSION")));
    let is_here = Url::parse(issuer).is_ok_and(|issuer| is_loopback(&issuer));
    Ok(if is_here { client.no_proxy().build()? } else { client.build()? })
}

/// Sends the library's requests.
pub(super) struct Http {
    client: reqwest::Client,
    pub timeout: Duration,
}

impl Http {
    pub(super) fn new(client: reqwest::Client) -> Self {
        Http { client, timeout: TIMEOUT }
    }

    /// Sends one request. Temporary faults, including responses with 5xx or 429, are [`Error::Unreachable`].
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let at = request.uri().to_string();
        let url = Url::parse(&at).map_err(|error| because(format!("{at} is not a URL"), error))?;
        check_url(&url)?;
        let mut request =
            reqwest::Request::try_from(request).map_err(|error| because(format!("{at} cannot be asked"), error))?;
        *request.timeout_mut() = Some(self.timeout);
        let unreachable =
            |error: reqwest::Error| Error::Unreachable { at: at.clone(), source: error.without_url().into() };
        let mut answer = self.client.execute(request).await.map_err(unreachable)?;
        let status = answer.status();
        if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
            return Err(Error::Unreachable { at, source: format!("it answered {status}").into() });
        }
        if status.is_redirection() {
            return Err(invalid(format!("{at} answered with a redirect, which is not followed")));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(invalid(format!("{at} answered with more than {MAX_BODY} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// Allows https, and http on this computer.
pub(super) fn check_url(url: &Url) -> Result<(), Error> {
    if is_https_or_loopback(url) {
        return Ok(());
    }
    Err(invalid(format!("{url} is not safe: it must be https, or http on loopback")))
}
