//! What the consent page, and the page after the upstream, say of the client: who vouches for it, where the answer goes, and
//! what is new since the last time.

use jean_testing::browser::{Browser, Page};
use jean_testing::client::Client;
use jean_testing::document::DocumentHost;
use jean_testing::issuer::Fault;
use serde_json::json;

use crate::support::browsing::{Description, UPSTREAM, consent_page, reads, title};
use crate::support::tokens::json_of;
use crate::support::{BOTH, RESOURCE, World, code_of};

const CLIENT: &str = "https://app.example/client.json";
const CALLBACK: &str = "https://app.example/callback";

/// The consent page while nobody is known.
async fn said(world: &World, client: &Client) -> (String, String) {
    let page = consent_page(client, &mut world.browser(), &[]).await;
    (title(&page).to_owned(), reads(&page))
}

#[tokio::test]
async fn the_host_of_a_document_is_the_headline_and_its_name_comes_second() {
    let world = World::new().await;
    let client = world.document(CLIENT, Some("Claude"), &[CALLBACK]).await;
    let (name, text) = said(&world, &client).await;
    assert_eq!(name, "Allow app.example to use localhost?");
    assert!(
        text.starts_with(
            "Allow app.example to use localhost? It calls itself “Claude”; its address app.example is confirmed."
        ),
        "{text}"
    );
    assert!(text.contains("You return to app.example"), "{text}");
    assert!(!text.contains("nverified") && !text.contains("Go on only if"), "{text}");

    // The same on every page after it.
    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[]).await;
    let confirm = browser.press(&page, UPSTREAM).await;
    let text = reads(&confirm);
    assert!(title(&confirm).starts_with("Continue as "), "{}", title(&confirm));
    assert!(text.contains("It calls itself “Claude”; its address app.example is confirmed."), "{text}");
    assert!(text.contains("Connected never before"), "{text}");
    let leaving = browser.submit(&confirm, &[("answer", "continue")]).await;
    assert!(reads(&leaving).contains("On to app.example"), "{}", leaving.body);
}

/// A document says of itself what it likes; only its host is checked.
#[tokio::test]
async fn a_document_cannot_borrow_another_name() {
    let world = World::new().await;
    for (id, name, headline, second) in [
        (
            "https://evil.example/claude.json",
            Some("claude.ai"),
            "evil.example",
            "It calls itself “claude.ai”; its address evil.example",
        ),
        (
            "https://claude.ai.evil.example/c",
            Some("Claude"),
            "claude.ai.evil.example",
            "its address claude.ai.evil.example",
        ),
        ("https://evil.example:8443/c", None, "evil.example:8443", "Its address evil.example:8443 is confirmed."),
        ("https://xn--pple-43d.example/c", Some("Apple"), "xn--pple-43d.example", "its address xn--pple-43d.example"),
        (
            "https://evil.example/c",
            Some("</bdi></h1><script>alert(1)</script>\u{202e}"),
            "evil.example",
            "&#60;script&#62;",
        ),
    ] {
        let host = headline.to_owned();
        let client = world.document(id, name, &[&format!("https://{host}/callback")]).await;
        let page = consent_page(&client, &mut world.browser(), &[]).await;
        let text = reads(&page);
        assert_eq!(title(&page), format!("Allow {headline} to use localhost?"));
        assert!(text.starts_with(&format!("Allow {headline} to use ")) && text.contains(second), "{text}");
        assert!(!text.contains("goes to another site") && !page.body.contains("<script"), "{text}");
    }
}

#[tokio::test]
async fn nothing_else_is_confirmed() {
    let world = World::new().await;
    let mut registered = world.stranger();
    registered.redirect_uri = "https://claude.ai/api/mcp/auth_callback".to_owned();
    registered.register().await;
    let (name, text) = said(&world, &registered).await;
    assert_eq!(name, "Allow “Scripted client” to use localhost?");
    assert!(text.contains("Unverified name, given by the app itself. Go on only if you trust claude.ai."), "{text}");
    assert!(!text.contains("confirmed"), "{text}");

    for id in
        ["http://localhost:6000/client.json", "http://127.0.0.1:6000/c", "http://[::1]:6000/c", "https://localhost/c"]
    {
        let client = world.document(id, Some("claude.ai"), &["http://localhost/callback"]).await;
        let (name, text) = said(&world, &client).await;
        assert_eq!(name, "Allow “claude.ai” (unverified) to use localhost?", "its own name, as that of any other");
        assert!(text.contains("Unverified name, given by the app itself on this computer"), "{text}");
        assert!(!text.contains("confirmed"), "{text}");
    }
}

