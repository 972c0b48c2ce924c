//! A browser without a window: cookies, redirects, refreshes and forms, against a router in the same process and, for
//! every other loopback address, over the network.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::{HeaderMap, Request, header};
use url::Url;

pub use crate::page::{Form, Page};
use crate::way::{Target, Way, origin_of};

/// One person's browser.
#[derive(Clone)]
pub struct Browser {
    origin: String,
    way: Way,
    /// By host, since cookies know no ports; then by name.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

impl Browser {
    /// A browser without cookies, for which `router` answers at `origin` or, if there is none, the network.
    pub fn new(origin: impl Into<String>, router: impl Into<Option<Router>>) -> Self {
        Browser { origin: origin.into(), way: Way::new(router.into()), cookies: BTreeMap::new() }
    }

    /// Opens an address, without following where it leads.
    pub async fn get(&mut self, url: &str) -> Page {
        self.send(&format!("GET {url}"), &[], None).await
    }

    /// Posts a form, as a page of the same origin would.
    pub async fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        let headers = [("origin", self.origin.clone()), ("sec-fetch-site", "same-origin".into())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send(&format!("POST {url}"), &headers, Some(fields)).await
    }

    /// Sends a request by its line, `METHOD url`, with headers of one's own.
    pub async fn send(&mut self, line: &str, headers: &[(&str, &str)], form: Option<&[(&str, &str)]>) -> Page {
        let (method, url) = line.split_once(' ').unwrap_or(("GET", line));
        let url = self.absolute(url);
        let host = host_of(&url);
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookies) = self.cookies.get(&host).filter(|cookies| !cookies.is_empty()) {
            let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        let body = form.map(|form| {
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form.iter().copied()).finish()
        });
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let page = self.way.send(Target { origin: &self.origin, url: &url }, request, body.unwrap_or_default()).await;
        self.keep_cookies(&host, &page.headers);
        page
    }

    /// Goes on through redirects and refreshes, until a page stays or the way leads to an address that nobody here
    /// answers, such as the client's.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..20 {
            let Some(next) = page.leads_to() else { return page };
            let url = self.absolute(&next);
            if !url.starts_with(&self.origin) && !is_plain_loopback(&url) {
                return page;
            }
            if is_callback_of_a_client(&url, &self.origin) {
                return page;
            }
            page = self.get(&url).await;
        }
        page
    }

    /// Presses the button with this value on the page's form, and follows where that leads.
    pub async fn press(&mut self, page: &Page, answer: &str) -> Page {
        let page = self.submit(page, &[("answer", answer)]).await;
        self.follow(page).await
    }

    /// Sends the page's form with its hidden fields and these, without following where that leads.
    pub async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let form = page.form();
        let hidden = form.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = hidden.chain(fields.iter().copied()).collect();
        let action = Url::parse(&page.url).and_then(|base| base.join(&form.action));
        let action = action.map_or(form.action, String::from);
        let origin = origin_of(&action);
        let headers = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
        self.send(&format!("POST {action}"), &headers, Some(&all)).await
    }

    /// The cookies for a host, by name.
    pub fn cookies(&mut self, host: &str) -> &mut BTreeMap<String, String> {
        self.cookies.entry(host.to_owned()).or_default()
    }

    fn absolute(&self, url: &str) -> String {
        if url.starts_with('/') { format!("{}{url}", self.origin) } else { url.to_owned() }
    }

    fn keep_cookies(&mut self, host: &str, headers: &HeaderMap) {
        let jar = self.cookies.entry(host.to_owned()).or_default();
        for set in headers.get_all(header::SET_COOKIE).iter().filter_map(|set| set.to_str().ok()) {
            let Ok(cookie) = cookie::Cookie::parse(set) else { continue };
            if cookie.value().is_empty() || cookie.max_age().is_some_and(|age| age.is_zero()) {
                jar.remove(cookie.name());
            } else {
                jar.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
    }
}

fn host_of(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// Our issuer, and nothing else, is at an address of this form.
fn is_plain_loopback(url: &str) -> bool {
    url.starts_with("http://127.0.0.1:")
}

fn is_callback_of_a_client(url: &str, origin: &str) -> bool {
    let query = Url::parse(url).ok().map(|url| url.query_pairs().any(|(name, _)| name == "code" || name == "error"));
    query == Some(true) && !url.starts_with(origin)
}
