//! An MCP client without a model: registers, asks for authorization, redeems, refreshes, calls, revokes. Each step is a
//! call of its own, so that a test stops where it likes and changes one thing.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::document::{Answer, DocumentHost};
use crate::random;
use crate::way::{Target, Way, origin_of};

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    way: Way,
    /// The server's issuer: its origin and, where it has one, its path.
    pub issuer: String,
    /// `client_id`; empty until registered.
    pub id: String,
    /// `client_secret`, where it has one.
    pub secret: Option<String>,
    /// How it authenticates.
    pub auth_method: String,
    /// Where it wants the answer.
    pub redirect_uri: String,
    /// The PKCE verifier of its requests.
    pub verifier: String,
    /// `state` of its requests.
    pub state: String,
}

/// What the token endpoint answered.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub json: Value,
}

impl Tokens {
    /// A text of the answer; empty where it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    /// The access token.
    pub fn access(&self) -> &str {
        self.text("access_token")
    }

    /// The refresh token.
    pub fn refresh(&self) -> &str {
        self.text("refresh_token")
    }

    /// The error's code.
    pub fn error(&self) -> &str {
        self.text("error")
    }
}

/// The challenge of a verifier, and of any other text, by the method S256 (RFC 7636 section 4.2).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

impl Client {
    /// A client that is not registered yet, of the server whose issuer is `issuer`: `router` in this process or, if there
    /// is none, one on the network.
    pub fn new(issuer: &str, router: impl Into<Option<Router>>) -> Self {
        Client {
            way: Way::new(router.into()),
            issuer: issuer.to_owned(),
            id: String::new(),
            secret: None,
            auth_method: "none".into(),
            redirect_uri: "https://client.example/callback".into(),
            verifier: random::text::<32>(),
            state: random::text::<9>(),
        }
    }

    /// The same client at another server, or at another process of the same.
    #[must_use]
    pub fn at(&self, issuer: &str, router: impl Into<Option<Router>>) -> Self {
        Client { issuer: issuer.to_owned(), way: self.way.to(router.into()), ..self.clone() }
    }

    /// The metadata that [`register`](Self::register) sends.
    pub fn metadata(&self) -> Value {
        json!({
            "client_name": "Scripted client",
            "redirect_uris": [self.redirect_uri],
            "token_endpoint_auth_method": self.auth_method,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        })
    }

    /// Registers (RFC 7591), and keeps id and secret.
    pub async fn register(&mut self) -> Value {
        let page = self.post_json("/oauth/register", &self.metadata()).await;
        let json: Value = serde_json::from_str(&page.body).unwrap_or_default();
        self.id = json["client_id"].as_str().unwrap_or_default().to_owned();
        self.secret = json["client_secret"].as_str().map(str::to_owned);
        json
    }

    /// The client ID metadata document of this client at an address, which becomes its id.
    pub fn document(&mut self, url: &str) -> Value {
        self.id = url.to_owned();
        let mut document = self.metadata();
        document["client_id"] = url.into();
        document
    }

    /// Puts its document on a web site at this path, instead of registering.
    pub fn publish(&mut self, host: &DocumentHost, path: &str) -> Value {
        let document = self.document(&host.url(path));
        host.serve(path, Answer::json(&document));
        document
    }