/// What the titles of all pages say that name a client, from the first to the last, and the page itself.
async fn all_pages(world: &World, client: &Client) -> Vec<Page> {
    let mistake = world.browser().get(&client.authorization_url(&[("prompt", "none")])).await;
    let mut browser = world.browser();
    let consent = consent_page(client, &mut browser, &[]).await;
    let cancelled = browser.submit(&consent, &[("answer", "cancel")]).await;
    world.issuer.misbehave(Fault::AuthorizeError("access_denied".into(), String::new()));
    let retry = browser.press(&consent, UPSTREAM).await;
    world.issuer.misbehave(None);
    let confirm = browser.press(&retry, UPSTREAM).await;
    let leaving = browser.submit(&confirm, &[("answer", "continue")]).await;
    client.redeem(&code_of(&leaving), &[]).await;
    let done = browser.get(&confirm.url).await;
    let allow = consent_page(client, &mut browser, &[]).await;
    let elsewhere = browser.get(&client.authorization_url(&[("redirect_uri", "https://evil.example/")])).await;
    vec![consent, cancelled, retry, confirm, leaving, done, allow, elsewhere, mistake]
}

/// A client that registered itself cannot have the headline by which a page vouches for a host, by whatever letters.
#[tokio::test]
async fn an_app_that_calls_itself_a_host_is_never_called_so_on_any_page() {
    let world = World::with("[clients]\ndocument_hosts = [\"*.listed.example\", \"claude.ai\", \"127.0.0.1\"]\n").await;
    for (name, shown) in [
        ("claude.ai", "claude.ai"),
        ("CLAUDE.AI ✓", "CLAUDE.AI"),
        ("claude.ai (verified)", "claude.ai"),
        ("ｃｌａｕｄｅ。ａｉ", "ｃｌａｕｄｅ。ａｉ"),
        ("xn--cludе-4ve.ai", "xn--cludе-4ve.ai"),
        ("claude · ai", "claude · ai"),
        ("claude\u{200b}.\u{2060}ai", "claude.ai"),
        ("Claude Ai", "Claude Ai"),
        ("Iisted exampIe", "Iisted exampIe"),
        ("Claude” (claude.ai)", "Claude (claude.ai)"),
    ] {
        let client = world.client_with(json!({ "client_name": name })).await;
        let mut pages = 0;
        for page in all_pages(&world, &client).await {
            assert!(page.body.starts_with("<!doctype html>"), "{page:?}");
            let plain = page.body.replace("<bdi>", "").replace("</bdi>", "");
            let marked = plain.matches(&format!("“{shown}” (unverified)")).count();
            assert_eq!(plain.matches(shown).count(), marked, "{name}: {}", page.body);
            pages += usize::from(marked > 0);
            assert!(
                !plain.contains(" ✓") && !plain.contains("verified)”") && !plain.contains("is confirmed"),
                "{plain}"
            );
        }
        assert_eq!(pages, 9, "{name}: each of the pages names it");
    }
    // The registration says what is kept of the name.
    let registered = json_of(
        &world
            .stranger()
            .post_json(
                "/oauth/register",
                &json!({
                    "redirect_uris": ["https://client.example/callback"], "client_name": "✓ Claude, verified",
                }),
            )
            .await,
    );
    assert_eq!(registered["client_name"], "Claude");
}

/// A name that was kept before there was a rule for it is shown by the rule.
#[tokio::test]
async fn a_stored_name_is_shown_by_the_rules_of_today() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client().await;
        for (stored, shown) in [("✅ Claude is verified", "“Claude is”"), ("claude.ai ✓", "“claude.ai” (unverified)")]
        {
            world.sql(&format!("UPDATE clients SET metadata = replace(metadata, 'Scripted client', '{stored}')")).await;
            assert_eq!(said(&world, &client).await.0, format!("Allow {shown} to use localhost?"), "{db:?}");
            world.sql(&format!("UPDATE clients SET metadata = replace(metadata, '{stored}', 'Scripted client')")).await;
        }
    }
}

