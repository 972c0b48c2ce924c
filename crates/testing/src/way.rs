//! How a server is reached: by its router in this process, or over the network.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header, request};
use tower::ServiceExt as _;
use url::Url;

use crate::page::Page;

/// The most bytes of an answer that are read.
const MAX_BODY: usize = 4 << 20;

/// The way to one server and, over the network, to all others on loopback.
#[derive(Clone)]
pub(crate) struct Way {
    router: Option<Router>,
    network: reqwest::Client,
}

/// Where a request goes.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The origin of the server that the router is.
    pub(crate) origin: &'a str,
    /// The whole address.
    pub(crate) url: &'a str,
}

impl Way {
    /// To the server that `router` is, or to one on the network if there is none.
    pub(crate) fn new(router: Option<Router>) -> Self {
        // Without proxies and redirects, and without the certificates that take long to read.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        Way { router, network: client.tls_certs_only([]).build().unwrap_or_default() }
    }

    /// To another server in this process or, without a router, on the network.
    pub(crate) fn to(&self, router: Option<Router>) -> Self {
        Way { router, network: self.network.clone() }
    }

    /// Sends a request: to the router if the URL lies at the origin. A request that fails is a page with status 502 and
    /// the reason.
    pub(crate) async fn send(&self, target: Target<'_>, request: request::Builder, body: String) -> Page {
        let Target { origin, url } = target;
        let sent = match &self.router {
            Some(router) if origin_of(url) == origin => within(router, target, request.body(Body::from(body))).await,
            _ => self.outside(url, request.uri(url).body(body)).await,
        };
        sent.unwrap_or_else(|why| Page {
            url: url.to_owned(),
            status: StatusCode::BAD_GATEWAY,
            headers: HeaderMap::new(),
            body: why,
        })
    }

    async fn outside(
        &self,
        url: &str,
        request: axum::http::Result<axum::http::Request<String>>,
    ) -> Result<Page, String> {
        let request = request.map_err(|error| error.to_string())?;
        let request = reqwest::Request::try_from(request).map_err(|error| error.to_string())?;
        let answer = self.network.execute(request).await.map_err(|error| error.to_string())?;
        Ok(Page {
            url: url.to_owned(),
            status: answer.status(),
            headers: answer.headers().clone(),
            body: answer.text().await.unwrap_or_default(),
        })
    }
}

async fn within(
    router: &Router,
    Target { origin, url }: Target<'_>,
    request: axum::http::Result<axum::http::Request<Body>>,
) -> Result<Page, String> {
    let mut request = request.map_err(|error| error.to_string())?;
    let path = url[origin.len()..].split('#').next().filter(|path| !path.is_empty()).unwrap_or("/");
    *request.uri_mut() = path.parse().map_err(|error: axum::http::uri::InvalidUri| error.to_string())?;
    if !request.headers().contains_key(header::HOST) {
        let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
        let authority = authority.parse().map_err(|_| format!("{authority} is no host"))?;
        request.headers_mut().insert(header::HOST, authority);
    }
    let response = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    Ok(Page {
        url: url.to_owned(),
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// The origin of a URL, as text; empty if it is no URL.
pub(crate) fn origin_of(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}
