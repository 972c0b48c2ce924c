//! The consent page and its form: what the form is bound to, and what a yes is remembered for.

use jean_testing::browser::{Browser, Page};
use jean_testing::client::Client;
use jean_testing::issuer::Account;
use serde_json::json;

use crate::support::browsing::{
    UPSTREAM, answer_to, asks, assert_page, consent_page, depart, error_to, parameter, reads,
};
use crate::support::{BOTH, World, code_of};

/// Posts the form of the page with one field replaced.
async fn post_with(browser: &mut Browser, page: &Page, name: &str, value: &str) -> Page {
    let mut fields = page.form().hidden;
    fields.push(("answer".into(), "allow".into()));
    for field in &mut fields {
        if field.0 == name {
            field.1 = value.to_owned();
        }
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post("/oauth/consent", &fields).await
}

fn field(page: &Page, name: &str) -> String {
    let field = page.form().hidden.into_iter().find(|(key, _)| key == name);
    field.unwrap_or_else(|| panic!("no field {name}: {page:?}")).1
}

/// The page again, with the reason; and nothing was given.
fn assert_asked_again(page: &Page, why: &str) {
    assert_page(page, 200, "Please look again.");
    assert!(asks(page), "{why}");
}

fn codes(rows: &[(&'static str, i64)]) -> i64 {
    rows.iter().filter(|(table, _)| *table == "grants" || *table == "logins").map(|(_, count)| count).sum()
}

/// CVE-2022-39222: an approval is bound to the one who was asked, to what was asked, and to the form that asked.
/// <https://nvd.nist.gov/vuln/detail/CVE-2022-39222>
#[tokio::test]
async fn the_form_is_bound_to_request_client_browser_and_purpose() {
    let world = World::new().await;
    let (client, other) = (world.client().await, world.client().await);
    let mut browser = world.signed_in().await;
    let page = consent_page(&client, &mut browser, &[]).await;
    let before = codes(&world.rows().await);

    let request = field(&page, "request");
    let wider = request.replace("response_type=code", "response_type=code&scope=read+write");
    assert_ne!(wider, request);
    let of_other = field(&consent_page(&other, &mut browser, &[]).await, "request");
    let reordered = {
        let (head, tail) = request.split_once('&').expect("two parameters");
        format!("{tail}&{head}")
    };
    for request in [wider, of_other, reordered] {
        assert_asked_again(&post_with(&mut browser, &page, "request", &request).await, &request);
    }
    let token = field(&page, "token");
    let (expires_at, mac) = token.split_once('.').expect("two parts");
    for token in [
        String::new(),
        "x".into(),
        ".".into(),
        format!("{expires_at}."),
        format!(".{mac}"),
        mac.to_owned(),
        format!("99999999999.{mac}"),
        format!("{expires_at}.{}", mac.chars().rev().collect::<String>()),
        field(&consent_page(&other, &mut browser, &[]).await, "token"),
    ] {
        assert_asked_again(&post_with(&mut browser, &page, "token", &token).await, &token);
    }

    // Another browser, in which the same person is signed in: its own cookie, and none at all.
    let mut elsewhere = world.signed_in().await;
    let before_elsewhere = codes(&world.rows().await);
    consent_page(&client, &mut elsewhere, &[]).await;
    assert_asked_again(&post_with(&mut elsewhere, &page, "", "").await, "another browser");
    elsewhere.cookies("localhost").remove("jean-browser");
    assert_asked_again(&post_with(&mut elsewhere, &page, "", "").await, "no browser cookie");
    assert_eq!(codes(&world.rows().await), before_elsewhere);

    // The form of the page after the sign-in does not do for the one before it.
    let mut newcomer = world.browser();
    let fresh = consent_page(&client, &mut newcomer, &[]).await;
    world.issuer.sign_in_as(Account::named("Bob"));
    let confirm = newcomer.press(&fresh, UPSTREAM).await;
    let token = field(&confirm, "token");
    let again = consent_page(&client, &mut newcomer, &[]).await;
    assert_asked_again(&post_with(&mut newcomer, &again, "token", &token).await, "another form's token");

    assert_eq!(codes(&world.rows().await), before_elsewhere + 1, "the one journey of the newcomer");
    assert!(before_elsewhere >= before);
    // Untouched, it is an answer.
    let page = post_with(&mut browser, &page, "", "").await;
    assert!(answer_to(&page, &client).contains_key("code"));
}

/// Somebody else signed in between the page and the click: the yes was not theirs.
#[tokio::test]
async fn the_form_is_bound_to_the_person_shown() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.signed_in().await;
    let shown = consent_page(&client, &mut browser, &[]).await;
    assert!(shown.body.contains("ada-lovelace@example.com"), "{}", shown.body);

    world.issuer.sign_in_as(Account::named("Bob"));
    world.client().await.authorize(&mut browser, &[("prompt", "login")]).await;
    let page = post_with(&mut browser, &shown, "", "").await;
    assert_asked_again(&page, "switched");
    assert!(page.body.contains("bob@example.com") && !page.body.contains("ada-lovelace"), "{}", page.body);
    // That page is theirs.
    let page = browser.submit(&page, &[("answer", "allow")]).await;
    let tokens = client.redeem(&code_of(&page), &[]).await;
    let whoami = client.whoami(tokens.access()).await;
    assert!(whoami.body.contains("bob@example.com"), "{}", whoami.body);

    // Nobody was signed in when it was drawn, and somebody is now.
    let mut browser = world.browser();
    let shown = consent_page(&client, &mut browser, &[]).await;
    world.client().await.authorize(&mut browser, &[]).await;
    assert_asked_again(&post_with(&mut browser, &shown, "", "").await, "signed in since");
    // Signed out since.
    let mut browser = world.signed_in().await;
    let shown = consent_page(&client, &mut browser, &[]).await;
    browser.cookies("localhost").remove("jean-session");
    assert_asked_again(&post_with(&mut browser, &shown, "", "").await, "signed out since");
}

#[tokio::test]
async fn a_form_is_good_for_half_an_hour() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.signed_in().await;
    let page = consent_page(&client, &mut browser, &[]).await;
    world.clock.advance(30 * 60 - 1);
    assert!(answer_to(&post_with(&mut browser, &page, "", "").await, &client).contains_key("code"));
    world.clock.advance(1);
    let again = post_with(&mut browser, &page, "", "").await;
    assert_asked_again(&again, "expired");
    let page = browser.submit(&again, &[("answer", "allow")]).await;
    assert!(answer_to(&page, &client).contains_key("code"));
}

/// Cross-site request forgery: RFC 6749 section 10.12, the Fetch Metadata and Origin headers.
#[tokio::test]
async fn a_form_from_another_site_is_refused() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.signed_in().await;
    let page = consent_page(&client, &mut browser, &[]).await;
    let before = world.rows().await;
    let mut fields = page.form().hidden;
    fields.push(("answer".into(), "allow".into()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "http://localhost:9999")],
        &[("origin", "https://localhost:8080")],
        &[("origin", "http://localhost:8080.evil.example")],
        &[("origin", "http://localhost:8080, https://evil.example")],
        &[("origin", "")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "http://localhost:8080"), ("sec-fetch-site", "cross-site")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
    ] {
        let answer = browser.send("POST /oauth/consent", headers, Some(&fields)).await;
        assert_page(&answer, 400, "sent from another site");
        assert!(!answer.body.contains("<form"), "{headers:?}");
    }
    assert_eq!(world.rows().await, before);
    // Old browsers send neither header; a page without a referrer sends the Origin null.
    for headers in
        [&[][..], &[("origin", "null")], &[("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")]]
    {
        let answer = browser.send("POST /oauth/consent", headers, Some(&fields)).await;
        assert!(answer_to(&answer, &client).contains_key("code"), "{headers:?}");
    }
}

