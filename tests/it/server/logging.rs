//! The log: each error page can be found there, nobody's email address can, and only this server's own failures are errors.

use jean_testing::browser::{Browser, Page};
use jean_testing::client::Client;
use jean_testing::issuer::{Account, Fault};

use crate::support::browsing::{UPSTREAM, consent_page, through_upstream, to_callback, to_upstream};
use crate::support::log::Log;
use crate::support::tokens::FORM;
use crate::support::wire::{ask, text};
use crate::support::{Db, ORIGIN, World, code_of};

/// A page that tells a person why they cannot go on, and what its log line says.
struct Told {
    page: Page,
    client: Option<String>,
    reason: &'static str,
}

impl Told {
    fn new(page: Page, client: Option<&str>, reason: &'static str) -> Self {
        Told { page, client: client.map(str::to_owned), reason }
    }
}

/// The page of a provider that does this.
async fn after_fault(world: &World, fault: Fault) -> (Client, Page) {
    let (client, mut browser) = (world.client().await, world.browser());
    let page = consent_page(&client, &mut browser, &[]).await;
    world.issuer.misbehave(fault);
    let page = browser.press(&page, UPSTREAM).await;
    world.issuer.misbehave(None);
    (client, page)
}

/// The page of a person who may not come in.
async fn after_refusal(world: &World) -> (Client, Page) {
    let (client, mut browser) = (world.client().await, world.browser());
    world.issuer.sign_in_as(Account::named("Mallory"));
    let page = consent_page(&client, &mut browser, &[]).await;
    let page = browser.press(&page, UPSTREAM).await;
    world.issuer.sign_in_as(Account::named("Ada Lovelace"));
    assert!(page.body.contains("mallory@example.com"), "{page:?}");
    (client, page)
}

/// One of each kind of error page.
async fn all(world: &World) -> Vec<Told> {
    let client = world.client().await;
    let mut browser = world.browser();
    let html = [("accept", "text/html")];
    let large = "x".repeat(70_000);
    let mut pages = Vec::new();

    for (changes, told, reason) in [
        (&[("client_id", "somebody")][..], "somebody", "the client is not known"),
        (&[("redirect_uri", "https://evil.example/back")], &client.id, "https://evil.example/back"),
        (&[("client_id", "https://gone.example/client.json")], "https://gone.example/client.json", "metadata document"),
        (&[("prompt", "none")], &client.id, "login_required"),
    ] {
        let page = browser.get(&client.authorization_url(changes)).await;
        pages.push(Told::new(page, Some(told), reason));
    }
    pages.push(Told::new(browser.get("/oauth/authorize").await, None, "client_id"));
    let framed = [("sec-fetch-dest", "iframe")];
    pages.push(Told::new(
        browser.send("GET /oauth/authorize", &framed, None).await,
        None,
        "not shown within another one",
    ));
    let foreign = [("sec-fetch-site", "cross-site")];
    let page = browser.send("POST /oauth/consent", &foreign, Some(&[])).await;
    pages.push(Told::new(page, None, "sent from another site"));
    let page = browser.post("/oauth/consent", &[("request", &large)]).await;
    pages.push(Told::new(page, None, "larger than"));
    for path in ["/oauth/callback/idp?state=1.x", "/oauth/callback/idp", "/oauth/login/1", "/oauth/login/x"] {
        pages.push(Told::new(browser.get(path).await, None, "no such journey in this browser, or it is over"));
    }
    pages.push(Told::new(browser.send("GET /nothing", &html, None).await, None, "there is no such page"));

    let callback = to_callback(&client, &mut browser, &[]).await;
    let page = world.browser().get(&callback).await;
    pages.push(Told::new(page, Some(&client.id), "the journey began in another browser"));
    for (fault, reason) in [
        (Fault::AuthorizeError("access_denied".into(), "x".into()), "sign-in with idp: declined"),
        (Fault::AuthorizeError("server_error".into(), "x".into()), "sign-in with idp: unreachable"),
        (Fault::WrongNonce, "sign-in with idp: invalid"),
        (Fault::TokenError("invalid_grant".into()), "sign-in with idp: refused:invalid_grant"),
    ] {
        let (client, page) = after_fault(world, fault).await;
        pages.push(Told::new(page, Some(&client.id), reason));
    }
    let (client, page) = after_refusal(world).await;
    pages.push(Told::new(page, Some(&client.id), "sign-in with idp: not_allowed"));

    // A journey that has not come to its provider yet.
    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[]).await;
    let leaving = browser.submit(&page, &[("answer", UPSTREAM)]).await;
    let journey = leaving.leads_to().expect("the upstream");
    let id = url::Url::parse(&journey).expect("a URL");
    let state = id.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    let page = browser.get(&format!("/oauth/login/{}", state.split('.').next().expect("an id"))).await;
    pages.push(Told::new(page, Some(&client.id), "sign-in with idp: not signed in yet"));
    pages
}

