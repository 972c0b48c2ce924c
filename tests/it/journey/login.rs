//! The way through the upstream and back: what binds the answer to the browser that asked for it.

use std::time::Duration;

use jean_testing::browser::{Browser, Page};
use jean_testing::issuer::{Account, Fault};

use crate::support::browsing::{
    UPSTREAM, answer_to, assert_page, consent_page, depart, knows_who, parameter, reads, through_upstream, to_callback,
    to_upstream, with_parameter,
};
use crate::support::{BOTH, World, code_of};

const OTHER_BROWSER: &str = "This sign-in began in another browser";
const OVER: &str = "This sign-in is over";

/// The names of the cookies that bind journeys to this browser.
fn journeys(browser: &mut Browser) -> Vec<String> {
    browser.cookies("localhost").keys().filter(|name| name.starts_with("jean-login-")).cloned().collect()
}

/// The page of the journey that a state belongs to.
fn journey_of(url: &str) -> String {
    let state = parameter(url, "state").expect("a state");
    format!("/oauth/login/{}", state.split_once('.').expect("an id").0)
}

async fn is_signed_in(world: &World, browser: &mut Browser) -> bool {
    knows_who(&consent_page(&world.client().await, browser, &[]).await)
}

/// CVE-2026-27124: the callback was not bound to the browser that consented, so an attacker's yes became the victim's.
/// <https://nvd.nist.gov/vuln/detail/CVE-2026-27124>
#[tokio::test]
async fn an_answer_that_comes_back_in_another_browser_is_refused_and_the_first_one_goes_on() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client().await;
        let (mut attacker, mut victim) = (world.browser(), world.signed_in().await);
        // The attacker agrees and sends the upstream's address to the victim, who is signed in there.
        let upstream = to_upstream(&client, &mut attacker, &[]).await;
        let before = world.rows().await;
        let exchanges = world.issuer.requests_to("/token").len();
        let callback = through_upstream(&mut victim, &upstream).await;
        for _ in 0..2 {
            let page = victim.get(&callback).await;
            assert_page(&page, 403, OTHER_BROWSER);
            assert!(reads(&page).contains("Go back to the app and start again there."), "{}", page.body);
        }
        assert_eq!(world.rows().await, before, "{db:?}: no grant, no sign-in");
        assert_eq!(world.issuer.requests_to("/token").len(), exchanges, "the upstream's code is not even looked at");
        assert_page(&victim.get(&journey_of(&callback)).await, 400, OVER);
        // The browser that began it can go on until the journey expires, as the person who signs in there.
        world.clock.advance(20 * 60);
        world.issuer.sign_in_as(Account::named("Mallory"));
        let callback = through_upstream(&mut attacker, &upstream).await;
        let page = attacker.get(&callback).await;
        let page = attacker.follow(page).await;
        assert!(page.body.contains("Continue as") && page.body.contains("mallory@example.com"), "{db:?}: {page:?}");
        let page = attacker.press(&page, "continue").await;
        assert!(answer_to(&page, &client).contains_key("code"), "{db:?}: {page:?}");
    }
}

/// A browser that has cookies, but not those of this journey, is another browser.
#[tokio::test]
async fn the_cookie_of_another_journey_does_not_do() {
    let world = World::new().await;
    let client = world.client().await;
    let mut one = world.browser();
    let callback = to_callback(&client, &mut one, &[]).await;
    let mut two = world.browser();
    to_callback(&client, &mut two, &[]).await;
    let (name, stolen) = (journeys(&mut one).remove(0), journeys(&mut two).remove(0));
    let value = two.cookies("localhost").get(&stolen).cloned().expect("its value");
    for value in [value, "x".into(), "A".repeat(43)] {
        let mut forged = world.browser();
        forged.cookies("localhost").insert(name.clone(), value);
        // The page of the journey neither shows nor takes anything, and tells nothing of it.
        assert_page(&forged.get(&journey_of(&callback)).await, 400, OVER);
        let fields = [("token", "x"), ("answer", "cancel")];
        assert_page(&forged.post(&journey_of(&callback), &fields).await, 400, OVER);
    }
    let page = one.get(&callback).await;
    assert_eq!(page.status, 303);
    let mut forged = world.browser();
    forged.cookies("localhost").insert(name, "x".into());
    assert_page(&forged.get(&journey_of(&callback)).await, 400, OVER);
}

