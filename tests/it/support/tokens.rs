//! What the tests of the token side share: other clients, other processes on the same data, and the database itself.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jean::Jean;
use jean_testing::browser::Page;
use jean_testing::client::{Client, Tokens};
use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use tower::ServiceExt as _;

use super::{World, code_of};

/// The form's media type.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

impl World {
    /// A registered client whose metadata differs in this.
    pub(crate) async fn client_with(&self, changes: Value) -> Client {
        let mut client = self.stranger();
        let mut metadata = client.metadata();
        let changes = changes.as_object().expect("an object");
        metadata.as_object_mut().expect("an object").extend(changes.clone());
        let json = json_of(&client.post_json("/oauth/register", &metadata).await);
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        client.id = text("client_id").unwrap_or_else(|| panic!("not registered: {json}"));
        client.secret = text("client_secret");
        client.auth_method = text("token_endpoint_auth_method").unwrap_or_default();
        client.redirect_uri = json["redirect_uris"][0].as_str().unwrap_or_default().to_owned();
        client
    }

    /// A code for this client, by a request that differs in this.
    pub(crate) async fn code_for(&self, client: &Client, changes: &[(&str, &str)]) -> String {
        code_of(&client.authorize(&mut self.browser(), changes).await)
    }

    /// Tokens for this client, by a request that differs in this.
    pub(crate) async fn tokens_for(&self, client: &Client, changes: &[(&str, &str)]) -> Tokens {
        let tokens = client.redeem(&self.code_for(client, changes).await, &[]).await;
        assert_eq!(tokens.status, 200, "{}", tokens.json);
        tokens
    }

    /// A connection of our own to jean's database.
    pub(crate) async fn database(&self) -> Database {
        Database::open(&self.database_url()).await
    }

    /// Sends bytes to jean by a request's line, `METHOD path`.
    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Page {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.into())).expect("a request");
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.expect("the body");
        let body = String::from_utf8(body.into()).expect("text");
        Page { url: path.to_owned(), status: parts.status, headers: parts.headers, body }
    }
}

/// jean's database, seen from outside.
pub(crate) struct Database(AnyConnection);

impl Database {
    /// A connection to the database at `url`.
    pub(crate) async fn open(url: &str) -> Self {
        Database(AnyConnection::connect(url).await.expect("the database opens"))
    }

    /// Runs statements.
    pub(crate) async fn run(&mut self, sql: impl Into<String>) {
        self.0.execute(AssertSqlSafe(sql.into())).await.expect("the statements run");
    }

    /// The first number of the first row.
    pub(crate) async fn number(&mut self, sql: &str) -> i64 {
        self.0.fetch_one(AssertSqlSafe(sql)).await.expect("a row").get(0)
    }

    /// The first text of the first row.
    pub(crate) async fn text(&mut self, sql: &str) -> String {
        self.0.fetch_one(AssertSqlSafe(sql)).await.expect("a row").get(0)
    }

    /// How often the one grant's refresh token was given: 1 after the code.
    pub(crate) async fn generation(&mut self) -> i64 {
        assert_eq!(self.number("SELECT COUNT(*) FROM grants").await, 1, "one grant");
        self.number("SELECT rt_gen FROM grants").await
    }
}

/// The same client, talking to another jean.
pub(crate) fn moved(client: &Client, jean: &Jean) -> Client {
    let mut moved = Client::new(&client.issuer, jean.service());
    moved.id.clone_from(&client.id);
    moved.secret.clone_from(&client.secret);
    moved.auth_method.clone_from(&client.auth_method);
    moved.redirect_uri.clone_from(&client.redirect_uri);
    moved.verifier.clone_from(&client.verifier);
    moved
}

/// The body as JSON.
pub(crate) fn json_of(page: &Page) -> Value {
    serde_json::from_str(&page.body).unwrap_or_else(|error| panic!("{error}: {page:?}"))
}

/// What a JWT says in one of its parts, unverified: 0 is the header, 1 the claims.
pub(crate) fn jwt_part(token: &str, part: usize) -> Value {
    let part = token.split('.').nth(part).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// The same token with one byte of its secret changed.
pub(crate) fn forged(token: &str, at: usize) -> String {
    let (front, secret) = token.split_once('.').expect("a token of ours");
    let mut secret = URL_SAFE_NO_PAD.decode(secret).expect("base64url");
    secret[at] ^= 1;
    format!("{front}.{}", URL_SAFE_NO_PAD.encode(secret))
}

/// Checks the error of a program's endpoint: status, code, and the form that RFC 6749 section 5.2 asks for.
#[track_caller]
pub(crate) fn assert_error(page: &Page, status: StatusCode, error: &str) {
    let json = json_of(page);
    assert_eq!((page.status, json["error"].as_str()), (status, Some(error)), "{}", page.body);
    let names: Vec<&String> = json.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["error", "error_description"], "{}", page.body);
    let description = json["error_description"].as_str().expect("a description");
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(!description.is_empty() && description.chars().all(allowed), "{description}");
    assert_eq!(header_of(&page.headers, "content-type"), "application/json");
    assert_no_store(page);
    if status == StatusCode::UNAUTHORIZED {
        assert!(header_of(&page.headers, "www-authenticate").starts_with("Basic "), "{:?}", page.headers);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        assert!(header_of(&page.headers, "retry-after").parse::<u32>().is_ok(), "{:?}", page.headers);
    }
}

/// RFC 6749 section 5.1: nothing on the way keeps the answer.
#[track_caller]
pub(crate) fn assert_no_store(page: &Page) {
    assert_eq!(header_of(&page.headers, "cache-control"), "no-store", "{page:?}");
}

/// A header's text; empty where it is missing.
pub(crate) fn header_of<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Checks that a token is dead for its family: refused as bearer and for refreshing.
pub(crate) async fn assert_dead(client: &Client, tokens: &Tokens) {
    assert_eq!(client.whoami(tokens.access()).await.status, 401, "the access token");
    assert_eq!(client.refresh(tokens.refresh(), &[]).await.error(), "invalid_grant", "the refresh token");
}

/// Checks that a family lives, and gives its next tokens.
pub(crate) async fn assert_alive(client: &Client, tokens: &Tokens) -> Tokens {
    let page = client.whoami(tokens.access()).await;
    assert_eq!(page.status, 200, "the access token: {}", page.body);
    let next = client.refresh(tokens.refresh(), &[]).await;
    assert_eq!(next.status, 200, "the refresh token: {}", next.json);
    next
}
