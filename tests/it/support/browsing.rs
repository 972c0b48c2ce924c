//! Steps of a person's way through the browser, and what comes of them.

use std::collections::BTreeMap;

use jean::{Clock as _, Jean};
use jean_testing::browser::{Browser, Page};
use jean_testing::client::Client;
use jean_testing::document::{Answer, DocumentHost};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use super::World;

/// The button of the one upstream.
pub(crate) const UPSTREAM: &str = "upstream:idp";

/// What a client's document says.
pub(crate) struct Description<'a> {
    pub name: &'a str,
    pub redirect_uris: &'a [&'a str],
}

impl World {
    /// A registered public client with these redirect URIs; it asks with the first one.
    pub(crate) async fn client_at(&self, redirect_uris: &[&str]) -> Client {
        let mut client = self.stranger();
        let mut metadata = client.metadata();
        metadata["redirect_uris"] = redirect_uris.into();
        client.redirect_uri = redirect_uris[0].to_owned();
        let page = client.post_json("/oauth/register", &metadata).await;
        assert_eq!(page.status, 201, "{}", page.body);
        let registered: serde_json::Value = serde_json::from_str(&page.body).expect("JSON");
        client.id = registered["client_id"].as_str().expect("a client id").to_owned();
        client
    }

    /// A client that is known by a document of this name and these redirect URIs, of which a copy is stored: names below
    /// `.example` lead nowhere (RFC 2606), so that its host never answers.
    pub(crate) async fn document(&self, id: &str, name: Option<&str>, redirect_uris: &[&str]) -> Client {
        let mut client = self.stranger();
        client.id = id.to_owned();
        client.redirect_uri = redirect_uris[0].to_owned();
        let mut metadata = client.metadata();
        metadata["application_type"] = "web".into();
        metadata["redirect_uris"] = redirect_uris.into();
        metadata["client_name"] = name.into();
        let now = self.clock.now().0;
        let text = |text: &str| text.replace('\'', "''");
        self.sql(&format!(
            "INSERT INTO clients (id, origin, metadata, secret_hash, registration_hash, created_at, updated_at) \
             VALUES ('{}', 'document', '{}', '', '', {now}, {now})",
            text(id),
            text(&metadata.to_string())
        ))
        .await;
        client
    }

    /// The document of a client at a site says this from now on, and it is time to look at it again.
    pub(crate) fn describe(&self, host: &DocumentHost, client: &mut Client, says: Description<'_>) {
        let Description { name, redirect_uris } = says;
        let mut document = client.document(&host.url("/client.json"));
        document["client_name"] = name.into();
        document["redirect_uris"] = redirect_uris.into();
        host.serve("/client.json", Answer::json(&document));
        self.clock.advance(61);
    }

    /// A browser in which Ada is signed in.
    pub(crate) async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        let page = self.client().await.authorize(&mut browser, &[]).await;
        super::code_of(&page);
        browser
    }

    /// The same browser at another jean.
    pub(crate) fn at_another(&self, browser: &mut Browser, jean: &Jean) -> Browser {
        let mut other = Browser::new(self.origin.clone(), jean.service());
        *other.cookies("localhost") = browser.cookies("localhost").clone();
        other
    }

    /// How many rows there are of what people and journeys leave behind.
    pub(crate) async fn rows(&self) -> Vec<(&'static str, i64)> {
        let mut connection = AnyConnection::connect(&self.database_url()).await.expect("the database opens");
        let mut rows = Vec::new();
        for table in ["logins", "grants", "consents", "people", "sign_ins", "sessions"] {
            // The names are these.
            let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            let all = sqlx::query(sql).fetch_all(&mut connection).await.expect("a count");
            rows.push((table, all[0].get(0)));
        }
        rows
    }
}

/// The page that asks for consent.
pub(crate) async fn consent_page(client: &Client, browser: &mut Browser, changes: &[(&str, &str)]) -> Page {
    let page = browser.get(&client.authorization_url(changes)).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(asks(&page), "no consent page: {page:?}");
    page
}