/// The second of two pages must not take the first one's token away (fastmcp #4818).
#[tokio::test]
async fn either_of_two_tabs_can_be_posted() {
    let world = World::new().await;
    let client = world.client().await;
    for order in [[0, 1], [1, 0]] {
        let mut browser = world.browser();
        let pages = [consent_page(&client, &mut browser, &[]).await, consent_page(&client, &mut browser, &[]).await];
        for tab in order {
            depart(&mut browser, &pages[tab], UPSTREAM).await;
        }
        let mut browser = world.signed_in().await;
        let pages = [consent_page(&client, &mut browser, &[]).await, consent_page(&client, &mut browser, &[]).await];
        for tab in order {
            let page = browser.submit(&pages[tab], &[("answer", "allow")]).await;
            assert!(answer_to(&page, &client).contains_key("code"));
        }
    }
    // Two pages at once, before there is any cookie: the last Set-Cookie wins, and its page works; the other asks again.
    let (mut one, mut two) = (world.browser(), world.browser());
    let first = consent_page(&client, &mut one, &[]).await;
    let second = consent_page(&client, &mut two, &[]).await;
    depart(&mut two, &second, UPSTREAM).await;
    let again = two.submit(&first, &[("answer", UPSTREAM)]).await;
    assert_asked_again(&again, "the other one's cookie won");
    depart(&mut two, &again, UPSTREAM).await;
}

