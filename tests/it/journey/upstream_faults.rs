//! Each way in which an upstream breaks the rules, through the whole journey: the client gets no code, the person a page in
//! our own words, and once the fault is gone "try again" leads on.

use jean::{Config, Jean};
use jean_testing::browser::{Browser, Page};
use jean_testing::client::Client;
use jean_testing::issuer::{Account, Fault};
use serde_json::Value;

use crate::support::browsing::{
    UPSTREAM, answer_to, assert_page, consent_page, error_to, knows_who, to_callback, to_upstream,
};
use crate::support::log::Log;
use crate::support::{World, code_of};

const UNREACHABLE: &str = "Acme cannot be reached just now";
const UNTRUSTED: &str = "The answer from Acme could not be trusted";
const REFUSED: &str = "Acme would not sign you in";
const DECLINED: &str = "You are not signed in with Acme";

/// A page that tells what happened, in a journey that goes on where it stopped.
async fn assert_can_be_tried_again(
    world: &World,
    (client, browser): (&Client, &mut Browser),
    page: &Page,
    fault: &Fault,
) {
    assert!(!answers_a_client(page), "{fault:?}");
    assert_ne!(page.status, 500, "{fault:?}");
    assert!(!knows_who(&consent_page(client, browser, &[]).await), "{fault:?}");
    world.issuer.misbehave(None);
    // The page stays what it is, and its button works.
    let again = browser.get(&page.url).await;
    assert_eq!(again.form().answers, [UPSTREAM, "cancel"], "{fault:?} {again:?}");
    let page = browser.press(page, UPSTREAM).await;
    assert!(page.body.contains("Continue as <bdi>ada-lovelace@example.com</bdi>?"), "{fault:?} {page:?}");
    let page = browser.press(&page, "continue").await;
    assert!(answer_to(&page, client).contains_key("code"), "{fault:?}");
    assert_eq!(client.redeem(&code_of(&page), &[]).await.status, 200, "{fault:?}");
}

fn answers_a_client(page: &Page) -> bool {
    page.leads_to().is_some() || page.body.contains("client.example/callback?")
}

/// OpenID Connect Core section 3.1.3.7: the checks of an ID token; RFC 9207: of an answer.
#[tokio::test]
async fn an_answer_that_breaks_a_rule_signs_nobody_in() {
    for (fault, status, words) in [
        (Fault::WrongNonce, 403, UNTRUSTED),
        (Fault::NoNonce, 403, UNTRUSTED),
        (Fault::WrongAudience, 403, UNTRUSTED),
        (Fault::ExtraAudienceWithoutAzp, 403, UNTRUSTED),
        (Fault::ExtraAudienceWithWrongAzp, 403, UNTRUSTED),
        (Fault::WrongIssuer, 403, UNTRUSTED),
        (Fault::WrongIssuerInCallback, 403, UNTRUSTED),
        (Fault::Expired, 403, UNTRUSTED),
        (Fault::IssuedInFuture, 403, UNTRUSTED),
        (Fault::AlgNone, 403, UNTRUSTED),
        (Fault::WrongSignature, 403, UNTRUSTED),
        (Fault::Hs256WithPublicKey, 403, UNTRUSTED),
        (Fault::Hs256WithClientSecret, 403, UNTRUSTED),
        (Fault::UnknownKey, 403, UNTRUSTED),
        (Fault::NoIdToken, 403, UNTRUSTED),
        (Fault::EmptySubject, 403, UNTRUSTED),
        (Fault::ValidInFuture, 403, UNTRUSTED),
        (Fault::TokenType("mac".into()), 403, UNTRUSTED),
        (Fault::HugeBody, 403, UNTRUSTED),
        (Fault::NotJson, 403, UNTRUSTED),
        (Fault::Redirects, 403, UNTRUSTED),
        (Fault::TokenError("invalid_grant".into()), 403, REFUSED),
        (Fault::TokenError("invalid_client".into()), 403, REFUSED),
        (Fault::AuthorizeError("access_denied".into(), "x".into()), 200, DECLINED),
        (Fault::AuthorizeError("login_required".into(), "x".into()), 200, DECLINED),
        (Fault::AuthorizeError("server_error".into(), "x".into()), 503, UNREACHABLE),
        (Fault::AuthorizeError("temporarily_unavailable".into(), "x".into()), 503, UNREACHABLE),
        (Fault::AuthorizeError("unauthorized_client".into(), "x".into()), 403, REFUSED),
    ] {
        let world = World::new().await;
        let client = world.client().await;
        let mut browser = world.browser();
        // Once it is known where the upstream is.
        to_upstream(&client, &mut world.browser(), &[]).await;
        let page = consent_page(&client, &mut browser, &[]).await;
        world.issuer.misbehave(fault.clone());
        let page = browser.press(&page, UPSTREAM).await;
        assert_page(&page, status, words);
        assert!(page.url.contains("/oauth/login/"), "{fault:?} {page:?}");
        assert_can_be_tried_again(&world, (&client, &mut browser), &page, &fault).await;
    }
}

