//! What a yes is remembered for, and that by default it is for nothing.

use jean_testing::browser::{Browser, Page};
use jean_testing::client::Client;
use jean_testing::document::DocumentHost;
use jean_testing::issuer::Account;

use crate::support::browsing::{
    Description, UPSTREAM, answer_to, asks, assert_page, consent_page, error_to, knows_who,
};
use crate::support::{BOTH, RESOURCE, World, code_of};

const REMEMBER: &str = "[clients]\nremember_consent = true\n";

/// Whether the request is answered at once, without a page.
async fn is_answered_at_once(client: &Client, browser: &mut Browser, changes: &[(&str, &str)]) -> bool {
    let page = browser.get(&client.authorization_url(changes)).await;
    if page.leads_to().is_some() {
        assert!(answer_to(&page, client).contains_key("code"), "{page:?}");
        return true;
    }
    assert!(asks(&page), "{page:?}");
    false
}

async fn allow(client: &Client, browser: &mut Browser, changes: &[(&str, &str)]) -> Page {
    let page = client.authorize(browser, changes).await;
    code_of(&page);
    page
}

/// <https://github.com/advisories/GHSA-c2jp-c369-7pvx>: one upstream client for many registered ones, and an upstream that
/// remembers; MCP security best practices, "confused deputy".
#[tokio::test]
async fn a_new_client_always_meets_the_consent_page() {
    for tables in ["", REMEMBER] {
        let world = World::with(tables).await;
        let mut browser = world.signed_in().await;
        for prompt in ["", "none", "login"] {
            let evil = world.client_at(&["http://localhost:52100/callback"]).await;
            let page = browser.get(&evil.authorization_url(&[("prompt", prompt)])).await;
            match prompt {
                "none" => assert_eq!(error_to(&page, &evil), "consent_required"),
                _ => assert!(asks(&page), "{page:?}"),
            }
        }
        // The upstream signs in without asking, and our session is there: still nothing but the page.
        let evil = world.client().await;
        let before = world.issuer.requests_to("/authorize").len();
        let page = consent_page(&evil, &mut browser, &[]).await;
        assert!(page.body.contains("never before"), "{}", page.body);
        assert_eq!(world.issuer.requests_to("/authorize").len(), before);
        browser.cookies("localhost").remove("jean-session");
        let page = consent_page(&evil, &mut browser, &[]).await;
        // And after the upstream another one, since they never met.
        let page = browser.press(&page, UPSTREAM).await;
        assert!(page.body.contains("Continue as") && page.leads_to().is_none(), "{page:?}");
    }
}

/// <https://github.com/advisories/GHSA-6x8h-498w-gv8c>: an authorization server in the middle rides on remembered consent.
#[tokio::test]
async fn nothing_is_remembered_by_default() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    allow(&client, &mut browser, &[]).await;
    for _ in 0..3 {
        assert!(!is_answered_at_once(&client, &mut browser, &[]).await);
        allow(&client, &mut browser, &[]).await;
    }
}

/// The same: where remembering is on, it is for the very same thing only.
#[tokio::test]
async fn a_remembered_consent_is_for_one_person_client_redirect_uri_resource_and_scope() {
    let world = World::with(
        "[clients]\nremember_consent = true\n\
         [mcp.default]\nscopes = { read = \"Read\", write = \"Write\" }\ndefault_scopes = [\"read\"]\n\
         [mcp.files]\npath = \"/files\"\nscopes = { read = \"Read\" }\n",
    )
    .await;
    let mut client = world.client_at(&["https://client.example/callback", "https://client.example/other"]).await;
    let mut browser = world.browser();
    let asked = [("resource", RESOURCE), ("scope", "read write")];
    let narrower = [("resource", RESOURCE), ("scope", "read")];
    allow(&client, &mut browser, &asked).await;
    assert!(is_answered_at_once(&client, &mut browser, &asked).await);
    assert!(is_answered_at_once(&client, &mut browser, &[("prompt", "none"), asked[0], asked[1]]).await);
    assert!(!is_answered_at_once(&client, &mut browser, &[("prompt", "consent"), asked[0], asked[1]]).await);
    assert!(!is_answered_at_once(&client, &mut browser, &[("prompt", "login"), asked[0], asked[1]]).await);
    assert!(!is_answered_at_once(&client, &mut browser, &[("prompt", "select_account"), asked[0], asked[1]]).await);
    assert!(!is_answered_at_once(&client, &mut browser, &[("resource", "http://localhost:8080/files")]).await);

    // Less is covered, and more is not.
    assert!(is_answered_at_once(&client, &mut browser, &narrower).await);
    assert!(!is_answered_at_once(&client, &mut browser, &asked).await, "the last yes counts");

    client.redirect_uri = "https://client.example/other".into();
    assert!(!is_answered_at_once(&client, &mut browser, &narrower).await);
    client.redirect_uri = "https://client.example/callback".into();
    assert!(is_answered_at_once(&client, &mut browser, &narrower).await);

    // Another client of the same name and address; another browser; another person.
    let twin = world.client_at(&["https://client.example/callback", "https://client.example/other"]).await;
    assert!(!is_answered_at_once(&twin, &mut browser, &narrower).await);
    assert!(!is_answered_at_once(&client, &mut world.browser(), &narrower).await);
    world.issuer.sign_in_as(Account::named("Bob"));
    allow(&twin, &mut browser, &[("prompt", "login"), narrower[0]]).await;
    assert!(!is_answered_at_once(&client, &mut browser, &narrower).await);
}

