//! `prompt` and `max_age`: when the upstream is asked anew, and when nobody may be (OpenID Connect Core section 3.1.2.1).

use jean::Clock as _;
use jean_testing::issuer::Account;
use serde_json::{Value, json};

use crate::support::browsing::{
    UPSTREAM, answer_to, asks, assert_page, consent_page, depart, error_to, knows_who, parameter, to_upstream,
};
use crate::support::{BOTH, World, code_of};

const LOOPBACK: &str = "http://localhost:52100/callback";

/// OpenID Connect Core section 3.1.2.1.
#[tokio::test]
async fn prompt_none_is_answered_without_a_page() {
    let world = World::new().await;
    let client = world.client_at(&[LOOPBACK]).await;
    let mut browser = world.browser();
    let page = browser.get(&client.authorization_url(&[("prompt", "none")])).await;
    assert_eq!(error_to(&page, &client), "login_required");
    let mut browser = world.signed_in().await;
    let page = browser.get(&client.authorization_url(&[("prompt", "none")])).await;
    assert_eq!(error_to(&page, &client), "consent_required");
    world.clock.advance(61);
    let page = browser.get(&client.authorization_url(&[("prompt", "none"), ("max_age", "60")])).await;
    assert_eq!(error_to(&page, &client), "login_required");
}

/// OpenID Connect Core section 3.1.2.1: whoever is signed in here is not enough.
#[tokio::test]
async fn prompt_and_max_age_ask_the_upstream_anew() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.signed_in().await;
    assert!(knows_who(&consent_page(&client, &mut browser, &[("prompt", "consent")]).await));
    assert!(knows_who(&consent_page(&client, &mut browser, &[("prompt", "unknown")]).await));
    assert!(knows_who(&consent_page(&client, &mut browser, &[("max_age", "60")]).await));
    for (changes, name, value) in [
        (&[("prompt", "login")][..], "prompt", "login"),
        (&[("prompt", "select_account")], "prompt", "select_account"),
        (&[("prompt", "login consent")], "prompt", "login"),
        (&[("max_age", "60")], "max_age", "60"),
        (&[("max_age", "0")], "max_age", "0"),
    ] {
        world.clock.advance(61);
        let page = consent_page(&client, &mut browser, changes).await;
        assert!(!knows_who(&page), "{changes:?}");
        let upstream = depart(&mut browser, &page, "upstream:idp").await;
        assert_eq!(parameter(&upstream, name).as_deref(), Some(value), "{changes:?}");
        // And comes to an end.
        let page = client.authorize(&mut browser, changes).await;
        assert!(answer_to(&page, &client).contains_key("code"), "{changes:?}");
    }
    let plain = to_upstream(&client, &mut world.browser(), &[]).await;
    assert_eq!((parameter(&plain, "prompt"), parameter(&plain, "max_age")), (None, None));
}

/// OpenID Connect Core section 3.1.2.1: `max_age=0` is as `prompt=login`, in the second of the sign-in too.
#[tokio::test]
async fn a_max_age_of_nothing_always_asks_the_upstream_anew() {
    let world = World::with("[clients]\nremember_consent = true\n").await;
    let client = world.client().await;
    let mut browser = world.browser();
    let code = code_of(&client.authorize(&mut browser, &[]).await);
    assert_eq!(client.redeem(&code, &[]).await.status, 200);
    let at_once = browser.get(&client.authorization_url(&[("max_age", "1")])).await;
    assert!(answer_to(&at_once, &client).contains_key("code"), "a second later nobody is asked");
    let page = consent_page(&client, &mut browser, &[("max_age", "0")]).await;
    assert!(asks(&page) && !knows_who(&page), "{}", page.body);
    let page = browser.get(&client.authorization_url(&[("max_age", "0"), ("prompt", "none")])).await;
    assert_eq!(error_to(&page, &client), "login_required");
    code_of(&client.authorize(&mut browser, &[("max_age", "0")]).await);
}

/// OpenID Connect Core section 3.1.2.1. A provider that answers with the session that it has, or does not say when that
/// began, did not do what was asked; the client learns it, and the person has other ways.
#[tokio::test]
async fn prompt_login_is_fulfilled_only_by_a_sign_in_after_the_request() {
    for db in BOTH {
        let more = "[upstream.second]\nkind = \"oidc\"\nlabel = \"Second\"\nissuer = \"https://second.example\"\nclient_id = \"x\"\n";
        let world = World::on(db, more).await;
        let client = world.client().await;
        let now = world.clock.now().0;
        for (auth_time, fulfilled) in
            [(json!(now), true), (json!(now - 60), true), (json!(now - 61), false), (Value::Null, false)]
        {
            world.issuer.sign_in_as(Account::named("Ada Lovelace").with("auth_time", auth_time.clone()));
            let mut browser = world.browser();
            let page = consent_page(&client, &mut browser, &[("prompt", "login")]).await;
            let page = browser.press(&page, UPSTREAM).await;
            if fulfilled {
                code_of(&browser.press(&page, "continue").await);
                continue;
            }
            assert_page(&page, 403, "Acme cannot ask you to sign in again");
            assert_eq!(page.form().answers, ["upstream:second", "cancel"], "{db:?} {auth_time}");
            assert!(page.body.contains("Continue with Second"), "{}", page.body);
            assert!(!knows_who(&consent_page(&client, &mut browser, &[]).await), "nobody was signed in");
            let answer = browser.submit(&page, &[("answer", "cancel")]).await;
            assert_eq!(error_to(&answer, &client), "login_required", "{db:?} {auth_time}");
        }
    }
}

/// The first attempt came to nothing, and the second one is bound as the first was, by the row of the journey.
#[tokio::test]
async fn what_binds_a_journey_binds_each_of_its_attempts() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client().await;
        let mut browser = world.browser();
        let page = consent_page(&client, &mut browser, &[("prompt", "login consent"), ("max_age", "300")]).await;
        world.issuer.misbehave(jean_testing::issuer::Fault::AuthorizeError("access_denied".into(), String::new()));
        let page = browser.press(&page, UPSTREAM).await;
        world.issuer.misbehave(None);
        assert_eq!(world.row("SELECT prompt FROM logins").await, ["login consent"], "{db:?}");
        let upstream = depart(&mut browser, &page, UPSTREAM).await;
        assert_eq!(
            (parameter(&upstream, "prompt"), parameter(&upstream, "max_age")),
            (Some("login".into()), Some("300".into()))
        );
        // A session at the provider from before the request.
        world.issuer.sign_in_as(Account::named("Ada Lovelace").with("auth_time", world.clock.now().0 - 200));
        let page = browser.get(&upstream).await;
        let page = browser.follow(page).await;
        assert_page(&page, 403, "Acme cannot ask you to sign in again");
    }
}