/// The host of a document that this process knows is as good as one that is listed.
#[tokio::test]
async fn the_outline_of_a_known_host_is_recognised() {
    let world = World::new().await;
    let twin = world.client_with(json!({ "client_name": "App Example" })).await;
    assert_eq!(said(&world, &twin).await.0, "Allow “App Example” to use localhost?");
    let client = world.document(CLIENT, Some("App Example"), &[CALLBACK]).await;
    assert_eq!(said(&world, &client).await.0, "Allow app.example to use localhost?");
    assert_eq!(said(&world, &twin).await.0, "Allow “App Example” (unverified) to use localhost?");
    // And that of Claude's, whose documents come with jean.
    let claude = world.client_with(json!({ "client_name": "CIaude-AI" })).await;
    assert_eq!(said(&world, &claude).await.0, "Allow “CIaude-AI” (unverified) to use localhost?");
}

/// The operator's own words are the operator's.
#[tokio::test]
async fn a_configured_name_is_shown_as_it_was_configured() {
    let world = World::with(
        "[[clients.preregistered]]\nid = \"mine\"\nname = \"mine.example (verified) ✓\"\nauth_method = \"none\"\n\
         redirect_uris = [\"https://client.example/callback\"]\n",
    )
    .await;
    let mut client = world.stranger();
    client.id = "mine".into();
    let (name, text) = said(&world, &client).await;
    assert_eq!(name, "Allow mine.example (verified) ✓ to use localhost?");
    assert!(text.contains("Set up here by the operator of"), "{text}");
}

/// RFC 8252 section 8.6, and the CIMD draft on apps that answer to a loopback address: anybody on this computer has the id.
#[tokio::test]
async fn an_app_on_this_computer_is_warned_of_whoever_describes_it() {
    let world = World::new().await;
    let code = "https://app.example/cli.json";
    let client =
        world.document(code, Some("Claude Code"), &["http://localhost/callback", "http://127.0.0.1/callback"]).await;
    let (name, text) = said(&world, &client).await;
    assert_eq!(name, "Allow app.example to use localhost?");
    assert!(
        text.contains(
            "Did you start this yourself, just now? app.example describes this app, but any app on this device"
        ),
        "{text}"
    );
    assert!(text.contains("You return to an app on this computer"), "{text}");

    // One that has a site too is warned of where the answer goes here.
    let redirect_uris = ["http://127.0.0.1:33418/", "https://editor.example/redirect"];
    let mut client = world.document("https://editor.example/c.json", Some("VS Code"), &redirect_uris).await;
    assert!(said(&world, &client).await.1.contains("Did you start this yourself"));
    client.redirect_uri = redirect_uris[1].to_owned();
    assert!(!said(&world, &client).await.1.contains("Did you start this yourself"));
}

/// An address of this computer or of a private network proves nothing, whatever its scheme.
#[tokio::test]
async fn what_leads_to_this_computer_or_its_network_is_warned_of_and_said_as_it_is() {
    let world = World::new().await;
    let here = "You return to an app on this computer";
    for (redirect_uri, returns_to, caution) in [
        ("https://localhost/cb", here, "Any app on this device can use this name."),
        ("https://localhost:8443/cb", here, "Any app on this device can use this name."),
        ("https://app.localhost/cb", here, "Any app on this device can use this name."),
        ("https://127.0.0.1/cb", here, "Any app on this device can use this name."),
        ("https://[::1]/cb", here, "Any app on this device can use this name."),
        (
            "https://192.168.1.5/cb",
            "You return to a device in your network, 192.168.1.5",
            "The answer goes to the device in your network that has the address 192.168.1.5.",
        ),
        (
            "https://[fd00::5]:8443/cb",
            "You return to a device in your network, [fd00::5]:8443",
            "has the address [fd00::5]:8443.",
        ),
        ("https://nas.local/cb", "You return to a device in your network, nas.local", "has the address nas.local."),
    ] {
        let registered = world.client_at(&[redirect_uri]).await;
        let id = format!("https://app.example/{}", url::Url::parse(redirect_uri).expect("a URL").authority());
        let described = world.document(&id, Some("App"), &[redirect_uri]).await;
        for client in [registered, described] {
            let (_, text) = said(&world, &client).await;
            assert!(text.contains("Did you start this yourself, just now?"), "{redirect_uri}: {text}");
            assert!(text.contains(returns_to), "{redirect_uri}: {text}");
            assert!(text.contains(caution) || client.id.starts_with("https://"), "{redirect_uri}: {text}");
            assert!(!text.contains("Go on only if you trust"), "{redirect_uri}: {text}");
        }
        world.sql("DELETE FROM clients").await;
    }
}