/// Anything on a computer can pretend to be an app on it (RFC 8252 section 8.6), whatever the scheme of its address; and any
/// device in a network can take an address there.
#[tokio::test]
async fn an_app_on_a_computer_or_in_a_private_network_is_never_remembered() {
    for db in BOTH {
        let world = World::on(db, REMEMBER).await;
        let mut browser = world.signed_in().await;
        for redirect_uri in [
            "http://localhost:52100/callback",
            "http://127.0.0.1/callback",
            "cursor://x/callback",
            "https://localhost/callback",
            "https://localhost:8443/callback",
            "https://app.localhost/callback",
            "https://127.0.0.1/callback",
            "https://127.1.2.3/callback",
            "https://0.0.0.0/callback",
            "https://[::1]/callback",
            "https://[::ffff:7f00:1]/callback",
            "https://10.0.0.1/callback",
            "https://172.16.0.1/callback",
            "https://192.168.1.5:8443/callback",
            "https://169.254.169.254/callback",
            "https://100.64.0.1/callback",
            "https://[fd00::5]/callback",
            "https://[fe80::5]/callback",
            "https://[::ffff:c0a8:105]/callback",
            "https://nas.local/callback",
            "https://nas/callback",
            "https://router.lan/callback",
            "https://printer.home.arpa/callback",
            "https://host.docker.internal/callback",
            "https://localhost.localdomain/callback",
        ] {
            let client = world.client_at(&[redirect_uri]).await;
            let code = code_of(&allow(&client, &mut browser, &[]).await);
            assert!(!is_answered_at_once(&client, &mut browser, &[]).await, "{db:?}: {redirect_uri}");
            assert_eq!(client.redeem(&code, &[]).await.status, 200, "{redirect_uri}");
            let page = browser.get(&client.authorization_url(&[("prompt", "none")])).await;
            if redirect_uri.starts_with("http:") {
                assert_eq!(error_to(&page, &client), "consent_required", "{db:?}: {redirect_uri}");
            } else {
                assert_page(&page, 400, "error=consent_required");
            }
        }
        // As a site on the internet is.
        let client = world.client_at(&["https://8.8.8.8/callback"]).await;
        allow(&client, &mut browser, &[]).await;
        assert!(is_answered_at_once(&client, &mut browser, &[]).await, "{db:?}");
    }
}

