//! What all pages share, and how a page becomes a response with its security headers.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::clock::UnixTime;
use crate::config::settings::{Mount, Settings};
use crate::flow::app::App;
use crate::flow::journey::past::{News, Past};
use crate::flow::journey::request::AuthorizationRequest;
use crate::flow::status::LastReport;
use crate::oauth::client::{Client, ClientOrigin};
use crate::oauth::error::Error;
use crate::oauth::grant::Person;
use crate::oauth::redirect::{RedirectKind, RedirectUri};
use crate::oauth::scope::{EMAIL, OPENID, PROFILE, Scope, Scopes};
use crate::oauth::token::TokenHash;
use crate::wire::error::{Reason, because};
use crate::wire::record::request_id;

use super::cookies::Cookies;
use super::pages::{
    Account, ClientSource, Destination, Details, Layout, Problem, ScopeLine, Seen, UpstreamButton, stylesheet,
};

/// The state of handlers: the application, its cookies, and the look of its pages.
#[derive(Clone)]
pub(crate) struct Web {
    pub app: Arc<App>,
    /// The cookies that pages set and read.
    pub cookies: Arc<Cookies>,
    /// The last status report.
    pub(super) last_report: Arc<LastReport>,
    site: Arc<Site>,
}

struct Site {
    layout: Layout,
    style: String,
}

/// What a client asks for, as pages show it.
pub(super) struct Asked {
    /// The permissions that it asks for.
    pub scopes: Vec<ScopeLine>,
    /// What it learns about the person.
    pub learns: Option<ScopeLine>,
    /// Whether the person knows the client.
    pub seen: Seen,
}

/// The policy of every page: only our own style sheet and images, forms only to this server, no frames. `form-action` cannot
/// list all final destinations of forms, so every answer to a form that leaves this site goes by a page of its own.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

impl Web {
    /// Renders the parts that do not change.
    pub(crate) fn new(app: Arc<App>) -> Self {
        let Settings { issuer, brand, .. } = app.settings();
        let style = stylesheet(brand.accent.as_deref());
        let version = TokenHash::of(style.as_bytes());
        let at = |path: &str| format!("{}{path}", issuer.prefix());
        let layout = Layout {
            brand: brand.name.clone(),
            host: issuer.authority(),
            logo: brand.logo.as_ref().map(|_| at("/oauth/assets/logo")),
            style: at(&format!("/oauth/assets/style.css?v={}", &version.as_str()[..12])),
            home: if issuer.prefix().is_empty() { "/".to_owned() } else { issuer.prefix().to_owned() },
            privacy_url: brand.privacy_url.clone(),
            terms_url: brand.terms_url.clone(),
            support_url: brand.support_url.clone(),
        };
        let cookies = Cookies::new(issuer);
        Web { app, cookies: Arc::new(cookies), last_report: Arc::default(), site: Arc::new(Site { layout, style }) }
    }

    pub(crate) fn layout(&self) -> Layout {
        self.site.layout.clone()
    }

    pub(crate) fn style(&self) -> String {
        self.site.style.clone()
    }