/// Whether the page asks for consent.
pub(crate) fn asks(page: &Page) -> bool {
    page.form().action.ends_with("/oauth/consent")
}

/// Whether somebody is signed in on the consent page.
pub(crate) fn knows_who(page: &Page) -> bool {
    page.form().answers.iter().any(|answer| answer == "allow")
}

/// Agrees to the consent page, and stops at the address of the upstream.
pub(crate) async fn to_upstream(client: &Client, browser: &mut Browser, changes: &[(&str, &str)]) -> String {
    let page = consent_page(client, browser, changes).await;
    depart(browser, &page, UPSTREAM).await
}

/// Presses a button that leads to the upstream, and stops at its address.
pub(crate) async fn depart(browser: &mut Browser, page: &Page, answer: &str) -> String {
    let leaving = browser.submit(page, &[("answer", answer)]).await;
    assert_eq!(leaving.status, 200, "{leaving:?}");
    leaving.leads_to().expect("a way to the upstream")
}

/// Agrees, signs in, and stops before the callback: its address, with the upstream's answer.
pub(crate) async fn to_callback(client: &Client, browser: &mut Browser, changes: &[(&str, &str)]) -> String {
    let upstream = to_upstream(client, browser, changes).await;
    through_upstream(browser, &upstream).await
}

/// Signs in at the upstream, and stops before the callback.
pub(crate) async fn through_upstream(browser: &mut Browser, url: &str) -> String {
    let answer = browser.get(url).await;
    answer.leads_to().unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// A parameter of an address.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).expect("a URL");
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// An address with another value for a parameter.
pub(crate) fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let mut url = url::Url::parse(url).expect("a URL");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    url.query_pairs_mut().clear().extend_pairs(pairs).append_pair(name, value);
    url.into()
}

/// The answer on its way to the client, which has the state that the client sent and names the issuer (RFC 9207).
pub(crate) fn answer_to(page: &Page, client: &Client) -> BTreeMap<String, String> {
    let url = page.leads_to().unwrap_or_else(|| panic!("no answer: {page:?}"));
    assert!(url.starts_with(&format!("{}?", client.redirect_uri)), "{url}");
    let answer = page.redirect_params();
    assert_eq!(answer.get("state"), Some(&client.state), "{url}");
    assert_eq!(answer.get("iss"), Some(&client.issuer), "{url}");
    answer
}

/// The error on its way to the client.
pub(crate) fn error_to(page: &Page, client: &Client) -> String {
    let answer = answer_to(page, client);
    assert!(!answer.contains_key("code"), "{answer:?}");
    answer.get("error").unwrap_or_else(|| panic!("no error: {answer:?}")).clone()
}

/// A page for a person: this status, these words, and no way that leads on by itself.
pub(crate) fn assert_page(page: &Page, status: u16, words: &str) {
    assert_eq!(page.status, status, "{page:?}");
    assert_eq!(page.leads_to(), None, "{page:?}");
    assert!(page.body.starts_with("<!doctype html>"), "{page:?}");
    assert!(page.body.contains(words), "{words:?} is not on the page: {}", page.body);
}

/// What a person reads of a page, word by word; what is folded away is left out.
pub(crate) fn reads(page: &Page) -> String {
    let main = page.body.split("<main>").nth(1).unwrap_or_default().split("<details>").next().unwrap_or_default();
    let words = main.split('<').filter_map(|part| part.split('>').nth(1)).flat_map(str::split_whitespace);
    let mut text = words.collect::<Vec<_>>().join(" ");
    for (apart, together) in [(" .", "."), (" ,", ","), (" ?", "?"), ("“ ", "“"), (" ”", "”")] {
        text = text.replace(apart, together);
    }
    text
}

/// The title of a page.
pub(crate) fn title(page: &Page) -> &str {
    page.body.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default()
}
