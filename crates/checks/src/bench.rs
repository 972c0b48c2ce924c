//! The bench on which a server is checked: started for the table, with a provider and a person, and gone with it.

use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use axum::Router;
use jean_testing::browser::{Browser, Page};
use jean_testing::client::{Client, Tokens};
use jean_testing::issuer::{Account, Issuer, IssuerOptions};
use jean_testing::random;
use serde_json::Value;

use crate::subject::{CALLBACK, Clock, ISSUER, MOUNT, Provider, Setup, Subject};
use crate::wire;

/// Starts a server.
type Start = Rc<dyn Fn(Setup) -> Pin<Box<dyn Future<Output = Result<Subject>>>>>;

/// A running server, the provider where people sign in, and the time by which both go.
pub(super) struct Bench {
    pub(super) clock: Clock,
    start: Start,
    router: Option<Router>,
    /// Whoever sends a single request.
    anybody: Client,
    /// A browser that nobody used.
    browser: Browser,
    end: Pin<Box<dyn Future<Output = ()>>>,
    _issuer: Issuer,
    _folder: Folder,
}

impl Bench {
    /// One with one mount.
    pub(super) async fn start<S>(start: S) -> Result<Self>
    where
        S: AsyncFn(Setup) -> Result<Subject> + 'static,
    {
        let start = Rc::new(start);
        let start: Start = Rc::new(move |setup| {
            let start = start.clone();
            Box::pin(async move { start(setup).await })
        });
        Bench::set_up(start, ISSUER, MOUNT).await
    }

    /// Another of the same kind, for a row that moves the clock.
    pub(super) async fn fresh(&self) -> Result<Self> {
        self.with(MOUNT).await
    }

    /// Another with other tables in its `jean.toml`; its clock is its own.
    pub(super) async fn with(&self, tables: &str) -> Result<Self> {
        self.at(ISSUER, tables).await
    }

    /// The same with another public URL. Clients and browsers of the bench know [`ISSUER`] only.
    pub(super) async fn at(&self, public_url: &str, tables: &str) -> Result<Self> {
        Bench::set_up(self.start.clone(), public_url, tables).await
    }

    async fn set_up(start: Start, public_url: &str, tables: &str) -> Result<Self> {
        let clock = Clock::new();
        let time = clock.clone();
        let issuer = Issuer::start(IssuerOptions::new(move || time.now())).await.context("the provider")?;
        issuer.allow_redirect_uri(format!("{public_url}/oauth/callback/idp"));
        issuer.sign_in_as(Account::named("Ada Lovelace"));
        let folder = Folder::make().context("a temporary folder")?;
        let setup = Setup {
            public_url: public_url.to_owned(),
            tables: tables.to_owned(),
            provider: Provider {
                issuer: issuer.url().to_owned(),
                client_id: issuer.client_id().to_owned(),
                client_secret: issuer.client_secret().to_owned(),
            },
            clock: clock.clone(),
            folder: folder.0.clone(),
        };
        let Subject { router, end } = start(setup).await?;
        let (anybody, browser) = (Client::new(ISSUER, router.clone()), Browser::new(ISSUER, router.clone()));
        Ok(Bench { clock, start, router, anybody, browser, end, _issuer: issuer, _folder: folder })
    }

    /// Ends it, and takes its files away.
    pub(super) async fn close(self) {
        self.end.await;
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
        page.redirect_params().get("code").cloned().with_context(|| format!("no code: {} {}", page.status, page.url))
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

    /// Sends one request by its line, `METHOD path`, with every header as it is given and no cookies.
    pub(super) async fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let (method, path) = line.split_once(' ').unwrap_or((line, "/"));
        let mut request = http::Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.anybody.send(path, request, body.to_owned()).await
    }

    /// Gets a path.
    pub(super) async fn get(&self, path: &str) -> Page {
        self.send(&format!("GET {path}"), &[], "").await
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

    /// Calls the MCP endpoint with these headers and those that every call has.
    pub(super) async fn call(&self, headers: &[(&str, &str)], message: &Value) -> Page {
        let mut all = vec![("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        all.extend_from_slice(headers);
        self.send("POST /mcp", &all, &message.to_string()).await
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