/// GHSA-6x8h-498w-gv8c for clients that are known by a document: what was remembered is for the document as it was.
#[tokio::test]
async fn a_remembered_consent_ends_with_any_change_of_the_document() {
    let world = World::with(
        "[clients]\nremember_consent = true\n\
         [mcp.default]\nscopes = { read = \"Read\", write = \"Write\" }\ndefault_scopes = [\"read\"]\n\
         [mcp.files]\npath = \"/files\"\nscopes = { read = \"Read\" }\n",
    )
    .await;
    let host = DocumentHost::start().await.expect("a site");
    let at = ["https://client.example/callback", "https://client.example/other", "http://localhost/callback"];
    let mut client = world.stranger();
    client.redirect_uri = at[0].to_owned();
    world.describe(&host, &mut client, Description { name: "Client", redirect_uris: &at });
    let mut browser = world.browser();
    let asked = [("resource", RESOURCE)];
    allow(&client, &mut browser, &asked).await;
    assert!(is_answered_at_once(&client, &mut browser, &asked).await);
    assert!(!is_answered_at_once(&client, &mut browser, &[asked[0], ("scope", "read write")]).await);
    assert!(!is_answered_at_once(&client, &mut browser, &[("resource", "http://localhost:8080/files")]).await);
    for redirect_uri in [at[1], "http://localhost:52100/callback"] {
        client.redirect_uri = redirect_uri.into();
        assert!(!is_answered_at_once(&client, &mut browser, &asked).await, "{redirect_uri}");
    }
    client.redirect_uri = "http://localhost:52100/callback".into();
    allow(&client, &mut browser, &asked).await;
    assert!(!is_answered_at_once(&client, &mut browser, &asked).await, "an app on a computer always asks");
    client.redirect_uri = at[0].into();
    assert!(is_answered_at_once(&client, &mut browser, &asked).await);

    // Another document of the same host, name and redirect URIs is another client.
    let mut twin = world.stranger();
    twin.publish(&host, "/twin.json");
    assert!(!is_answered_at_once(&twin, &mut browser, &asked).await);
    // Another name, another redirect URI, and back.
    world.describe(&host, &mut client, Description { name: "Klient", redirect_uris: &at });
    assert!(!is_answered_at_once(&client, &mut browser, &asked).await);
    world.describe(
        &host,
        &mut client,
        Description { name: "Client", redirect_uris: &[at[0], "https://evil.example/callback"] },
    );
    assert!(!is_answered_at_once(&client, &mut browser, &asked).await);
    allow(&client, &mut browser, &asked).await;
    assert!(is_answered_at_once(&client, &mut browser, &asked).await);
    world.describe(&host, &mut client, Description { name: "Client", redirect_uris: &at });
    assert!(!is_answered_at_once(&client, &mut browser, &asked).await);
}

/// The session alone is nothing: when it ends, the page asks again.
#[tokio::test]
async fn a_remembered_consent_ends_with_the_session() {
    let world = World::with(REMEMBER).await;
    let client = world.client().await;
    let mut browser = world.browser();
    allow(&client, &mut browser, &[]).await;
    world.clock.advance(8 * 3600 - 1);
    assert!(is_answered_at_once(&client, &mut browser, &[]).await);
    world.clock.advance(1);
    let page = consent_page(&client, &mut browser, &[]).await;
    assert!(!knows_who(&page));
}

/// fastmcp #3784: cookies that grow with every remembered client until no server takes them.
#[tokio::test]
async fn two_hundred_remembered_clients_do_not_grow_the_cookies() {
    let world = World::with(REMEMBER).await;
    let mut browser = world.signed_in().await;
    let size = |browser: &mut Browser| {
        browser.cookies("localhost").iter().map(|(name, value)| name.len() + value.len() + 3).sum::<usize>()
    };
    let before = size(&mut browser);
    let mut first = None;
    for _ in 0..200 {
        let client = world.client().await;
        allow(&client, &mut browser, &[]).await;
        first.get_or_insert(client);
    }
    assert_eq!(size(&mut browser), before);
    assert!(is_answered_at_once(&first.expect("the first"), &mut browser, &[]).await);
}

#[tokio::test]
async fn what_is_new_since_the_last_time_is_marked() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[("scope", "read write")]).await;
    assert!(!page.body.contains("New</span>") && !page.body.contains("Connected"), "nobody is known: {}", page.body);
    allow(&client, &mut browser, &[("scope", "read")]).await;

    world.clock.advance(3 * 86_400);
    allow(&world.client().await, &mut browser, &[]).await;
    let page = consent_page(&client, &mut browser, &[("scope", "read write")]).await;
    assert!(page.body.contains("Change your data</span> <span class=\"tag\">New</span>"), "{}", page.body);
    assert!(!page.body.contains("Read your data</span> <span"), "{}", page.body);
    assert!(page.body.contains("since 15 January 2027"), "{}", page.body);

    // On the page after the sign-in too.
    browser.cookies("localhost").remove("jean-session");
    let page = consent_page(&client, &mut browser, &[("scope", "read write")]).await;
    let page = browser.press(&page, UPSTREAM).await;
    assert!(page.body.contains("Continue as"), "{}", page.body);
    assert!(page.body.contains("Change your data</span> <span class=\"tag\">New</span>"), "{}", page.body);
    let page = browser.press(&page, "continue").await;
    code_of(&page);
    // Known now.
    let page = consent_page(&client, &mut browser, &[("scope", "read write")]).await;
    assert!(!page.body.contains("New</span>"), "{}", page.body);
}
