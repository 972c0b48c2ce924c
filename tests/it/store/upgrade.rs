//! A database of an earlier version lives on: nobody is signed out, no client has to register again, and a journey that is
//! under way comes to its end.
//!
//! `stored` has what earlier versions left behind, each in a folder named after its last migration, as SQL and with what
//! its clients and browsers held: Ada, signed in, with a grant, a code and a remembered consent; a journey before the provider's answer; and Grace,
//! one page before her consent. The provider of that day listened at port 48081. Nothing listens there now.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{Method, Request, header};
use jean::testing::ManualClock;
use jean::{Config, Jean, UnixTime};
use jean_testing::browser::Browser;
use jean_testing::client::Client;
use jean_testing::issuer::{Account, Issuer, IssuerOptions};
use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

use crate::support::browsing::through_upstream;
use crate::support::tokens::{Database, json_of};
use crate::support::{Db, ORIGIN, SECRET, code_of, postgres, seconds_of};

/// What an earlier version left behind.
#[derive(Clone, Copy, Debug)]
struct Stored {
    db: Db,
    sql: &'static str,
    held: &'static str,
}

/// Before the fourth migration.
const THREE: [Stored; 2] = [
    Stored { db: Db::Sqlite, sql: include_str!("stored/3/sqlite.sql"), held: include_str!("stored/3/sqlite.json") },
    Stored {
        db: Db::Postgres,
        sql: include_str!("stored/3/postgres.sql"),
        held: include_str!("stored/3/postgres.json"),
    },
];

/// Before the fifth.
const FOUR: [Stored; 2] = [
    Stored { db: Db::Sqlite, sql: include_str!("stored/4/sqlite.sql"), held: include_str!("stored/4/sqlite.json") },
    Stored {
        db: Db::Postgres,
        sql: include_str!("stored/4/postgres.sql"),
        held: include_str!("stored/4/postgres.json"),
    },
];

/// All of them.
fn stored() -> impl Iterator<Item = Stored> {
    THREE.into_iter().chain(FOUR)
}

/// The stored database under a jean of today, and what its clients and browsers hold.
struct Upgraded {
    jean: Jean,
    clock: Arc<ManualClock>,
    issuer: Issuer,
    held: Value,
    database: String,
    _folder: TempDir,
}

impl Upgraded {
    async fn new(Stored { db, sql, held }: Stored) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = match db {
            Db::Sqlite => format!("sqlite://{}", folder.path().join("jean.db").display()),
            Db::Postgres => postgres().await,
        };
        sqlx::any::install_default_drivers();
        let url = if db == Db::Sqlite { format!("{database}?mode=rwc") } else { database.clone() };
        let mut connection = AnyConnection::connect(&url).await.expect("the database opens");
        connection.execute(AssertSqlSafe(sql)).await.expect("the stored rows are restored");
        connection.close().await.expect("the connection closes");

        let clock = Arc::new(ManualClock::new(UnixTime(1_800_000_010)));
        let issuer = Issuer::start(IssuerOptions {
            client_secret: Some("stored".into()),
            redirect_uris: vec![format!("{ORIGIN}/oauth/callback/live")],
            ..IssuerOptions::new(seconds_of(&clock))
        });
        let issuer = issuer.await.expect("the provider starts");
        issuer.sign_in_as(Account::named("Ada Lovelace"));
        let mut config = format!("public_url = \"{ORIGIN}\"\ndatabase = \"{database}\"\nsecret = \"{SECRET}\"\n");
        for (name, issuer) in [("idp", "http://127.0.0.1:48081"), ("live", issuer.url())] {
            config += &format!(
                "[upstream.{name}]\nkind = \"oidc\"\nissuer = \"{issuer}\"\nclient_id = \"jean\"\nclient_secret = \"stored\"\n"
            );
        }
        config += "[mcp.default]\nscopes = { read = \"Read your data\", write = \"Change your data\" }\n\
                   default_scopes = [\"read\"]\nrequired_scopes = [\"read\"]\n[clients]\nremember_consent = true\n";
        let config = Config::from_toml(&config).expect("the configuration can be used");
        let jean = Jean::builder(config).clock(clock.clone()).names(|_| Vec::new()).start().await.expect("jean starts");
        let held = serde_json::from_str(held).expect("JSON");
        Upgraded { jean, clock, issuer, held, database, _folder: folder }
    }

    fn text(&self, name: &str) -> &str {
        self.held[name].as_str().unwrap_or_else(|| panic!("no {name}"))
    }

    fn client(&self) -> Client {
        let mut client = Client::new(ORIGIN, self.jean.service());
        client.id = self.text("client_id").to_owned();
        client.verifier = "stored-verifier-stored-verifier-stored-verifier".into();
        client.state = "stored-state".into();
        client
    }

    /// The browser that held these cookies.
    fn browser(&self, cookies: &Value) -> Browser {
        let cookies: BTreeMap<String, String> = serde_json::from_value(cookies.clone()).expect("cookies");
        let mut browser = Browser::new(ORIGIN, self.jean.service());
        *browser.cookies("localhost") = cookies;
        browser
    }

    async fn database(&self) -> Database {
        Database::open(&self.database).await
    }
}