/// Ids can be guessed, so what was not proved must not spend anything.
#[tokio::test]
async fn a_guessed_state_spends_nothing() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let callback = to_callback(&client, &mut browser, &[]).await;
    let state = parameter(&callback, "state").expect("a state");
    let (id, mac) = state.split_once('.').expect("two parts");
    let guesses = [
        id.to_owned(),
        format!("{id}."),
        format!("{id}.{}", "A".repeat(mac.len())),
        format!("{id}.{}", &mac[1..]),
        format!("{state}x"),
        format!("{state} "),
        state.to_uppercase(),
        format!(".{mac}"),
        format!("0.{mac}"),
        format!("-1.{mac}"),
        format!("zzzzzzzzzzzzzzzzzzzzzzzz.{mac}"),
        "\u{0}".into(),
    ];
    for guess in &guesses {
        let page = world.browser().get(&with_parameter(&callback, "state", guess)).await;
        assert_page(&page, 400, OVER);
    }
    assert_page(&world.browser().get("/oauth/callback/idp").await, 400, OVER);
    assert_page(&world.browser().get("/oauth/callback/idp?code=x").await, 400, OVER);
    assert_page(&world.browser().get(&format!("{callback}&state=x")).await, 400, OVER);
    assert_eq!(world.issuer.requests_to("/token").len(), 0);
    // Nor in the right browser.
    for guess in &guesses {
        browser.get(&with_parameter(&callback, "state", guess)).await;
    }
    assert_eq!(world.issuer.requests_to("/token").len(), 0);
    let page = browser.get(&callback).await;
    let page = browser.follow(page).await;
    assert!(page.body.contains("Continue as"), "{page:?}");
}

/// Login CSRF (RFC 6749 section 10.12): the victim would work in the attacker's account.
#[tokio::test]
async fn a_victim_fed_with_the_attackers_answer_is_not_signed_in() {
    let world = World::new().await;
    let client = world.client().await;
    world.issuer.sign_in_as(Account::named("Mallory"));
    let mut attacker = world.browser();
    let callback = to_callback(&client, &mut attacker, &[]).await;
    let mut victim = world.browser();
    // The victim is even on a journey of their own.
    world.issuer.sign_in_as(None);
    let own = to_upstream(&client, &mut victim, &[]).await;
    assert_page(&victim.get(&callback).await, 403, OTHER_BROWSER);
    assert_eq!(victim.cookies("localhost").get("jean-session"), None);
    assert!(!is_signed_in(&world, &mut victim).await);
    // And that journey goes on.
    world.issuer.sign_in_as(Account::named("Ada Lovelace"));
    let callback = through_upstream(&mut victim, &own).await;
    let page = victim.get(&callback).await;
    assert!(victim.follow(page).await.body.contains("ada-lovelace@example.com"));
}

/// Session fixation: an id that was known before the sign-in is worth nothing after it.
#[tokio::test]
async fn each_sign_in_has_a_session_id_of_its_own() {
    let world = World::new().await;
    let client = world.client().await;
    // One that the server never gave.
    let planted = "AAAAAAAAAAAAAAAAAAAAAA";
    let mut browser = world.browser();
    browser.cookies("localhost").insert("jean-session".into(), planted.into());
    client.authorize(&mut browser, &[]).await;
    let first = browser.cookies("localhost")["jean-session"].clone();
    assert_ne!(first, planted);
    // One that it gave, at an earlier sign-in.
    let mut left_behind = browser.clone();
    client.authorize(&mut browser, &[("prompt", "login")]).await;
    let second = browser.cookies("localhost")["jean-session"].clone();
    assert_ne!(second, first);
    assert!(is_signed_in(&world, &mut browser).await);
    assert!(!is_signed_in(&world, &mut left_behind).await);
    let mut fixed = world.browser();
    fixed.cookies("localhost").insert("jean-session".into(), planted.into());
    assert!(!is_signed_in(&world, &mut fixed).await);
}

