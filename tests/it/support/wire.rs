//! Single requests, with every header as the test writes it.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use jean::Jean;
use jean_testing::browser::{Browser, Page};
use jean_testing::client::{Client, Tokens};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{ORIGIN, World, code_of};

/// Sends one request by its line, `METHOD path`. Host is that of [`ORIGIN`] unless a header says otherwise.
pub(crate) async fn ask(router: &Router, line: &str, headers: &[(&str, &str)], body: &str) -> Page {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if request.headers_ref().is_some_and(|headers| !headers.contains_key(header::HOST)) {
        request = request.header(header::HOST, &ORIGIN["http://".len()..]);
    }
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 4 << 20).await.expect("a body");
    let body = String::from_utf8_lossy(&body).into_owned();
    Page { url: path.to_owned(), status: parts.status, headers: parts.headers, body }
}

/// The JSON of a GET that must succeed.
pub(crate) async fn get_json(router: &Router, path: &str) -> Value {
    let page = ask(router, &format!("GET {path}"), &[], "").await;
    assert_eq!(page.status, 200, "{path}: {}", page.body);
    json_of(&page)
}

/// A body as JSON.
pub(crate) fn json_of(page: &Page) -> Value {
    serde_json::from_str(&page.body).unwrap_or_else(|error| panic!("{error}: {page:?}"))
}

/// A header's text; empty where it is missing.
pub(crate) fn text<'a>(page: &'a Page, name: &str) -> &'a str {
    page.headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

/// A client newly registered with the server whose issuer is `issuer`, and its tokens.
pub(crate) async fn tokens_of(issuer: &str, router: &Router, changes: &[(&str, &str)]) -> (Client, Tokens) {
    let origin = url::Url::parse(issuer).expect("a URL").origin().ascii_serialization();
    let mut client = Client::new(issuer, router.clone());
    client.register().await;
    let page = client.authorize(&mut Browser::new(origin, router.clone()), changes).await;
    let tokens = client.redeem(&code_of(&page), &[]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.json);
    (client, tokens)
}

/// The status of a call of whoami at a server of [`ORIGIN`].
pub(crate) async fn whoami(router: &Router, token: &str) -> u16 {
    Client::new(ORIGIN, router.clone()).whoami(token).await.status.as_u16()
}

/// Waits until whoami answers so, at most the five seconds that a revocation may take on another replica.
pub(crate) async fn whoami_becomes(router: &Router, token: &str, status: u16) {
    let wait = async {
        while whoami(router, token).await != status {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), wait).await.unwrap_or_else(|_| panic!("it never becomes {status}"));
}

impl World {
    /// A jean of another configuration, by the same clock.
    pub(crate) async fn start(&self, config: &str) -> Result<Jean, jean::Error> {
        let config = jean::Config::from_toml(config)?;
        Jean::builder(config).clock(self.clock.clone()).names(|_| Vec::new()).start().await
    }
}