#[tokio::test]
async fn every_error_page_s_request_is_in_the_log_with_the_reason_and_the_client() {
    let log = Log::new();
    let world = World::with("[access]\nemails = [\"ada-lovelace@example.com\"]\n").await;
    let pages = all(&world).await;
    assert!(pages.len() > 18);
    for Told { page, client, reason } in pages {
        let id = text(&page, "x-request-id");
        assert!(page.body.contains(&format!("<code>{id}</code>")), "it is no page with an id: {page:?}");
        let told = log.lines_with(&format!("id={id}"));
        let line = told.last().unwrap_or_else(|| panic!("{reason}: not in the log: {}", log.text()));
        assert!(line.contains(" INFO ") && line.contains(reason), "{reason}: {told:#?}");
        assert_eq!(line.contains("client="), client.is_some(), "{line}");
        let client = client.map(|client| format!("client=\"{client}\"")).unwrap_or_default();
        assert!(line.contains(&client), "{client}: {line}");
    }
    assert!(!log.text().contains('@'), "an address: {:#?}", log.lines_with("@"));
}

#[tokio::test]
async fn a_failure_of_this_server_is_an_error_and_what_a_client_does_is_none() {
    let log = Log::new();
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", "unknown")];
    assert_eq!(client.post_form("/oauth/token", &fields, &[]).await.status, 400);
    // 503, because the document that it is known by cannot be read.
    let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    let away = [("client_id", "https://away.example/client.json")];
    assert_eq!(client.post_form("/oauth/token", &fields, &away).await.status, 503);
    let page = world.browser().get(&client.authorization_url(&away)).await;
    assert_eq!(page.status, 503);
    assert_eq!(log.lines_with("ERROR"), [""; 0]);

    world.jean.close().await;
    let page = client.post_form("/oauth/token", &fields, &[]).await;
    assert_eq!(page.status, 503);
    let page =
        world.browser().send(&format!("GET {}", client.authorization_url(&[])), &[("accept", "text/html")], None).await;
    assert_eq!(page.status, 503);
    let id = text(&page, "x-request-id");
    assert!(page.body.contains(id), "{page:?}");
    let lines = log.lines_with(&format!("id={id}"));
    assert!(lines.iter().any(|line| line.contains("ERROR") && line.contains("failed")), "{lines:?}: {}", log.text());
}

/// `JEAN_LOG=debug`, as an operator turns it on when something does not work.
#[tokio::test]
async fn nothing_that_is_logged_at_debug_holds_an_email_address() {
    let log = Log::with("rmcp=warn,sqlx=warn,debug");
    let world = World::at(ORIGIN, Db::Sqlite, "[access]\nemails = [\"ada-lovelace@example.com\"]\n").await;
    all(&world).await;
    let client = world.client().await;
    let mut browser = world.browser();
    let page = client.authorize(&mut browser, &[("scope", "openid email profile read")]).await;
    let tokens = client.redeem(&code_of(&page), &[]).await;
    assert!(client.whoami(tokens.access()).await.body.contains("ada-lovelace@example.com"));
    let bearer = format!("Bearer {}", tokens.access());
    let page = ask(&world.router, "GET /oauth/userinfo", &[("authorization", &bearer)], "").await;
    assert!(page.body.contains("ada-lovelace@example.com"), "{page:?}");
    let refreshed = client.refresh(tokens.refresh(), &[]).await;
    assert_eq!(client.revoke(refreshed.refresh()).await.status, 200);
    assert!(consent_page(&client, &mut browser, &[]).await.body.contains("ada-lovelace@example.com"));

    // Providers name accounts in their own words, and requests in theirs.
    let words = "the user 'ada-lovelace@example.com' is blocked";
    for fault in [
        Fault::AuthorizeError("invalid_request".into(), words.into()),
        Fault::AuthorizeError("blocked ada-lovelace@example.com".into(), String::new()),
        Fault::TokenError("blocked ada-lovelace@example.com".into()),
        Fault::OtherSubjectAtUserinfo,
        Fault::UserinfoDown,
        Fault::NotJson,
    ] {
        after_fault(&world, fault).await;
    }
    for account in [
        Account::named("Ada Lovelace").with("email_verified", "ada-lovelace@example.com"),
        Account::named("Ada Lovelace").with("auth_time", "ada-lovelace@example.com"),
        Account::named("Ada Lovelace").with("sub", "ada-lovelace@example.com\u{0}"),
    ] {
        world.issuer.sign_in_as(account);
        let url = to_upstream(&client, &mut world.browser(), &[]).await;
        through_upstream(&mut world.browser(), &url).await;
        let mut browser: Browser = world.browser();
        let callback = to_callback(&client, &mut browser, &[]).await;
        browser.get(&callback).await;
        browser.get(&callback.replace("iss=", "iss=ada-lovelace%40example.com&x=")).await;
    }
    let unknown = client.authorization_url(&[("client_id", "ada-lovelace@example.com")]);
    browser.get(&unknown).await;
    browser.get(&client.authorization_url(&[("redirect_uri", "mailto:ada-lovelace@example.com")])).await;
    for path in ["/unsubscribe/ada-lovelace@example.com", "/unsubscribe/ada-lovelace%40example.com"] {
        ask(&world.router, &format!("GET {path}"), &[], "").await;
    }
    let form = [("content-type", FORM)];
    ask(&world.router, "POST /oauth/token", &form, "grant_type=password&username=ada-lovelace@example.com").await;

    let metadata = serde_json::json!({ "redirect_uris": ["mailto:ada-lovelace@example.com"] });
    assert_eq!(client.post_json("/oauth/register", &metadata).await.status, 400);

    let all = log.text();
    assert!(all.contains("DEBUG") && all.lines().count() > 100, "{all}");
    let told: Vec<&str> = all.lines().filter(|line| line.contains('@') || line.contains("%40")).collect();
    assert!(told.is_empty(), "{told:#?}");
}