/// Code injection at our own callback (RFC 9700 section 4.5): PKCE and nonce come from the cookie of this journey.
#[tokio::test]
async fn the_upstreams_code_of_another_attempt_is_refused() {
    let world = World::new().await;
    let client = world.client().await;
    let mut victim = world.browser();
    let stolen = to_callback(&client, &mut victim, &[]).await;
    world.issuer.sign_in_as(Account::named("Mallory"));
    let mut attacker = world.browser();
    let own = to_callback(&client, &mut attacker, &[]).await;
    let code = parameter(&stolen, "code").expect("a code");
    let page = attacker.get(&with_parameter(&own, "code", &code)).await;
    let page = attacker.follow(page).await;
    assert_page(&page, 403, "Acme would not sign you in");
    assert!(!page.body.contains("ada-lovelace"), "{}", page.body);
    assert!(!is_signed_in(&world, &mut attacker).await);
    // Each attempt has values of its own.
    let again = depart(&mut attacker, &page, UPSTREAM).await;
    let first = world.issuer.requests_to("/authorize");
    let mut seen: Vec<_> = first.iter().flat_map(|request| &request.parameters).cloned().collect();
    seen.retain(|(name, _)| matches!(name.as_str(), "state" | "nonce" | "code_challenge"));
    assert_eq!(seen.len(), 6);
    for name in ["state", "nonce", "code_challenge"] {
        let value = parameter(&again, name).expect(name);
        assert!(seen.iter().all(|(_, seen)| *seen != value), "{name}");
    }
}

#[tokio::test]
async fn two_tabs_are_two_journeys() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let pages = [consent_page(&client, &mut browser, &[]).await, consent_page(&client, &mut browser, &[]).await];
    let mut callbacks = Vec::new();
    for page in &pages {
        let upstream = depart(&mut browser, page, UPSTREAM).await;
        callbacks.push(through_upstream(&mut browser, &upstream).await);
    }
    assert_eq!(journeys(&mut browser).len(), 2);
    let mut codes = Vec::new();
    for callback in callbacks.iter().rev() {
        let page = browser.get(callback).await;
        let mut page = browser.follow(page).await;
        if page.leads_to().is_none() {
            page = browser.press(&page, "continue").await;
        }
        assert!(answer_to(&page, &client).contains_key("code"));
        codes.push(code_of(&page));
    }
    for code in codes {
        assert_eq!(client.redeem(&code, &[]).await.status, 200);
    }
}

#[tokio::test]
async fn a_browser_keeps_its_newest_four_journeys() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let mut callbacks = Vec::new();
    for _ in 0..6 {
        callbacks.push(to_callback(&client, &mut browser, &[]).await);
        world.clock.advance(1);
    }
    assert_eq!(journeys(&mut browser).len(), 4);
    for (i, callback) in callbacks.iter().enumerate() {
        let page = browser.get(callback).await;
        if i < 2 {
            assert_page(&page, 403, OTHER_BROWSER);
        } else {
            assert_eq!(page.status, 303, "{page:?}");
        }
    }
}

#[tokio::test]
async fn two_deliveries_of_one_answer_at_once_are_exchanged_once() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let callback = to_callback(&client, &mut browser, &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (mut tab, callback) = (browser.clone(), callback.clone());
        tasks.spawn(async move { tab.get(&callback).await });
    }
    let answers: Vec<Page> = tasks.join_all().await;
    assert_eq!(world.issuer.requests_to("/token").len(), 1);
    // All are sent to the journey's page, and one is signed in.
    assert!(answers.iter().all(|page| page.leads_to() == Some(journey_of(&callback))), "{answers:?}");
    let sessions = answers.iter().filter(|page| page.headers.contains_key("set-cookie")).count();
    assert_eq!(sessions, 1);
    let page = browser.get(&journey_of(&callback)).await;
    assert!(browser.follow(page).await.body.contains("Continue as"));
}

