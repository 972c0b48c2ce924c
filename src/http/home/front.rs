//! Public pages: the landing page, the status, and the assets that pages load.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::clock::Reading;
use crate::config::settings::UpstreamKind;
use crate::flow::status::{self as flow, State as Health};
use crate::http::extract::Now;
use crate::http::layers::wants_page;
use crate::http::pages::{ComponentLine, Landing, McpUrl, Overall, ScopeLine, StandardLine, Status};
use crate::http::web::Web;

/// `GET /`: what this server is, and how to connect to it.
pub(crate) async fn landing(State(web): State<Web>) -> Response {
    let settings = web.app.settings();
    let scopes = settings.default_mount().scopes.iter();
    let page = Landing {
        layout: web.layout(),
        mcp_urls: settings
            .mounts
            .iter()
            .map(|mount| McpUrl { name: web.mount_name(mount), url: mount.resource.to_string() })
            .collect(),
        upstreams: settings.upstreams.iter().map(|upstream| upstream.label.clone()).collect(),
        scopes: scopes
            .map(|(name, words)| ScopeLine { words: words.clone(), name: name.clone(), new: false })
            .collect(),
        closed: !settings.clients.registration && !settings.clients.documents.on,
        dev: settings.upstreams.iter().any(|upstream| upstream.kind == UpstreamKind::Dev),
        status_url: web.path("/status"),
    };
    web.page(StatusCode::OK, &page)
}

/// `GET /status`: JSON for programs, a page for browsers; 503 while no person can sign in.
pub(crate) async fn status(State(web): State<Web>, headers: HeaderMap) -> Response {
    let report = web.last_report.get(&web.app, Reading::of(&**web.app.clock())).await;
    let status = match report.status {
        Health::Ready | Health::Partial => StatusCode::OK,
        Health::Failing => StatusCode::SERVICE_UNAVAILABLE,
    };
    let vary = (header::VARY, "accept");
    if !wants_page(&headers) {
        return (status, [vary, (header::CACHE_CONTROL, "no-store")], Json(&*report)).into_response();
    }
    let page = Status {
        layout: web.layout(),
        overall: match report.status {
            Health::Ready => Overall::Ready,
            Health::Partial => Overall::Partial,
            Health::Failing => Overall::Failing,
        },
        version: report.version.to_owned(),
        issuer: report.issuer.clone(),
        components: report
            .components
            .iter()
            .map(|component| ComponentLine {
                name: component_name(&web, &component.name),
                ready: component.status == Health::Ready,
                detail: component.reason.clone().unwrap_or_default(),
            })
            .collect(),
        standards: report
            .standards
            .iter()
            .map(|standard| StandardLine {
                name: standard.name.to_owned(),
                title: standard.title.to_owned(),
                met: standard.met,
                detail: standard.at.clone(),
            })
            .collect(),
    };
    let mut response = web.page(status, &page);
    response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("accept"));
    response
}

/// A component's name for people.
fn component_name(web: &Web, name: &str) -> String {
    match name.split_once('.') {
        Some(("upstream", upstream)) => format!("Sign-in with {}", web.upstream_label(upstream)),
        _ => match name {
            "database" => "Database".to_owned(),
            "signing_keys" => "Signing keys".to_owned(),
            "clock" => "Clock".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// `GET /healthz`: whether this process runs.
pub(crate) async fn health() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// `GET /readyz`: whether to send requests to this process.
pub(crate) async fn ready(State(web): State<Web>, Now(now): Now) -> Response {
    let (status, text) = match flow::ready(&web.app, now).await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// `GET /oauth/assets/style.css`; its address changes with its content.
pub(crate) async fn style(State(web): State<Web>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, web.style()).into_response()
}

/// `GET /oauth/assets/logo`. The headers keep an SVG from running scripts.
pub(crate) async fn logo(State(web): State<Web>) -> Response {
    let Some(logo) = &web.app.settings().brand.logo else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [
        (header::CONTENT_TYPE, logo.media_type),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ];
    (headers, logo.bytes.clone()).into_response()
}
