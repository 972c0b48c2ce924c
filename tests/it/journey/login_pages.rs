//! The journey's own page: "Continue as …?", another account, cancel, reload and the back button.

use jean_testing::issuer::Account;

use crate::support::browsing::{
    UPSTREAM, answer_to, assert_page, consent_page, depart, error_to, knows_who, parameter, through_upstream,
    to_callback,
};
use crate::support::{World, code_of};

/// An upstream that remembers somebody signs them in without a word, so the page after it names them.
#[tokio::test]
async fn a_person_new_to_a_client_confirms_who_they_are() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[]).await;
    let confirm = browser.press(&page, UPSTREAM).await;
    assert_page(&confirm, 200, "Continue as <bdi>ada-lovelace@example.com</bdi>?");
    for words in ["Scripted client", "Read your data", "client.example", "never before"] {
        assert!(confirm.body.contains(words), "{words}: {}", confirm.body);
    }
    assert_eq!(confirm.form().answers, ["continue", "switch", "cancel"]);
    assert_eq!(world.rows().await.iter().find(|(table, _)| *table == "grants"), Some(&("grants", 0)));
    let page = browser.press(&confirm, "continue").await;
    assert!(answer_to(&page, &client).contains_key("code"));

    // Known now: the page before is enough.
    browser.cookies("localhost").clear();
    let page = consent_page(&client, &mut browser, &[]).await;
    assert!(answer_to(&browser.press(&page, UPSTREAM).await, &client).contains_key("code"));
    // For this client, this much, and this person.
    for (changes, name) in [(&[("scope", "write")][..], "Ada Lovelace"), (&[], "Bob")] {
        world.issuer.sign_in_as(Account::named(name));
        let page =
            consent_page(&client, &mut browser, &[("prompt", "login"), changes.first().copied().unwrap_or(("x", ""))])
                .await;
        let page = browser.press(&page, UPSTREAM).await;
        assert!(page.body.contains("Continue as"), "{changes:?} {page:?}");
    }
}

/// The form after the sign-in is bound to the person shown, the journey and the browser.
#[tokio::test]
async fn the_form_of_one_person_or_journey_does_not_do_for_another() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[]).await;
    let ada = browser.press(&page, UPSTREAM).await;
    // In another tab the same journey goes on with another account.
    world.issuer.sign_in_as(Account::named("Bob"));
    let bob = browser.press(&ada, "switch").await;
    assert!(bob.body.contains("bob@example.com"), "{bob:?}");
    let page = browser.press(&ada, "continue").await;
    assert_page(&page, 200, "Continue as <bdi>bob@example.com</bdi>?");

    // The token of another journey of the same request, none, and a forged one.
    browser.cookies("localhost").remove("jean-session");
    let page = consent_page(&client, &mut browser, &[]).await;
    let other = browser.press(&page, UPSTREAM).await;
    assert_page(&other, 200, "Continue as <bdi>bob@example.com</bdi>?");
    let token = bob.form().hidden[0].1.clone();
    for wrong in [&other.form().hidden[0].1, "", "1.x", &token[1..]] {
        let page = browser.post(&bob.url, &[("token", wrong), ("answer", "continue")]).await;
        let page = browser.follow(page).await;
        assert_page(&page, 200, "Continue as <bdi>bob@example.com</bdi>?");
    }
    let mut without = browser.clone();
    without.cookies("localhost").remove("jean-browser");
    let page = without.press(&bob, "continue").await;
    assert_page(&page, 200, "Continue as <bdi>bob@example.com</bdi>?");
    for headers in [[("origin", "https://evil.example")], [("sec-fetch-site", "cross-site")]] {
        let fields = [("token", token.as_str()), ("answer", "continue")];
        let page = browser.send(&format!("POST {}", bob.url), &headers, Some(&fields)).await;
        assert_page(&page, 400, "sent from another site");
    }
    world.clock.advance(25 * 60);
    let page = browser.get(&bob.url).await;
    assert!(answer_to(&browser.press(&page, "continue").await, &client).contains_key("code"));
}

#[tokio::test]
async fn another_account_is_another_attempt() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let callback = to_callback(&client, &mut browser, &[]).await;
    let page = browser.get(&callback).await;
    let confirm = browser.follow(page).await;
    let upstream = depart(&mut browser, &confirm, "switch").await;
    assert_eq!(parameter(&upstream, "prompt").as_deref(), Some("select_account"));
    assert_ne!(parameter(&upstream, "state"), parameter(&callback, "state"));
    // The first answer is worth nothing any more, and whoever it named is not who goes on.
    let page = browser.get(&callback).await;
    assert_page(&browser.follow(page).await, 200, "Sign in with Acme");
    assert_eq!(world.issuer.requests_to("/token").len(), 1);
    world.issuer.sign_in_as(Account::named("Bob"));
    let callback = through_upstream(&mut browser, &upstream).await;
    let page = browser.get(&callback).await;
    let page = browser.follow(page).await;
    assert!(page.body.contains("Continue as <bdi>bob@example.com</bdi>"), "{page:?}");
    let page = browser.press(&page, "continue").await;
    let tokens = client.redeem(&code_of(&page), &[]).await;
    assert!(client.whoami(tokens.access()).await.body.contains("bob@example.com"));
}