/// The upstream goes away while the person signs in there.
#[tokio::test]
async fn an_upstream_that_fails_during_the_exchange_is_called_unreachable() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let callback = to_callback(&client, &mut browser, &[]).await;
    world.issuer.misbehave(Fault::Down);
    let page = browser.get(&callback).await;
    let page = browser.follow(page).await;
    assert_page(&page, 503, UNREACHABLE);
    assert_can_be_tried_again(&world, (&client, &mut browser), &page, &Fault::Down).await;
}

/// What is odd and does no harm keeps nobody out.
#[tokio::test]
async fn a_harmless_oddity_signs_in_all_the_same() {
    let short = std::time::Duration::from_millis(50);
    for fault in [
        Fault::UnknownKeyTypeInJwks,
        Fault::EmailOnlyAtUserinfo,
        Fault::OtherSubjectAtUserinfo,
        Fault::UserinfoDown,
        Fault::TokenType("bEARER".into()),
        Fault::Slow(short),
    ] {
        let world = World::new().await;
        world.issuer.misbehave(fault.clone());
        let jean = world.replica().await;
        let mut browser = world.at_another(&mut world.browser(), &jean);
        let client = world.client().await;
        let page = consent_page(&client, &mut browser, &[]).await;
        let page = browser.press(&page, UPSTREAM).await;
        // An email comes from an answer about the same person, or not at all.
        let who = match fault {
            Fault::OtherSubjectAtUserinfo | Fault::UserinfoDown => "Ada Lovelace",
            _ => "ada-lovelace@example.com",
        };
        assert_page(&page, 200, &format!("Continue as <bdi>{who}</bdi>?"));
        code_of(&browser.press(&page, "continue").await);
    }
}

/// A rule about emails is not met by an email that nobody told.
#[tokio::test]
async fn without_an_email_an_access_rule_refuses() {
    for fault in [Fault::OtherSubjectAtUserinfo, Fault::UserinfoDown] {
        let world = World::with("[access]\nemails = [\"ada-lovelace@example.com\"]\n").await;
        let client = world.client().await;
        let mut browser = world.browser();
        world.issuer.misbehave(fault.clone());
        let page = consent_page(&client, &mut browser, &[]).await;
        let page = browser.press(&page, UPSTREAM).await;
        assert_page(&page, 403, "Ada Lovelace may not use localhost");
        world.issuer.misbehave(None);
        let page = browser.press(&page, "switch").await;
        assert_page(&page, 200, "Continue as <bdi>ada-lovelace@example.com</bdi>?");
    }
}

