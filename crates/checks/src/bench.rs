//! The jean that is checked: complete, started for the table, and gone with it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use serde_json::Value;

use crate::testing::browser::{Browser, Page};
use crate::testing::client::{Client, Tokens};
use crate::testing::issuer::{Account, Issuer, IssuerOptions};
use crate::{Clock as _, Config, Jean, ManualClock, SystemClock, random};

use super::wire;

/// The issuer of the jean that is checked. It answers within this process: nothing listens there.
pub(super) const ISSUER: &str = "http://localhost:8080";

/// Its one protected resource, the built-in MCP server.
pub(super) const RESOURCE: &str = "http://localhost:8080/mcp";

/// Where clients of the table want their answers.
pub(super) const CALLBACK: &str = "http://127.0.0.1:7777/callback";

/// The mount of the built-in server: one scope by default, one to ask for.
pub(super) const MOUNT: &str = "[mcp.default]\nscopes = { read = \"Read your data\", write = \"Change your data\" }\n\
                     default_scopes = [\"read\"]\nrequired_scopes = [\"read\"]\n";

/// A running jean, the provider where people sign in, and the time by which both go.
pub(super) struct Bench {
    pub(super) clock: Arc<ManualClock>,
    router: Router,
    /// Whoever sends a single request.
    anybody: Client,
    /// A browser that nobody used.
    browser: Browser,
    jean: Jean,
    _issuer: Issuer,
    _folder: Folder,
}

impl Bench {
    /// Starts one on SQLite with one mount.
    pub(super) async fn start() -> Result<Self> {
        Bench::with(MOUNT).await
    }

    /// The same with other tables in its `jean.toml`; its clock is its own.
    pub(super) async fn with(tables: &str) -> Result<Self> {
        Bench::at(ISSUER, tables).await
    }

    /// The same with another public URL. Clients and browsers of the bench know [`ISSUER`] only.
    pub(super) async fn at(public_url: &str, tables: &str) -> Result<Self> {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let issuer = Issuer::start(IssuerOptions::new(clock.clone())).await.context("the provider")?;
        issuer.allow_redirect_uri(format!("{public_url}/oauth/callback/idp"));
        issuer.sign_in_as(Account::named("Ada Lovelace"));
        let folder = Folder::make().context("a temporary folder")?;
        let mut config = Config::from_toml(tables)?;
        for (key, value) in [
            ("public_url", public_url),
            ("database", &format!("sqlite://{}", folder.0.join("jean.db").display())),
            ("upstream.idp.kind", "oidc"),
            ("upstream.idp.issuer", issuer.url()),
            ("upstream.idp.client_id", issuer.client_id()),
            ("upstream.idp.client_secret", issuer.client_secret()),
        ] {
            config.set(key, value)?;
        }
        let jean = Jean::builder(config).clock(clock.clone()).start().await?;
        let router = jean.service();
        let (anybody, browser) = (Client::new(ISSUER, router.clone()), Browser::new(ISSUER, router.clone()));
        Ok(Bench { clock, router, anybody, browser, jean, _issuer: issuer, _folder: folder })
    }

    /// Ends it, and takes its files away.
    pub(super) async fn close(self) {
        self.jean.close().await;
    }

    /// A browser without cookies.
    pub(super) fn browser(&self) -> Browser {
        self.browser.clone()
    }

    /// A public client that is not registered.
    pub(super) fn stranger(&self) -> Client {
        let mut client = Client::new(ISSUER, self.router.clone());
        client.redirect_uri = CALLBACK.into();
        client
    }

    /// A registered public client.
    pub(super) async fn client(&self) -> Result<Client> {
        self.client_with(Value::Null).await
    }

    /// A registered client whose metadata differs in this; it asks with its first redirect URI.
    pub(super) async fn client_with(&self, changes: Value) -> Result<Client> {
        let mut client = self.stranger();
        let mut metadata = client.metadata();
        for (name, value) in changes.as_object().into_iter().flatten() {
            metadata[name] = value.clone();
        }
        let page = client.post_json("/oauth/register", &metadata).await;
        let json = wire::json(&page)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        client.id = text(&json["client_id"]).with_context(|| format!("it is not registered: {}", page.body))?;
        client.secret = text(&json["client_secret"]);
        client.auth_method = text(&json["token_endpoint_auth_method"]).unwrap_or_default();
        client.redirect_uri = text(&json["redirect_uris"][0]).unwrap_or_default();
        Ok(client)
    }

    /// A confidential client by this method.
    pub(super) async fn confidential(&self, method: &str) -> Result<Client> {
        self.client_with(serde_json::json!({ "token_endpoint_auth_method": method })).await
    }

    /// A code for a client, by a request that differs in this.
    pub(super) async fn code_for(&self, client: &Client, changes: &[(&str, &str)]) -> Result<String> {
        let page = client.authorize(&mut self.browser(), changes).await;
        page.answer().get("code").cloned().with_context(|| format!("no code: {} {}", page.status, page.url))
    }

    /// A registered public client, and a code for it.
    pub(super) async fn code(&self) -> Result<(Client, String)> {
        let client = self.client().await?;
        let code = self.code_for(&client, &[]).await?;
        Ok((client, code))
    }

    /// Tokens for a client, by a request that differs in this.
    pub(super) async fn tokens_for(&self, client: &Client, changes: &[(&str, &str)]) -> Result<Tokens> {
        let code = self.code_for(client, changes).await?;
        wire::granted(client.redeem(&code, &[]).await)
    }

    /// A registered public client, and its tokens.
    pub(super) async fn tokens(&self) -> Result<(Client, Tokens)> {
        let client = self.client().await?;
        let tokens = self.tokens_for(&client, &[]).await?;
        Ok((client, tokens))
    }

    /// The answer to the client of an authorization request that differs in this and is refused.
    pub(super) async fn refusal(&self, client: &Client, changes: &[(&str, &str)]) -> Page {
        self.browser().get(&client.authorization_url(changes)).await
    }

    /// Sends one request, with every header as it is given and no cookies.
    pub(super) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let mut request = http::Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.anybody.send(path, request, body.to_owned()).await
    }

    /// Gets a path.
    pub(super) async fn get(&self, path: &str) -> Page {
        self.send("GET", path, &[], "").await
    }

    /// Gets a path whose answer must be JSON.
    pub(super) async fn document(&self, path: &str) -> Result<Value> {
        let page = self.get(path).await;
        anyhow::ensure!(page.status == 200, "{path} answers {}", page.status);
        wire::json(&page)
    }

    /// The metadata of the authorization server.
    pub(super) async fn metadata(&self) -> Result<Value> {
        self.document("/.well-known/oauth-authorization-server").await
    }

    /// Calls the MCP endpoint with these headers beside those that every call has.
    pub(super) async fn call(&self, headers: &[(&str, &str)], message: &Value) -> Page {
        let mut all = vec![("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        all.extend_from_slice(headers);
        self.send("POST", "/mcp", &all, &message.to_string()).await
    }
}

/// A folder for its owner alone, deleted when dropped.
struct Folder(PathBuf);

impl Folder {
    fn make() -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let name = format!("jean-conformance-{}", random::text::<16>());
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