#[tokio::test]
async fn tokens_codes_and_registrations_of_an_earlier_version_go_on() {
    for stored in stored() {
        let upgraded = Upgraded::new(stored).await;
        let db = stored.db;
        let client = upgraded.client();
        assert_eq!(client.whoami(upgraded.text("access_token")).await.status, 200, "{db:?}");
        let code = client.redeem(upgraded.text("code"), &[]).await;
        assert_eq!(code.status, 200, "{db:?} {}", code.json);
        // A grant rests on the provider of its sign-in, as long as that was still known.
        let mut database = upgraded.database().await;
        assert_eq!(database.text("SELECT upstream FROM grants ORDER BY id LIMIT 1").await, "idp", "{db:?}");

        upgraded.clock.advance(20 * 86_400);
        let first = client.refresh(upgraded.text("refresh_token"), &[]).await;
        assert_eq!(first.status, 200, "{db:?} {}", first.json);
        assert_eq!(client.whoami(first.access()).await.status, 200, "{db:?}");
        assert_eq!(client.refresh(first.refresh(), &[]).await.status, 200, "{db:?}");

        let request = Request::builder()
            .method(Method::GET)
            .header(header::AUTHORIZATION, format!("Bearer {}", upgraded.text("registration_access_token")));
        let registration = client.send(&format!("/oauth/register/{}", client.id), request, String::new()).await;
        assert_eq!(json_of(&registration)["client_id"], client.id.as_str(), "{db:?}");
    }
}

#[tokio::test]
async fn a_browser_of_an_earlier_version_stays_signed_in_and_its_consent_is_remembered() {
    for stored in stored() {
        let upgraded = Upgraded::new(stored).await;
        let db = stored.db;
        let client = upgraded.client();
        let mut browser = upgraded.browser(&upgraded.held["signed_in"]);
        let page = browser.get(&client.authorization_url(&[])).await;
        let tokens = client.redeem(&code_of(&page), &[]).await;
        assert_eq!(client.whoami(tokens.access()).await.status, 200, "{db:?}");
    }
}

#[tokio::test]
async fn a_journey_that_an_earlier_version_began_comes_to_its_end() {
    for stored in stored() {
        let upgraded = Upgraded::new(stored).await;
        let db = stored.db;
        let client = upgraded.client();
        // Before the provider's answer. The provider has moved: the way there leads to its new port.
        let allowed = &upgraded.held["allowed"];
        let mut browser = upgraded.browser(&allowed["cookies"]);
        let departure = allowed["departure"].as_str().expect("a URL");
        let departure = departure.replace("http://127.0.0.1:48081", upgraded.issuer.url());
        let callback = through_upstream(&mut browser, &departure).await;
        let page = browser.get(&callback).await;
        let page = browser.follow(page).await;
        let page = browser.press(&page, "continue").await;
        let tokens = client.redeem(&code_of(&page), &[]).await;
        assert_eq!(client.whoami(tokens.access()).await.status, 200, "{db:?}");

        // After it.
        let identified = &upgraded.held["identified"];
        let mut browser = upgraded.browser(&identified["cookies"]);
        let page = browser.get(identified["journey"].as_str().expect("a URL")).await;
        assert!(page.body.contains("grace-hopper@example.com"), "{db:?} {page:?}");
        let page = browser.press(&page, "continue").await;
        assert_eq!(client.redeem(&code_of(&page), &[]).await.status, 200, "{db:?}");
    }
}

/// What binds a journey of an earlier version stands in its request alone. Without a request that can be read nobody can
/// say what binds it, and that is not the same as nothing.
#[tokio::test]
async fn a_journey_whose_bounds_cannot_be_known_signs_nobody_in() {
    for stored in THREE {
        let upgraded = Upgraded::new(stored).await;
        let db = stored.db;
        let allowed = &upgraded.held["allowed"];
        let mut browser = upgraded.browser(&allowed["cookies"]);
        let departure = allowed["departure"].as_str().expect("a URL");
        let departure = departure.replace("http://127.0.0.1:48081", upgraded.issuer.url());
        let callback = through_upstream(&mut browser, &departure).await;
        upgraded.database().await.run("DELETE FROM clients").await;
        let page = browser.get(&callback).await;
        browser.follow(page).await;
        let mut database = upgraded.database().await;
        assert_eq!(database.text("SELECT stage FROM logins WHERE upstream = 'live'").await, "allowed", "{db:?}");
        assert_eq!(database.number("SELECT COUNT(*) FROM sign_ins WHERE upstream = 'live'").await, 0, "{db:?}");
    }
}