/// An upstream's own text is no text of ours: it may be anybody's, with a link to anywhere.
#[tokio::test]
async fn errors_of_an_upstream_are_told_in_our_own_words() {
    let world = World::new().await;
    let client = world.client().await;
    let lure = "<script>alert(1)</script> call 555-0100 https://evil.example";
    for fault in [
        Fault::AuthorizeError("access_denied".into(), lure.into()),
        Fault::AuthorizeError("invalid_request".into(), lure.into()),
        Fault::AuthorizeError(lure.into(), lure.into()),
        Fault::AuthorizeError("not_allowed:admin@example.com".into(), lure.into()),
        Fault::AuthorizeError(lure.repeat(50), String::new()),
        Fault::TokenError("invalid_grant".into()),
        Fault::TokenError(lure.into()),
        Fault::TokenError("not_allowed:admin@example.com call 555-0100".into()),
    ] {
        let mut browser = world.browser();
        let page = consent_page(&client, &mut browser, &[]).await;
        world.issuer.misbehave(fault.clone());
        let page = browser.press(&page, UPSTREAM).await;
        world.issuer.misbehave(None);
        assert!(page.url.contains("/oauth/login/") && page.status != 500, "{page:?}");
        for theirs in ["script", "555-0100", "evil.example", "admin@example.com", "own words"] {
            assert!(!page.body.contains(theirs), "{fault:?} {theirs}: {}", page.body);
        }
    }
    // Known codes are named, for whoever is asked for help.
    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[]).await;
    world.issuer.misbehave(Fault::AuthorizeError("invalid_scope".into(), lure.into()));
    assert!(browser.press(&page, UPSTREAM).await.body.contains("the error invalid_scope"));
}

/// An error without a genuine state is nobody's, and an answer with neither code nor error is none.
#[tokio::test]
async fn an_answer_without_substance_is_no_answer() {
    let world = World::new().await;
    let client = world.client().await;
    for (strip, add) in
        [("iss", ""), ("code", ""), ("code", "&code="), ("code", "&error="), ("", "&error=access_denied")]
    {
        let mut browser = world.browser();
        let callback = to_callback(&client, &mut browser, &[]).await;
        let mut url = url::Url::parse(&callback).expect("a URL");
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(name, _)| name != strip).collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
        let exchanges = world.issuer.requests_to("/token").len();
        let page = browser.get(&format!("{url}{add}")).await;
        let page = browser.follow(page).await;
        assert!(!answers_a_client(&page) && page.status != 500, "{page:?}");
        assert_eq!(page.form().answers, [UPSTREAM, "cancel"], "{strip} {add} {page:?}");
        assert_eq!(world.issuer.requests_to("/token").len(), exchanges, "{strip} {add}");
    }
}

/// An upstream that is away, or is not who it says, when jean starts.
#[tokio::test]
async fn jean_starts_without_its_upstream_and_finds_it_later() {
    for fault in [
        Fault::Down,
        Fault::WrongIssuerInDiscovery,
        Fault::InsecureEndpointInDiscovery,
        Fault::HugeBody,
        Fault::NotJson,
        Fault::Redirects,
    ] {
        let world = World::new().await;
        world.issuer.misbehave(fault.clone());
        let jean = world.replica().await;
        let mut browser = world.at_another(&mut world.browser(), &jean);
        let client = world.client().await;

        // The page before needs no upstream.
        let page = consent_page(&client, &mut browser, &[]).await;
        let page = browser.press(&page, UPSTREAM).await;
        assert_page(&page, 503, UNREACHABLE);

        let status = browser.get("/status").await;
        assert_eq!(status.status, 503);
        let status: Value = serde_json::from_str(&status.body).expect("JSON");
        assert_eq!(status["status"], "failing", "{status}");
        let components = status["components"].as_array().expect("a list");
        let upstream = components.iter().find(|component| component["name"] == "upstream.idp").expect("it is told");
        assert_eq!(upstream["status"], "failing", "{fault:?}");
        assert!(upstream["reason"].as_str().is_some_and(|reason| reason.len() > 10), "{upstream}");
        assert!(components.iter().all(|component| component["status"] == "ready" || component == upstream), "{status}");
        assert_eq!(browser.get("/healthz").await.status, 200);

        assert_can_be_tried_again(&world, (&client, &mut browser), &page, &fault).await;
        world.clock.advance(2);
        let status: Value = serde_json::from_str(&browser.get("/status").await.body).expect("JSON");
        assert_eq!(status["status"], "ready", "{status}");
    }
}