#[tokio::test]
async fn an_answer_that_goes_to_another_site_is_said_plainly() {
    let world = World::new().await;
    for (redirect_uri, site) in [
        ("https://login.example/callback", "login.example"),
        ("https://app.example.login.example/callback", "app.example.login.example"),
        ("https://app.example:8443/callback", "app.example:8443"),
    ] {
        let client = world.document(&format!("https://app.example/{site}"), Some("Claude"), &[redirect_uri]).await;
        let mut browser = world.browser();
        let page = consent_page(&client, &mut browser, &[]).await;
        let said = format!(
            "The answer goes to another site. It is meant for app.example, but goes to {site}. Go on only if you know why."
        );
        assert!(reads(&page).contains(&said), "{}", page.body);
        let page = browser.press(&page, UPSTREAM).await;
        assert!(reads(&page).contains(&said), "{}", page.body);
    }
}

async fn allow(client: &Client, browser: &mut Browser, changes: &[(&str, &str)]) {
    code_of(&client.authorize(browser, changes).await);
}

/// What the page says is new, to somebody who is signed in.
async fn news(client: &Client, browser: &mut Browser, changes: &[(&str, &str)]) -> Option<String> {
    let text = reads(&consent_page(client, browser, changes).await);
    assert!(text.contains("Connected since 15 January 2027") && !text.contains("never before"), "{text}");
    let news = text.split("New this time ").nth(1)?;
    Some(news.split(" Ends after").next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn what_is_new_since_the_last_time_is_said_in_words() {
    let world = World::with(
        "[mcp.default]\nscopes = { read = \"Read\", write = \"Write\" }\ndefault_scopes = [\"read\"]\n\
         [mcp.files]\npath = \"/files\"\nscopes = { read = \"Read files\" }\n",
    )
    .await;
    let at = [
        "https://app.example/one",
        "https://app.example/two",
        "http://localhost/callback",
        "http://127.0.0.1/callback",
    ];
    let host = DocumentHost::start().await.expect("a site");
    let mut client = world.stranger();
    client.redirect_uri = at[0].to_owned();
    world.describe(&host, &mut client, Description { name: "Client", redirect_uris: &at });
    let mut browser = world.browser();
    let asked = [("resource", RESOURCE), ("scope", "read")];
    allow(&client, &mut browser, &asked).await;
    world.clock.advance(86_400);
    allow(&world.client().await, &mut browser, &[("resource", RESOURCE)]).await;

    assert_eq!(news(&client, &mut browser, &asked).await, None);
    let more = [("resource", RESOURCE), ("scope", "read write")];
    assert_eq!(news(&client, &mut browser, &more).await.as_deref(), Some("it asks for more"));
    let files = [("resource", "http://localhost:8080/files"), ("scope", "read")];
    assert_eq!(
        news(&client, &mut browser, &files).await.as_deref(),
        Some("it asks for more; it asks for another part of this server")
    );
    client.redirect_uri = at[1].to_owned();
    assert_eq!(news(&client, &mut browser, &asked).await.as_deref(), Some("it sends you back to a different address"));
    client.redirect_uri = "http://localhost:1/callback".to_owned();
    assert_eq!(news(&client, &mut browser, &asked).await.as_deref(), Some("it sends you back to a different address"));
    // Of the places on this computer one is like another.
    allow(&client, &mut browser, &asked).await;
    client.redirect_uri = "http://127.0.0.1:2/callback".to_owned();
    assert_eq!(news(&client, &mut browser, &asked).await, None);

    client.redirect_uri = at[0].to_owned();
    world.describe(&host, &mut client, Description { name: "Client 2", redirect_uris: &at });
    assert_eq!(news(&client, &mut browser, &asked).await.as_deref(), Some("its details have changed"));
    assert_eq!(news(&client, &mut browser, &more).await.as_deref(), Some("it asks for more; its details have changed"));
    allow(&client, &mut browser, &asked).await;
    assert_eq!(news(&client, &mut browser, &asked).await, None, "known now");
}

/// Identity is not among the permissions, and not hidden either (OpenID Connect Core section 5.4).
#[tokio::test]
async fn what_an_app_learns_of_the_person_is_said() {
    let world = World::new().await;
    let client = world.document(CLIENT, Some("Claude"), &[CALLBACK]).await;
    let mut browser = world.browser();
    for (scope, learns) in [
        ("read", ""),
        ("read openid", ""),
        ("read email profile", ""),
        ("read openid offline_access", ""),
        ("read openid email", "It also learns your email address."),
        ("read openid profile", "It also learns your name."),
        ("read openid email profile", "It also learns your name and email address."),
    ] {
        let text = reads(&consent_page(&client, &mut world.browser(), &[("scope", scope)]).await);
        assert!(text.contains("Read your data") && text.contains(learns), "{scope}: {text}");
        assert_eq!(text.contains("learns"), !learns.is_empty(), "{scope}: {text}");
    }
    allow(&client, &mut browser, &[("scope", "read openid email")]).await;
    for (scope, news) in [
        ("read openid email", ""),
        ("read openid email offline_access", ""),
        ("read openid email profile", "It also learns your name and email address. New"),
    ] {
        let text = reads(&consent_page(&client, &mut browser, &[("scope", scope)]).await);
        assert!(text.contains(news), "{scope}: {text}");
        assert_eq!(text.contains("New this time it asks for more"), !news.is_empty(), "{scope}: {text}");
    }
}

/// The past of another person, or of another client of the same host, is nobody's here.
#[tokio::test]
async fn known_since_is_of_this_person_and_this_client() {
    let world = World::new().await;
    let client = world.document(CLIENT, Some("Claude"), &[CALLBACK]).await;
    let mut browser = world.browser();
    allow(&client, &mut browser, &[]).await;
    let twin = world.document("https://app.example/another.json", Some("Claude"), &[CALLBACK]).await;
    let text = reads(&consent_page(&twin, &mut browser, &[]).await);
    assert!(text.contains("Connected never before"), "{text}");
    world.issuer.sign_in_as(jean_testing::issuer::Account::named("Bob"));
    let page = consent_page(&client, &mut world.browser(), &[]).await;
    let mut browser = world.browser();
    assert!(!page.body.contains("Connected"), "nobody is known: {}", page.body);
    let page = consent_page(&client, &mut browser, &[]).await;
    let page = browser.press(&page, UPSTREAM).await;
    assert!(reads(&page).contains("Connected never before"), "{}", page.body);
}

/// One word may stand for another permission at each MCP endpoint: all that is granted is told.
#[tokio::test]
async fn a_scope_is_told_in_the_words_of_every_endpoint_that_it_is_for() {
    let world = World::with(
        "[mcp.default]\nscopes = { read = \"Read your notes\", write = \"Change things\" }\n\
         [mcp.files]\nscopes = { read = \"Read your files\", write = \"Change things\" }\n",
    )
    .await;
    let client = world.client().await;
    let mut browser = world.browser();
    let both = client.authorization_url(&[("resource", RESOURCE), ("scope", "read write")]);
    let page = browser.get(&format!("{both}&resource={}/files", world.public_url)).await;
    let text = reads(&page);
    assert!(text.contains("Read your notes") && text.contains("Read your files"), "{text}");
    assert_eq!(text.matches("Change things").count(), 1, "{text}");
    let page = browser.get(&client.authorization_url(&[("resource", RESOURCE), ("scope", "read")])).await;
    assert!(!reads(&page).contains("Read your files"), "{}", reads(&page));
}