/// RFC 6749 section 4.1.2.1.
#[tokio::test]
async fn cancel_tells_the_client_that_access_was_denied() {
    let world = World::new().await;
    for redirect_uri in ["https://client.example/callback", "http://localhost:52100/callback", "cursor://x/callback"] {
        let client = world.client_at(&[redirect_uri]).await;
        for mut browser in [world.browser(), world.signed_in().await] {
            let page = consent_page(&client, &mut browser, &[]).await;
            let page = browser.submit(&page, &[("answer", "cancel")]).await;
            // A form's answer leaves by a page: Chromium holds form-action against a redirect.
            assert_eq!(page.status, 200);
            assert_eq!(error_to(&page, &client), "access_denied", "{redirect_uri}");
        }
    }
}

/// One look at the page, and post after post: each was a row and a way to the provider.
#[tokio::test]
async fn one_form_begins_at_most_eight_journeys() {
    for db in BOTH {
        let world = World::on(db, "").await;
        for (mut browser, answer) in [(world.browser(), UPSTREAM), (world.signed_in().await, "switch")] {
            let client = world.client().await;
            let page = consent_page(&client, &mut browser, &[]).await;
            let mut ways = std::collections::BTreeSet::new();
            for minutes in [0, 1, 5, 10, 0, 0, 5, 8] {
                world.clock.advance(minutes * 60);
                ways.insert(depart(&mut browser, &page, answer).await);
            }
            assert_eq!(ways.len(), 8, "{db:?}: each with values of its own");
            // Neither another process nor time gives it more: the form expires first.
            let replica = world.replica().await;
            for mut browser in [browser.clone(), world.at_another(&mut browser, &replica)] {
                let refused = browser.submit(&page, &[("answer", answer)]).await;
                assert_page(&refused, 429, "This page was used too often");
                assert!(reads(&refused).contains("start again from there"), "{}", refused.body);
                assert!(!refused.headers.contains_key("set-cookie"), "{refused:?}");
            }
            replica.close().await;
            world.clock.advance(61);
            assert_asked_again(&browser.submit(&page, &[("answer", answer)]).await, "it has expired");
            let rows = format!("SELECT COUNT(*) FROM logins WHERE client = '{}'", client.id);
            assert_eq!(world.database().await.number(&rows).await, 8, "{db:?}: no row for the others");
            // Another look is another form.
            let page = consent_page(&client, &mut browser, &[]).await;
            depart(&mut browser, &page, answer).await;
        }
    }
}

#[tokio::test]
async fn many_posts_of_one_form_at_once_begin_eight_journeys() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client().await;
        let mut browser = world.browser();
        let page = consent_page(&client, &mut browser, &[]).await;
        let mut posts = tokio::task::JoinSet::new();
        for _ in 0..24 {
            let (mut tab, page) = (browser.clone(), page.clone());
            posts.spawn(async move { tab.submit(&page, &[("answer", UPSTREAM)]).await.status.as_u16() });
        }
        let statuses = posts.join_all().await;
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 8, "{db:?}: {statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 16, "{db:?}: {statuses:?}");
        assert_eq!(world.database().await.number("SELECT COUNT(*) FROM logins").await, 8, "{db:?}");
    }
}

