//! A running jean in the test's own process, with a clock that the test moves and an upstream that does as it is told.

pub(crate) mod black_hole;
pub(crate) mod browsing;
pub(crate) mod cluster;
mod database;
pub(crate) mod documents;
pub(crate) mod forge;
pub(crate) mod hang_up;
pub(crate) mod log;
pub(crate) mod losable;
pub(crate) mod messages;
mod postgres;
pub(crate) mod running;
pub(crate) mod shot;
pub(crate) mod tokens;
pub(crate) mod wire;

use std::sync::Arc;

use axum::Router;
use jean::testing::ManualClock;
use jean::{Clock as _, Config, Jean, UnixTime};
use jean_testing::browser::{Browser, Page};
use jean_testing::client::{Client, Tokens};
use jean_testing::document::DocumentHost;
use jean_testing::issuer::{Account, Issuer, IssuerOptions};
use tempfile::TempDir;

pub(crate) use postgres::postgres;

/// Where jean is, for most tests.
pub(crate) const ORIGIN: &str = "http://localhost:8080";

/// The resource of its one mount.
pub(crate) const RESOURCE: &str = "http://localhost:8080/mcp";

/// The root secret of every test.
pub(crate) const SECRET: &str = "ssssssssssssssssssssssssssssssss";

/// The database of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Db {
    Sqlite,
    Postgres,
}

/// Both databases, for what must hold on either.
pub(crate) const BOTH: [Db; 2] = [Db::Sqlite, Db::Postgres];

/// jean and everything around it.
pub(crate) struct World {
    pub jean: Jean,
    pub router: Router,
    pub clock: Arc<ManualClock>,
    pub issuer: Issuer,
    pub origin: String,
    pub public_url: String,
    /// `jean.toml`, to start a second jean on the same data.
    pub config: String,
    /// How many unused registrations a sweep leaves, and how many there may be.
    bounds: Option<(u64, u64)>,
    /// Its files, until the test ends.
    _folder: Option<TempDir>,
}

impl World {
    /// jean on SQLite with an upstream that signs Ada in without asking.
    pub(crate) async fn new() -> Self {
        World::with("").await
    }

    /// The same with more tables in its `jean.toml`.
    pub(crate) async fn with(tables: &str) -> Self {
        World::at(ORIGIN, Db::Sqlite, tables).await
    }

    /// The same on this database.
    pub(crate) async fn on(db: Db, tables: &str) -> Self {
        World::at(ORIGIN, db, tables).await
    }

    /// The same on this database, where a sweep leaves so many unused registrations, and there may be so many.
    pub(crate) async fn bounded(db: Db, kept: u64, most: u64) -> Self {
        let (database, folder) = new_database(db).await;
        World { _folder: Some(folder), ..World::build(ORIGIN, &database, "", Some((kept, most))).await }
    }

    /// The same with this public URL.
    pub(crate) async fn at(public_url: &str, db: Db, tables: &str) -> Self {
        let (database, folder) = new_database(db).await;
        World { _folder: Some(folder), ..World::on_database(public_url, &database, tables).await }
    }

    /// The same on the database at this URL.
    pub(crate) async fn on_database(public_url: &str, database: &str, tables: &str) -> Self {
        World::build(public_url, database, tables, None).await
    }

    async fn build(public_url: &str, database: &str, tables: &str, bounds: Option<(u64, u64)>) -> Self {
        let clock = Arc::new(ManualClock::new(UnixTime(1_800_000_000)));
        let issuer = Issuer::start(IssuerOptions::new(seconds_of(&clock))).await.expect("the issuer starts");
        issuer.allow_redirect_uri(format!("{public_url}/oauth/callback/idp"));
        issuer.sign_in_as(Account::named("Ada Lovelace"));
        let mount = if tables.contains("[mcp.") { "" } else { MOUNT };
        let config = format!(
            "public_url = \"{public_url}\"\ndatabase = \"{database}\"\nsecret = \"{SECRET}\"\n\
             [upstream.idp]\nkind = \"oidc\"\nlabel = \"Acme\"\nissuer = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\n\
             {mount}\n{tables}\n",
            issuer.url(),
            issuer.client_id(),
            issuer.client_secret(),
        );
        let jean = start(&config, bounds, &clock).await;
        let origin = url::Url::parse(public_url).expect("a URL").origin().ascii_serialization();
        let public_url = public_url.to_owned();
        World { router: jean.service(), jean, clock, issuer, origin, public_url, config, bounds, _folder: None }
    }

    /// A second jean on the same data, as another process would be.
    pub(crate) async fn replica(&self) -> Jean {
        self.replica_with("").await
    }

    /// The same with more tables in its `jean.toml`.
    pub(crate) async fn replica_with(&self, tables: &str) -> Jean {
        start(&format!("{}\n{tables}", self.config), self.bounds, &self.clock).await
    }

    /// A browser without cookies.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.origin.clone(), self.router.clone())
    }

    /// A client that is not registered.
    pub(crate) fn stranger(&self) -> Client {
        Client::new(&self.public_url, self.router.clone())
    }

    /// A registered public client with an https redirect URI.
    pub(crate) async fn client(&self) -> Client {
        let mut client = self.stranger();
        client.register().await;
        assert!(!client.id.is_empty(), "the client is registered");
        client
    }

    /// A web site with the document of a public client, and that client.
    pub(crate) async fn document_client(&self) -> (DocumentHost, Client) {
        let host = DocumentHost::start().await.expect("a document host");
        let mut client = self.stranger();
        client.publish(&host, "/client.json");
        (host, client)
    }

    /// A registered client, and a code for it.
    pub(crate) async fn code(&self) -> (Client, String) {
        let client = self.client().await;
        let page = client.authorize(&mut self.browser(), &[]).await;
        (client, code_of(&page))
    }

    /// A registered client with its tokens.
    pub(crate) async fn tokens(&self) -> (Client, Tokens) {
        let (client, code) = self.code().await;
        let tokens = client.redeem(&code, &[]).await;
        assert_eq!(tokens.status, 200, "{}", tokens.json);
        (client, tokens)
    }
}

/// A provider's clock: the seconds of ours.
pub(crate) fn seconds_of(clock: &Arc<ManualClock>) -> impl Fn() -> i64 + Send + Sync + 'static {
    let clock = clock.clone();
    move || clock.now().0
}

/// The URL of a new database, and the folder of its files.
async fn new_database(db: Db) -> (String, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = match db {
        Db::Sqlite => format!("sqlite://{}", folder.path().join("jean.db").display()),
        Db::Postgres => postgres().await,
    };
    (database, folder)
}

/// The one mount of most tests.
const MOUNT: &str = "[mcp.default]\nscopes = { read = \"Read your data\", write = \"Change your data\" }\n\
                     default_scopes = [\"read\"]\nrequired_scopes = [\"read\"]\n";

async fn start(config: &str, bounds: Option<(u64, u64)>, clock: &Arc<ManualClock>) -> Jean {
    let mut config = Config::from_toml(config).expect("the configuration can be used");
    if let Some((kept, most)) = bounds {
        config.bound_registrations(kept, most);
    }
    // No test asks DNS: what is not on this computer does not answer.
    Jean::builder(config).clock(clock.clone()).names(|_| Vec::new()).start().await.expect("jean starts")
}

/// The code on its way to the client.
pub(crate) fn code_of(page: &Page) -> String {
    page.redirect_params().get("code").unwrap_or_else(|| panic!("no code: {page:?}")).clone()
}
