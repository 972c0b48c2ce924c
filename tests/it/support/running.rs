//! The program itself, as a process of its own, with a provider and a person for it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use axum::Router;
use jean::{Clock as _, SystemClock};
use jean_testing::browser::Browser;
use jean_testing::client::Client;
use jean_testing::issuer::{Account, Issuer, IssuerOptions};
use tempfile::TempDir;

use super::shot::{Answer, Connection, Shot};

/// A provider that signs Ada in without asking, for every program of a test.
pub(crate) async fn provider() -> Issuer {
    let issuer = Issuer::start(IssuerOptions::new(|| SystemClock.now().0)).await.expect("the provider starts");
    issuer.sign_in_as(Account::named("Ada Lovelace"));
    issuer
}

/// A place for programs: an address, a `jean.toml` and, if it is on SQLite, the data.
pub(crate) struct Place {
    pub address: SocketAddr,
    pub origin: String,
    pub folder: TempDir,
}

impl Place {
    /// A place on this database, or on a SQLite file in its folder.
    pub(crate) fn new(issuer: &Issuer, database: Option<&str>) -> Self {
        // Not in /tmp, which may not be on a disk.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let sqlite = format!("sqlite://{}", folder.path().join("jean.db").display());
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let origin = format!("http://{address}");
        issuer.allow_redirect_uri(format!("{origin}/oauth/callback/idp"));
        let config = format!(
            "public_url = \"{origin}\"\ndatabase = \"{}\"\nsecret = \"ssssssssssssssssssssssssssssssss\"\n\
             [upstream.idp]\nkind = \"oidc\"\nissuer = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\n\
             [mcp.default]\nscopes = {{ read = \"Read\" }}\n[clients]\nremember_consent = true\n",
            database.unwrap_or(&sqlite),
            issuer.url(),
            issuer.client_id(),
            issuer.client_secret(),
        );
        std::fs::write(folder.path().join("jean.toml"), config).expect("jean.toml");
        Place { address, origin, folder }
    }

    /// Starts a program here: `jean`, or a command that ends with it.
    pub(crate) fn start(&self, jean: &[&str]) -> Program {
        self.start_at(jean, self.address)
    }

    /// Starts another program on the same data, at an address of its own.
    pub(crate) fn start_replica(&self, jean: &[&str]) -> Program {
        self.start_at(jean, SocketAddr::from(([127, 0, 0, 1], free_port())))
    }

    fn start_at(&self, jean: &[&str], address: SocketAddr) -> Program {
        let config = self.folder.path().join("jean.toml");
        let mut command = Command::new(jean[0]);
        command.args(&jean[1..]).arg("--config").arg(config).env("JEAN_LISTEN", address.to_string());
        let log = File::options().append(true).create(true).open(self.folder.path().join("jean.log")).expect("a log");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the program runs");
        let mut told = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        while !told.contains("data is in") {
            assert_ne!(out.read_line(&mut told).expect("a line"), 0, "it ended early: {told}");
        }
        Program { address, child }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// The program of this build.
pub(crate) fn this_build() -> &'static str {
    let program = env!("CARGO_BIN_EXE_jean");
    assert!(Path::new(program).exists(), "{program}");
    program
}

/// A running program.
pub(crate) struct Program {
    pub address: SocketAddr,
    pub child: Child,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What Ada allows.
pub(crate) const EVERYTHING: &str = "read openid email profile";

/// Ada, signed in to a program, who has allowed a client once, and that client.
#[derive(Clone)]
pub(crate) struct Person {
    pub browser: Browser,
    pub client: Client,
}

impl Person {
    pub(crate) async fn sign_in(place: &Place) -> Self {
        // An origin that is none, so that every address is asked for over the network.
        let mut browser = Browser::new("http://nowhere.invalid", Router::new());
        let mut client = Client::new(&place.origin, Router::new());
        let mut connection = Connection::open(place.address).await.expect("jean listens");
        client.id = connection.send(&Shot::register()).await.expect("an answer").text("client_id");
        let page = browser.get(&client.authorization_url(&[("scope", EVERYTHING)])).await;
        let page = browser.submit(&page, &[("answer", "upstream:idp")]).await;
        let page = browser.get(&page.leads_to().expect("a way to the provider")).await;
        let page = browser.get(&page.leads_to().expect("a way to the callback")).await;
        let journey = page.leads_to().expect("a way to the journey");
        let page = browser.get(&format!("{}{journey}", place.origin)).await;
        let page = browser.submit(&page, &[("answer", "continue")]).await;
        assert!(page.redirect_params().contains_key("code"), "{page:?}");
        Person { browser, client }
    }

    /// The authorization request for these scopes, which is answered with a code, since the consent is remembered.
    fn authorize_for(&self, scope: &str) -> Shot {
        Shot::open(&mut self.browser.clone(), &self.client.authorization_url(&[("scope", scope)]))
    }

    /// The token request for the code of such an answer.
    pub(crate) fn redeem(&self, authorized: &Answer) -> Shot {
        let code = authorized.head.split("code=").nth(1).and_then(|rest| rest.split(['&', '\r']).next());
        Shot::redeem(&self.client, code.unwrap_or_else(|| panic!("no code: {}", authorized.head)))
    }

    /// The answer of the token endpoint to a new code; `None` if the server cannot give one now.
    pub(crate) async fn tokens(&self, connection: &mut Connection) -> Option<Answer> {
        self.tokens_for(connection, "read").await
    }

    /// The same for these scopes.
    pub(crate) async fn tokens_for(&self, connection: &mut Connection, scope: &str) -> Option<Answer> {
        let authorized =
            connection.send(&self.authorize_for(scope)).await.ok().filter(|answer| answer.status == 303)?;
        connection.send(&self.redeem(&authorized)).await.ok().filter(|answer| answer.status == 200)
    }

    /// The refresh request of a token.
    pub(crate) fn refresh(&self, token: &str) -> Shot {
        Shot::refresh(&self.client, token)
    }
}