#[tokio::test]
async fn a_button_that_the_page_does_not_have_asks_again() {
    let world = World::new().await;
    let client = world.client().await;
    let table = [
        (world.browser(), &["", "allow", "switch", "continue", "upstream:", "upstream:other", "yes"][..]),
        (world.signed_in().await, &["", "upstream:other", "ALLOW", "no"][..]),
    ];
    for (mut browser, answers) in table {
        let page = consent_page(&client, &mut browser, &[]).await;
        let before = world.rows().await;
        for answer in answers {
            let page = browser.submit(&page, &[("answer", answer)]).await;
            assert_page(&page, 200, "Please choose one of the buttons.");
        }
        let twice = browser.submit(&page, &[("answer", "cancel"), ("answer", "allow")]).await;
        assert_page(&twice, 200, "Please choose one of the buttons.");
        assert_eq!(world.rows().await, before);
    }
}

/// A form's answer never leaves by a redirect, whatever is in the form: Chromium holds `form-action` against it.
#[tokio::test]
async fn a_form_with_a_broken_request_does_not_redirect() {
    let world = World::new().await;
    let client = world.client_at(&["http://localhost:52100/callback"]).await;
    let mut browser = world.signed_in().await;
    let page = consent_page(&client, &mut browser, &[]).await;
    let before = world.rows().await;
    let request = field(&page, "request");
    let broken = request.replace("response_type=code", "response_type=token");
    let answer = post_with(&mut browser, &page, "request", &broken).await;
    assert_eq!((answer.status.as_u16(), answer.headers.get("location")), (200, None), "{answer:?}");
    assert_eq!(error_to(&answer, &client), "unsupported_response_type");
    for request in ["", "x", "client_id=unknown"] {
        let answer = post_with(&mut browser, &page, "request", request).await;
        assert_eq!((answer.status.as_u16(), answer.leads_to()), (400, None), "{request}");
    }
    assert_eq!(world.rows().await, before);
}

/// Fields of a registration, each with something that wants out of its place on the page.
/// fastmcp #3418, workers-oauth-provider #218: script in client metadata on the consent page.
#[tokio::test]
async fn a_hostile_name_stands_on_every_page_only_as_text() {
    let world = World::new().await;
    let markup = "\"'></title></bdi></code><script>alert(1)</script><img src=x onerror=alert(1)><!--{{9999*9999}}${9999*9999}&lt;";
    let bidi = "Cla\u{202e}edu\u{2066}\u{200f}\u{200b}\u{0}\u{7}\nx";
    for hostile in [markup, bidi, "</form><form action=https://evil.example>", "\" autofocus onfocus=\"alert(1)"] {
        let web = |path: &str| format!("https://logo.example/{path}?{hostile}");
        let mut client = world.stranger();
        let mut metadata = client.metadata();
        for (name, value) in [
            ("client_name", json!(hostile)),
            ("client_uri", json!(web("home"))),
            ("logo_uri", json!(web("logo.png"))),
            ("tos_uri", json!(web("tos"))),
            ("policy_uri", json!(web("policy"))),
            ("contacts", json!([hostile])),
            ("software_id", json!(hostile)),
            ("software_version", json!(hostile)),
        ] {
            metadata[name] = value;
        }
        let registered = client.post_json("/oauth/register", &metadata).await;
        assert_eq!(registered.status, 201, "{}", registered.body);
        let registered: serde_json::Value = serde_json::from_str(&registered.body).expect("JSON");
        client.id = registered["client_id"].as_str().expect("an id").to_owned();

        // A parameter with a NUL is refused before any page.
        let parameter = hostile.replace('\0', "");
        let state = format!("state{parameter}");
        let changes = [("state", state.as_str()), ("nonce", &parameter), ("x", &parameter)];
        let mut browser = world.browser();
        let mut pages = vec![consent_page(&client, &mut browser, &changes).await];
        pages.push(browser.submit(&pages[0], &[("answer", UPSTREAM)]).await);
        pages.push(browser.press(&pages[0], UPSTREAM).await);
        pages.push(browser.submit(&pages[2], &[("answer", "cancel")]).await);
        pages.push(browser.get(&pages[2].url).await);
        pages.push(browser.get(&client.authorization_url(&[("redirect_uri", "https://evil.example/")])).await);
        pages.push(browser.get(&client.authorization_url(&[("response_type", hostile), ("state", &state)])).await);
        pages.push(browser.get(&client.authorization_url(&[("client_id", hostile), ("redirect_uri", hostile)])).await);
        for page in &pages {
            assert_only_text(page);
        }
    }
}

