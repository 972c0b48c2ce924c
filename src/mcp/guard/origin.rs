//! Verifies Host and Origin, against DNS rebinding, and answers browsers' preflights.
//!
//! The MCP specification's transport, "Security"; CVE-2026-42559, CVE-2025-66416. Both headers must have the exact values of
//! `jean.toml`: a header that is sent twice or in another spelling is rejected.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header, request};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use url::Url;

use crate::config::settings::{Issuer, Mount, Settings};
use crate::oauth::resource::is_loopback;

/// The hosts and origins that a mount accepts.
pub(super) struct Origins {
    /// `host[:port]` of the public URL, also with the default port.
    hosts: Vec<String>,
    /// The public URL's origin, and those that the operator allowed.
    origins: Vec<String>,
}

impl Origins {
    pub(super) fn new(settings: &Settings, mount: &Mount) -> Self {
        let issuer = &settings.issuer;
        let origins = [vec![issuer.origin()], mount.allowed_origins.clone()].concat();
        Origins { hosts: hosts(issuer), origins }
    }

    /// Whether the request names this server's host, once, in the Host header and in an absolute target too (RFC 9112
    /// section 3.2.2).
    pub(super) fn is_our_host(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut sent = headers.get_all(header::HOST).iter().map(HeaderValue::as_bytes);
        let (host, another) = (sent.next(), sent.next());
        let target = uri.authority().map(|authority| authority.as_str().as_bytes());
        let ours = |name: &[u8]| self.hosts.iter().any(|host| host.as_bytes().eq_ignore_ascii_case(name));
        another.is_none() && host.or(target).is_some() && host.into_iter().chain(target).all(ours)
    }

    /// Whether the request was sent by no page, or by an allowed one.
    pub(super) fn may_call(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::ORIGIN).iter().all(|origin| self.allows(origin))
    }

    /// Allows this server's own pages, pages on this computer, and what the operator allowed, each spelled as browsers do.
    fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let is_local = || {
            Url::parse(origin).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && is_loopback(&url)
                    && url.origin().ascii_serialization() == origin
            })
        };
        self.origins.iter().any(|allowed| allowed == origin) || is_local()
    }
}

/// The spellings of this server's host.
fn hosts(issuer: &Issuer) -> Vec<String> {
    let authority = issuer.authority();
    let has_port = authority.len() > issuer.host().len();
    let default_port = if issuer.is_https() { ":443" } else { ":80" };
    let spelled_out = (!has_port).then(|| format!("{authority}{default_port}"));
    [authority].into_iter().chain(spelled_out).collect()
}

/// The headers that a page may send: those of the MCP transport in all its revisions.
const HEADERS: [&str; 8] = [
    "authorization",
    "content-type",
    "accept",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "mcp-method",
    "mcp-name",
];

/// The prefix of headers in which clients repeat a tool's arguments; the tool's author names the rest (revision 2026-07-28,
/// "Custom Headers from Tool Parameters").
const PARAMETER: &str = "mcp-param-";

/// Answers preflights, and lets allowed pages read responses. It is outside of the guard, since a preflight carries no
/// token; the backend never gets one.
pub(super) fn cors(origins: Arc<Origins>) -> CorsLayer {
    let names = |names: &[&'static str]| names.iter().copied().map(HeaderName::from_static).collect::<Vec<_>>();
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, _: &request::Parts| origins.allows(origin)))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        // The browser's list, without the headers that were removed from it.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(names(&["www-authenticate", "mcp-session-id", "retry-after"]))
        .max_age(Duration::from_secs(3600))
}

/// Removes from a preflight's list the headers that no page may send.
pub(super) fn keep_known_headers(mut request: Request<Body>) -> Request<Body> {
    if request.method() != Method::OPTIONS {
        return request;
    }
    let allowed = |name: &&str| {
        let name = name.to_ascii_lowercase();
        HEADERS.contains(&name.as_str()) || name.strip_prefix(PARAMETER).is_some_and(|rest| !rest.is_empty())
    };
    let asked = request.headers().get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let asked = asked.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')).map(str::trim);
    let kept = asked.filter(allowed).collect::<Vec<_>>().join(",");
    request.headers_mut().remove(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Ok(kept) = HeaderValue::from_str(&kept)
        && !kept.is_empty()
    {
        request.headers_mut().insert(header::ACCESS_CONTROL_REQUEST_HEADERS, kept);
    }
    request
}
