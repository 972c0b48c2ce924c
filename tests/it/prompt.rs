//! `prompt` and `max_age`: when the upstream is asked anew, and when nobody may be (OpenID Connect Core section 3.1.2.1).

use crate::support::browsing::{answer_to, asks, consent_page, depart, error_to, knows_who, parameter, to_upstream};
use crate::support::{World, code_of};

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