/// While the upstream's answer is looked at, the page waits; a look that broke off is not waited for.
#[tokio::test]
async fn a_crashed_exchange_leads_back_to_the_sign_in() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let callback = to_callback(&client, &mut browser, &[]).await;
    world.issuer.misbehave(Fault::Slow(Duration::from_secs(5)));
    let given_up = tokio::time::timeout(Duration::from_millis(300), browser.clone().get(&callback)).await;
    assert!(given_up.is_err(), "the exchange was to hang");
    world.issuer.misbehave(None);
    let journey = journey_of(&callback);
    for again in [&journey, &callback] {
        let page = browser.get(again).await;
        let page = if page.status == 303 { browser.get(&journey).await } else { page };
        assert!(page.body.contains("One moment"), "{page:?}");
        assert_eq!(page.leads_to().as_ref(), Some(&journey));
    }
    world.clock.advance(29);
    assert!(browser.get(&journey).await.body.contains("One moment"));
    world.clock.advance(1);
    let page = browser.get(&journey).await;
    assert_page(&page, 200, "The sign-in was interrupted");
    // The old answer is dead, and another attempt works.
    let old = browser.get(&callback).await;
    assert_eq!(old.leads_to().as_ref(), Some(&journey));
    let page = browser.press(&page, UPSTREAM).await;
    assert!(page.body.contains("Continue as"), "{page:?}");
}

#[tokio::test]
async fn a_journey_may_take_half_an_hour() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let in_time = to_upstream(&client, &mut browser, &[]).await;
    world.clock.advance(1);
    let late = to_upstream(&client, &mut browser, &[]).await;
    world.clock.advance(30 * 60 - 2);
    let callback = through_upstream(&mut browser, &in_time).await;
    let page = browser.get(&callback).await;
    let confirm = browser.follow(page).await;
    assert!(confirm.body.contains("Continue as"), "{confirm:?}");
    world.clock.advance(1);
    let page = browser.press(&confirm, "continue").await;
    assert_page(&page, 400, OVER);
    world.clock.advance(1);
    let callback = through_upstream(&mut browser, &late).await;
    assert_page(&browser.get(&callback).await, 400, OVER);
    assert_page(&browser.get(&journey_of(&callback)).await, 400, OVER);
}

/// Mix-up (RFC 9700 section 4.4): each upstream has its own path, and its answers are taken nowhere else.
#[tokio::test]
async fn an_answer_at_another_upstreams_callback_is_refused() {
    let world = World::new().await;
    let second = format!(
        "[upstream.second]\nkind = \"oidc\"\nlabel = \"Second\"\nissuer = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\n",
        world.issuer.url(),
        world.issuer.client_id(),
        world.issuer.client_secret()
    );
    let jean = world.replica_with(&second).await;
    let mut browser = world.at_another(&mut world.browser(), &jean);
    let client = world.client().await;
    let page = consent_page(&client, &mut browser, &[]).await;
    assert!(page.body.contains("Continue with Acme") && page.body.contains("Continue with Second"), "{}", page.body);
    let callback = to_callback(&client, &mut browser, &[]).await;
    for path in ["second", "none", "IDP"] {
        let page = browser.get(&callback.replace("/callback/idp", &format!("/callback/{path}"))).await;
        assert_eq!(page.leads_to(), None, "{page:?}");
        assert_page(&page, 400, OVER);
    }
    assert_eq!(world.issuer.requests_to("/token").len(), 0);
    let page = browser.get(&callback).await;
    assert!(browser.follow(page).await.body.contains("Continue as"));
}