    /// The parameters of its authorization request.
    pub fn authorization_request(&self) -> BTreeMap<String, String> {
        [
            ("response_type", "code".to_owned()),
            ("client_id", self.id.clone()),
            ("redirect_uri", self.redirect_uri.clone()),
            ("code_challenge", challenge(&self.verifier)),
            ("code_challenge_method", "S256".to_owned()),
            ("state", self.state.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The authorization URL; each change replaces a parameter, or leaves it out where the value is empty.
    pub fn authorization_url(&self, changes: &[(&str, &str)]) -> String {
        let mut parameters = self.authorization_request();
        for (name, value) in changes {
            parameters.insert((*name).to_owned(), (*value).to_owned());
        }
        parameters.retain(|_, value| !value.is_empty());
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        format!("{}/oauth/authorize?{query}", self.issuer)
    }

    /// The whole way of a person who signs in and agrees to everything; the answer is on its way to the client.
    pub async fn authorize(&self, browser: &mut Browser, changes: &[(&str, &str)]) -> Page {
        self.authorize_at(browser, &self.authorization_url(changes)).await
    }

    /// The same from an authorization URL of one's own.
    pub async fn authorize_at(&self, browser: &mut Browser, url: &str) -> Page {
        let mut page = browser.get(url).await;
        for _ in 0..4 {
            page = browser.follow(page).await;
            let answers = page.form().answers;
            let wanted =
                |answer: &&String| matches!(answer.as_str(), "allow" | "continue") || answer.starts_with("upstream:");
            match answers.iter().find(wanted) {
                Some(answer) if page.leads_to().is_none() => page = browser.press(&page, answer).await,
                _ => return page,
            }
        }
        page
    }

    /// Redeems a code; each change replaces a parameter, or leaves it out where the value is empty.
    pub async fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Tokens {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &self.verifier),
        ];
        self.token(&fields, changes).await
    }

    /// Uses a refresh token; changes as in [`redeem`](Self::redeem).
    pub async fn refresh(&self, token: &str, changes: &[(&str, &str)]) -> Tokens {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)], changes).await
    }

    /// Asks the token endpoint, authenticated.
    pub async fn token(&self, fields: &[(&str, &str)], changes: &[(&str, &str)]) -> Tokens {
        let page = self.post_form("/oauth/token", fields, changes).await;
        Tokens { status: page.status, json: serde_json::from_str(&page.body).unwrap_or_default() }
    }

    /// Revokes a token (RFC 7009).
    pub async fn revoke(&self, token: &str) -> Page {
        self.post_form("/oauth/revoke", &[("token", token)], &[]).await
    }

    /// Posts a form, authenticated by the client's method; a change of `authorization` replaces the header.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)], changes: &[(&str, &str)]) -> Page {
        let mut all: Vec<(&str, &str)> = fields.to_vec();
        let mut authorization = None;
        match (self.auth_method.as_str(), &self.secret) {
            ("client_secret_basic", Some(secret)) => {
                authorization = Some(format!("Basic {}", STANDARD.encode(format!("{}:{secret}", self.id))));
            }
            ("client_secret_post", Some(secret)) => {
                all.extend([("client_id", self.id.as_str()), ("client_secret", secret)])
            }
            _ => all.push(("client_id", &self.id)),
        }
        for (name, value) in changes {
            if *name == "authorization" {
                authorization = Some((*value).to_owned());
                continue;
            }
            all.retain(|(known, _)| known != name);
            all.push((name, value));
        }
        all.retain(|(_, value)| !value.is_empty());
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        let mut request =
            Request::builder().method(Method::POST).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization.filter(|authorization| !authorization.is_empty()) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.send(path, request, body).await
    }

    /// Posts JSON.
    pub async fn post_json(&self, path: &str, json: &Value) -> Page {
        let request = Request::builder().method(Method::POST).header(header::CONTENT_TYPE, "application/json");
        self.send(path, request, json.to_string()).await
    }

    /// Calls the MCP endpoint at `path` with a bearer token, where one is given.
    pub async fn call(&self, path: &str, token: Option<&str>, message: &Value) -> Page {
        let mut request = Request::builder()
            .method(Method::POST)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(path, request, message.to_string()).await
    }

    /// Calls the tool `whoami` of the built-in server at `/mcp`.
    pub async fn whoami(&self, token: &str) -> Page {
        let params = json!({ "name": "whoami", "arguments": {} });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        self.call("/mcp", Some(token), &message).await
    }

    /// Sends a request to a path below the issuer.
    pub async fn send(&self, path: &str, request: axum::http::request::Builder, body: String) -> Page {
        let url = format!("{}{path}", self.issuer);
        self.way.send(Target { origin: &origin_of(&url), url: &url }, request, body).await
    }
}

#[cfg(test)]
mod tests {
    /// The example of RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let challenge = super::challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