/// A redirect URI may hold any printable character of ASCII, and stands on pages and in the way back.
#[tokio::test]
async fn a_hostile_redirect_uri_stands_on_every_page_only_as_text() {
    let world = World::new().await;
    for hostile in [
        "https://client.example/cb?\"'></bdi></code><script>alert(1)</script><img/src=x/onerror=alert(1)>",
        "https://client.example/'onfocus='alert(1)'autofocus='/\"onfocus=\"alert(1)\"",
        "com.example.app:/\"'><script>alert(1)</script><!--",
        "http://localhost/cb?{{9999*9999}}&lt;script&gt;",
    ] {
        let client = world.client_at(&[hostile]).await;
        let mut browser = world.browser();
        let mut pages = vec![consent_page(&client, &mut browser, &[]).await];
        pages.push(browser.submit(&pages[0], &[("answer", "cancel")]).await);
        pages.push(browser.press(&pages[0], UPSTREAM).await);
        pages.push(browser.press(&pages[2], "continue").await);
        pages.push(browser.get(&client.authorization_url(&[("redirect_uri", "https://evil.example/")])).await);
        pages.push(world.browser().get(&client.authorization_url(&[("client_id", "unknown")])).await);
        for page in pages.iter().filter(|page| !page.body.is_empty()) {
            assert_only_text(page);
        }
    }
}

/// No markup but our own: every tag of the page is one that our templates write, without scripts and handlers.
fn assert_only_text(page: &Page) {
    assert!(page.body.starts_with("<!doctype html>"), "{page:?}");
    for tag in page.body.split('<').skip(1) {
        let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '!')).collect();
        let ours = [
            "!doctype", "html", "head", "meta", "title", "link", "body", "header", "a", "span", "bdi", "main",
            "article", "h1", "h2", "h3", "p", "strong", "svg", "path", "circle", "ul", "ol", "li", "dl", "div", "dt",
            "dd", "form", "input", "button", "details", "summary", "code", "footer",
        ];
        assert!(ours.contains(&name.trim_start_matches('/')), "<{name}> on {}", page.body);
        let inside = tag.split('>').next().unwrap_or_default();
        let handler = inside.split('"').step_by(2).find(|part| part.contains("onerror") || part.contains("onfocus"));
        assert_eq!(handler, None, "{}", page.body);
    }
    assert_eq!(page.body.matches("<form").count(), page.body.matches("</form").count());
    assert!(page.body.matches("<form").count() <= 1, "{}", page.body);
    assert!(!page.body.contains("logo.example"), "{}", page.body);
    let hidden = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\0' | '\u{7}');
    let visible: String = page.body.split("<input").next().unwrap_or_default().into();
    assert_eq!(visible.find(hidden), None, "{}", page.body);
    assert!(!visible.contains("99980001"), "no template is evaluated twice: {visible}");
}

/// What the person is told of the client: our own server by name, where the answer goes, and that the name is unproved.
#[tokio::test]
async fn the_page_says_who_asks_for_what_and_where_the_answer_goes() {
    let world = World::new().await;
    let said = async |client: &Client| consent_page(client, &mut world.browser(), &[]).await.body;
    let page = said(&world.client().await).await;
    for words in [
        "Scripted client",
        "localhost:8080",
        "Read your data",
        "client.example",
        "given by the app itself",
        "Continue with Acme",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("Change your data") && !page.contains("Did you start this yourself"), "{page}");
    let page = said(&world.client_at(&["http://localhost/callback"]).await).await;
    assert!(page.contains("an app on this computer") && page.contains("Did you start this yourself"), "{page}");
    let page = said(&world.client_at(&["cursor://anysphere.cursor-mcp/oauth/callback"]).await).await;
    assert!(page.contains("the app for <strong><bdi>cursor:</bdi></strong> links"), "{page}");
    assert!(parameter(&world.client().await.authorization_url(&[]), "scope").is_none());
}