    /// A path of this server, below the prefix.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.app.settings().issuer.prefix())
    }

    /// Renders a page as a response.
    pub(crate) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        // Not a page that says so, since that could fail to render too.
        let html = match page.render() {
            Ok(html) => html,
            Err(error) => return because(Error::server(error), StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        };
        let mut response = (status, Html(html)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// A page that tells a person why they cannot go on, with the reason for the log. The reason must not contain the
    /// person's name or address.
    pub(crate) fn refusal(
        &self,
        status: StatusCode,
        page: &impl Template,
        reason: impl Into<Cow<'static, str>>,
    ) -> Response {
        let mut response = self.page(status, page);
        response.extensions_mut().get_or_insert_with(|| Reason::Page(reason.into()));
        response
    }

    /// The page for a problem: the title and the message say what happened, `next` says what to do.
    pub(crate) fn problem(
        &self,
        title: impl Into<String>,
        message: impl Into<String>,
        next: impl Into<String>,
    ) -> Problem {
        Problem {
            layout: self.layout(),
            title: title.into(),
            message: message.into(),
            next: next.into(),
            advice: Vec::new(),
            link: None,
            details: Vec::new(),
            request_id: request_id(),
        }
    }

    /// A short name without spaces, under which an app can add this MCP endpoint.
    pub(crate) fn mount_name(&self, mount: &Mount) -> String {
        plain(if mount.name == "default" { &self.app.settings().brand.name } else { &mount.name })
    }

    /// The upstreams as buttons.
    pub(crate) fn upstreams(&self) -> Vec<UpstreamButton> {
        let settings = self.app.settings().upstreams.iter();
        settings.map(|upstream| UpstreamButton { name: upstream.name.clone(), label: upstream.label.clone() }).collect()
    }

    /// The label of this upstream.
    pub(crate) fn upstream_label(&self, name: &str) -> String {
        self.app.settings().upstream(name).map_or_else(|| name.to_owned(), |upstream| upstream.label.clone())
    }

    /// What the request asks for, and what of it is new for the person.
    pub(super) fn asked(&self, request: &AuthorizationRequest, past: &Past) -> Asked {
        let scopes = self.scope_lines(request, past);
        let learns = learns(request, past);
        let more = scopes.iter().chain(&learns).any(|line| line.new);
        Asked { scopes, learns, seen: seen(request, past, more) }
    }

    /// One line for each permission of the request, in the words of every mount that it is for. New ones are marked if
    /// the person allowed this client something before.
    fn scope_lines(&self, request: &AuthorizationRequest, past: &Past) -> Vec<ScopeLine> {
        let mounts: Vec<&Mount> =
            request.resources.iter().filter_map(|resource| self.app.settings().mount(resource)).collect();
        let before = past.scopes(request);
        let mut lines: Vec<ScopeLine> = Vec::new();
        for scope in request.scopes.iter().map(Scope::as_str) {
            let new = before.as_ref().is_some_and(|before| !before.contains(scope));
            for words in mounts.iter().filter_map(|mount| mount.scopes.get(scope)) {
                if !lines.iter().any(|line| line.name == scope && line.words == *words) {
                    lines.push(ScopeLine { words: words.clone(), name: scope.to_owned(), new });
                }
            }
        }
        lines
    }
}

/// A name as a plain word, for a command line.
fn plain(name: &str) -> String {
    let word: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let word = word.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if word.is_empty() { "jean".to_owned() } else { word }
}

/// How trustworthy a client's name is.
pub(super) fn source(client: &Client) -> ClientSource {
    match client.origin {
        ClientOrigin::Configured => ClientSource::Configured,
        ClientOrigin::Registered => ClientSource::Unverified,
        ClientOrigin::Document => match client.confirmed_host() {
            Some(host) => ClientSource::Document { host, name: client.chosen_name() },
            None => ClientSource::Local(client.id.host()),
        },
    }
}

/// The destination of the answer, as pages show it.
pub(super) fn destination(uri: &RedirectUri) -> Destination {
    match uri.kind() {
        RedirectKind::Https => Destination::Site(uri.host()),
        RedirectKind::Loopback | RedirectKind::LoopbackHttps => Destination::ThisComputer,
        RedirectKind::Network => Destination::Network(uri.host()),
        RedirectKind::PrivateUse => Destination::App(uri.host().trim_end_matches(':').to_owned()),
    }
}

/// The signed-in person, as pages show them.
pub(super) fn account(person: &Person) -> Account {
    let label = person.label().to_owned();
    Account { name: person.name.clone().filter(|name| *name != label), label }
}

/// The request in the terms of the protocol.
pub(super) fn details(request: &AuthorizationRequest) -> Details {
    Details {
        client_id: request.client.id.to_string(),
        redirect_uri: request.return_to.redirect_uri().to_string(),
        resource: request.resources.to_string(),
        scopes: request.scopes.to_string(),
    }
}

/// What the client learns about the person, by the scopes of OpenID Connect (Core section 5.4). Without `openid` it learns
/// nothing.
fn learns(request: &AuthorizationRequest, past: &Past) -> Option<ScopeLine> {
    let asks = |scope| request.scopes.contains(OPENID) && request.scopes.contains(scope);
    let words = match (asks(PROFILE), asks(EMAIL)) {
        (true, true) => "your name and email address",
        (true, false) => "your name",
        (false, true) => "your email address",
        (false, false) => return None,
    };
    let is_new = |before: &Scopes, scope| asks(scope) && !(before.contains(OPENID) && before.contains(scope));
    Some(ScopeLine {
        words: words.to_owned(),
        name: OPENID.to_owned(),
        new: past.scopes(request).is_some_and(|before| is_new(&before, PROFILE) || is_new(&before, EMAIL)),
    })
}

/// When the person first allowed this client something, and what changed since the last consent. `more` is true if a line is
/// new.
fn seen(request: &AuthorizationRequest, past: &Past, more: bool) -> Seen {
    let Some(since) = past.since() else { return Seen::FirstTime };
    let News { destination, resources, client } = past.news(request);
    let news = [
        (more, "it asks for more"),
        (resources, "it asks for another part of this server"),
        (destination, "it sends you back to a different address"),
        (client, "its details have changed"),
    ];
    let news: Vec<&str> = news.into_iter().filter_map(|(is_new, words)| is_new.then_some(words)).collect();
    Seen::Since { day: day(since), news: news.join("; ") }
}

/// "3 May 2026", in UTC.
fn day(at: UnixTime) -> String {
    let format = format_description!("[day padding:none] [month repr:long] [year]");
    OffsetDateTime::from_unix_timestamp(at.0).ok().and_then(|at| at.format(&format).ok()).unwrap_or_default()
}

/// "30 days unused", or a shorter span in its unit. Without refresh tokens: the life of one access token.
pub(super) fn lasts(settings: &Settings, client: &Client) -> String {
    let tokens = &settings.tokens;
    if client.may_refresh() { span(tokens.refresh_idle) + " unused" } else { span(tokens.access_lifetime) }
}

fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..7200 => (seconds / 60, "minutes"),
        7200..172_800 => (seconds / 3600, "hours"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}