/// Those who try to sign in meanwhile make no line each.
#[tokio::test]
async fn an_upstream_that_is_away_is_one_line_when_it_goes_and_one_when_it_comes_back() {
    let world = World::new().await;
    // Once this jean knows where it is: its own lines are not counted.
    to_upstream(&world.client().await, &mut world.browser(), &[]).await;
    let log = Log::new();
    for round in 1..=2 {
        world.issuer.misbehave(Fault::Down);
        let jean = world.replica().await;
        let mut browser = world.at_another(&mut world.browser(), &jean);
        let client = world.client().await;
        let page = consent_page(&client, &mut browser, &[]).await;
        let mut page = browser.press(&page, UPSTREAM).await;
        // Another reason is no other line.
        for fault in [Fault::NotJson, Fault::Down, Fault::WrongIssuerInDiscovery] {
            world.issuer.misbehave(fault);
            page = browser.press(&page, UPSTREAM).await;
            assert_page(&page, 503, UNREACHABLE);
        }
        let told =
            || (log.lines_with("the provider is away").len(), log.lines_with("the provider answers again").len());
        assert_eq!(told(), (round, round - 1), "{}", log.text());
        world.issuer.misbehave(None);
        browser.press(&page, UPSTREAM).await;
        assert_eq!(told(), (round, round), "{}", log.text());
        for line in log.lines_with("provider") {
            assert!(line.contains(" WARN ") == line.contains("away") && line.contains("upstream=\"idp\""), "{line}");
        }
    }
}

/// Nobody listens at the upstream's address at all; whoever is signed in does not need it.
#[tokio::test]
async fn an_upstream_that_is_gone_keeps_only_newcomers_out() {
    let world = World::new().await;
    let client = world.client().await;
    let (mut browser, mut newcomer) = (world.signed_in().await, world.browser());
    drop(world.issuer);
    let page = consent_page(&client, &mut browser, &[]).await;
    assert!(knows_who(&page));
    code_of(&browser.submit(&page, &[("answer", "allow")]).await);
    let page = consent_page(&client, &mut newcomer, &[]).await;
    assert_eq!(error_to(&newcomer.submit(&page, &[("answer", "cancel")]).await, &client), "access_denied");

    // And when jean starts.
    let config = Config::from_toml(&world.config).expect("the configuration can be used");
    let jean = Jean::builder(config).clock(world.clock).start().await.expect("jean starts");
    let mut newcomer = Browser::new(world.origin, jean.service());
    let page = consent_page(&client, &mut newcomer, &[]).await;
    let page = newcomer.press(&page, UPSTREAM).await;
    assert_page(&page, 503, UNREACHABLE);
    assert_page(&newcomer.press(&page, UPSTREAM).await, 503, UNREACHABLE);
    assert_eq!(error_to(&newcomer.submit(&page, &[("answer", "cancel")]).await, &client), "access_denied");
}

/// What an upstream calls people is of any shape.
#[tokio::test]
async fn claims_of_an_odd_shape_are_no_fault_of_the_server() {
    let world = World::new().await;
    let client = world.client().await;
    for account in [
        Account::named("Ada Lovelace").with("name", serde_json::json!(["Ada"])),
        Account::named("Ada Lovelace").with("email", 42),
        Account::named("Ada Lovelace").with("sub", ""),
        Account::named("Ada Lovelace").with("auth_time", "yesterday"),
        Account::named("Ada Lovelace").with("sid", serde_json::json!({})),
        Account::named("Ada Lovelace").with("name", "x".repeat(100_000)),
        Account::named("Ada Lovelace").with("sub", "\u{0}"),
    ] {
        world.issuer.sign_in_as(account.clone());
        let mut browser = world.browser();
        let page = consent_page(&client, &mut browser, &[]).await;
        let page = browser.press(&page, UPSTREAM).await;
        assert!(matches!(page.status.as_u16(), 200 | 403), "{account:?} {:.300}", page.body);
        assert!(page.url.contains("/oauth/login/"), "{account:?}");
    }
}