/// "Not you?" on the consent page.
#[tokio::test]
async fn somebody_else_may_take_over_from_whoever_is_signed_in() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.signed_in().await;
    let page = consent_page(&client, &mut browser, &[]).await;
    assert!(knows_who(&page));
    let upstream = depart(&mut browser, &page, "switch").await;
    assert_eq!(parameter(&upstream, "prompt").as_deref(), Some("select_account"));
    world.issuer.sign_in_as(Account::named("Bob"));
    let callback = through_upstream(&mut browser, &upstream).await;
    let page = browser.get(&callback).await;
    let page = browser.follow(page).await;
    assert!(page.body.contains("Continue as <bdi>bob@example.com</bdi>"), "{page:?}");
    let page = consent_page(&client, &mut browser, &[]).await;
    assert!(page.body.contains("bob@example.com"), "the session is Bob's: {}", page.body);
}

#[tokio::test]
async fn cancel_after_the_sign_in_gives_nothing() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[]).await;
    let confirm = browser.press(&page, UPSTREAM).await;
    let page = browser.submit(&confirm, &[("answer", "cancel")]).await;
    assert_eq!(page.status, 200);
    assert_eq!(error_to(&page, &client), "access_denied");
    // The back button, and the other button.
    let page = browser.press(&confirm, "continue").await;
    assert!(page.leads_to().is_none() && page.form().answers.is_empty(), "{page:?}");
    assert_eq!(world.rows().await.iter().find(|(table, _)| *table == "grants"), Some(&("grants", 0)));
}

/// A reload during a slow answer loses it: as long as nobody used the code, the same grant gets another one.
#[tokio::test]
async fn a_reload_gives_a_new_code_of_the_same_grant_and_the_first_one_is_dead() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let callback = to_callback(&client, &mut browser, &[]).await;
    let page = browser.get(&callback).await;
    let confirm = browser.follow(page).await;
    let first = browser.press(&confirm, "continue").await;
    let grants = world.rows().await;

    let mut codes = vec![code_of(&first)];
    // The callback again, the journey's page again, the button again.
    let page = browser.get(&callback).await;
    codes.push(code_of(&browser.follow(page).await));
    codes.push(code_of(&browser.get(&confirm.url).await));
    codes.push(code_of(&browser.press(&confirm, "continue").await));
    let newest = codes.pop().expect("four");
    for code in &codes {
        assert_ne!(*code, newest);
        assert_eq!(client.redeem(code, &[]).await.error(), "invalid_grant");
    }
    let tokens = client.redeem(&newest, &[]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.json);
    assert_eq!(world.rows().await, grants, "one grant for all of them");

    // Used: there is nothing more to give.
    for url in [&callback, &confirm.url] {
        let page = browser.get(url).await;
        assert_page(&browser.follow(page).await, 200, "Done. Go back to “<bdi>Scripted client</bdi>”");
    }
    let page = browser.press(&confirm, "continue").await;
    assert_page(&page, 200, "Done. Go back to");
    assert_eq!(client.whoami(tokens.access()).await.status, 200);
}

#[tokio::test]
async fn a_code_that_ran_out_is_not_renewed() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[]).await;
    let confirm = browser.press(&page, UPSTREAM).await;
    code_of(&browser.press(&confirm, "continue").await);
    world.clock.advance(60);
    assert_page(&browser.get(&confirm.url).await, 200, "Done. Go back to");
}

/// Two windows with the same page, both pressed at once: one grant.
#[tokio::test]
async fn two_presses_at_once_are_one_grant() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[]).await;
    let confirm = browser.press(&page, UPSTREAM).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (mut tab, confirm) = (browser.clone(), confirm.clone());
        tasks.spawn(async move { tab.press(&confirm, "continue").await });
    }
    let mut redeemed = 0;
    for page in tasks.join_all().await {
        redeemed += usize::from(client.redeem(&code_of(&page), &[]).await.status == 200);
    }
    assert_eq!(redeemed, 1, "of all the codes the newest");
    assert_eq!(world.rows().await.iter().find(|(table, _)| *table == "grants"), Some(&("grants", 1)));
}
