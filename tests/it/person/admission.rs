//! Who may come in: `[access]` at the sign-in and afterwards.

use jean_testing::issuer::Account;
use serde_json::{Value, json};

use crate::support::browsing::{
    UPSTREAM, answer_to, assert_page, consent_page, depart, error_to, knows_who, parameter,
};
use crate::support::{World, code_of};

const RULES: &str = "[access]\nemails = [\"Ada-Lovelace@example.com\"]\nemail_domains = [\"example.org\"]\n";

/// <https://github.com/advisories/GHSA-g38m-r43w-p2q7>: accounts linked by an email that nobody verified.
#[tokio::test]
async fn only_an_email_that_the_upstream_vouches_for_opens_the_door() {
    let world = World::with(RULES).await;
    let client = world.client().await;
    let with = |email: Option<&str>, email_verified: Value| Account {
        email: email.map(str::to_owned),
        email_verified: Some(email_verified).filter(|verified| !verified.is_null()),
        ..Account::named("Somebody")
    };
    let listed = Some("ada-lovelace@example.com");
    for account in [
        with(listed, json!(true)),
        // Some providers write it as a string.
        with(listed, json!("true")),
        with(Some("ADA-LOVELACE@EXAMPLE.COM"), json!(true)),
        with(Some("anyone@example.org"), json!(true)),
        with(Some("anyone@EXAMPLE.ORG"), json!(true)),
    ] {
        world.issuer.sign_in_as(account.clone());
        let page = client.authorize(&mut world.browser(), &[("prompt", "login")]).await;
        assert!(answer_to(&page, &client).contains_key("code"), "{account:?}");
    }
    for account in [
        with(listed, json!(false)),
        with(listed, Value::Null),
        with(listed, json!("false")),
        with(listed, json!("")),
        with(listed, json!("yes")),
        with(listed, json!(1)),
        with(listed, json!([true])),
        with(listed, json!({ "verified": true })),
        with(Some("ada-lovelace@example.com.evil.example"), json!(true)),
        with(Some("xada-lovelace@example.com"), json!(true)),
        with(Some("anyone@sub.example.org"), json!(true)),
        with(Some("anyone@evilexample.org"), json!(true)),
        with(Some("anyone@example.org@evil.example"), json!(true)),
        with(Some("anyone@example.org."), json!(true)),
        with(Some("anyone@example.org "), json!(true)),
        with(Some("\"ada-lovelace@example.com\"@evil.example"), json!(true)),
        with(Some("example.org"), json!(true)),
        with(Some(""), json!(true)),
        with(None, json!(true)),
        // What looks like it elsewhere is not it.
        with(None, json!(true)).with("preferred_username", "ada-lovelace@example.com"),
        with(Some("bob@example.com"), json!(true)).with("emails", json!(["ada-lovelace@example.com"])),
    ] {
        world.issuer.sign_in_as(account.clone());
        let mut browser = world.browser();
        let page = consent_page(&client, &mut browser, &[]).await;
        let page = browser.press(&page, UPSTREAM).await;
        assert_eq!(page.leads_to(), None, "{account:?}");
        assert_eq!(page.status.as_u16(), 403, "{account:?} {page:?}");
        assert!(!knows_who(&consent_page(&client, &mut browser, &[]).await), "{account:?}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_account_and_offers_another_one() {
    let world = World::with(RULES).await;
    let client = world.client().await;
    let mut browser = world.browser();
    world.issuer.sign_in_as(Account::named("Mallory"));
    let page = consent_page(&client, &mut browser, &[]).await;
    let refused = browser.press(&page, UPSTREAM).await;
    assert_page(&refused, 403, "mallory@example.com may not use localhost");
    assert_eq!(refused.form().answers, ["switch", "cancel"]);
    assert_eq!(browser.cookies("localhost").get("jean-session"), None);
    // A reload says the same.
    assert_page(&browser.get(&refused.url).await, 403, "mallory@example.com may not use localhost");

    let upstream = depart(&mut browser, &refused, "switch").await;
    assert_eq!(parameter(&upstream, "prompt").as_deref(), Some("select_account"));
    let page = browser.get(&refused.url).await;
    world.issuer.sign_in_as(Account::named("Ada Lovelace"));
    let page = browser.press(&page, UPSTREAM).await;
    assert_page(&page, 200, "Continue as <bdi>ada-lovelace@example.com</bdi>?");
    code_of(&browser.press(&page, "continue").await);

    // Or to leave it at that.
    let mut browser = world.browser();
    world.issuer.sign_in_as(Account::named("Mallory"));
    let page = consent_page(&client, &mut browser, &[]).await;
    let refused = browser.press(&page, UPSTREAM).await;
    let page = browser.submit(&refused, &[("answer", "cancel")]).await;
    assert_eq!(error_to(&page, &client), "access_denied");
}

/// Markup and direction marks in what an upstream calls a person.
#[tokio::test]
async fn an_account_with_markup_in_it_is_shown_as_text() {
    for rules in ["", RULES] {
        let world = World::with(rules).await;
        let client = world.client().await;
        for hostile in ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>"] {
            let account = Account { email: None, ..Account::named("x").with("name", hostile) };
            for account in [account.clone(), Account { email: Some(format!("{hostile}@example.com")), ..account }] {
                world.issuer.sign_in_as(account);
                let mut browser = world.browser();
                let page = consent_page(&client, &mut browser, &[]).await;
                let page = browser.press(&page, UPSTREAM).await;
                assert!(page.body.contains("&#60;"), "{page:?}");
                assert!(!page.body.contains("<script") && !page.body.contains("<img"), "{page:?}");
                assert!(page.leads_to().is_none());
            }
        }
    }
}

/// CVE advisory GHSA-7qjx-gp9h-65qj (dex): every way in goes through the same rules, and what changes there counts for
/// whoever is in already. <https://github.com/advisories/GHSA-7qjx-gp9h-65qj>
#[tokio::test]
async fn a_changed_rule_counts_for_whoever_is_signed_in() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.signed_in().await;
    // Halfway through a journey, too.
    let mut halfway = world.browser();
    let page = consent_page(&client, &mut halfway, &[]).await;
    let confirm = halfway.press(&page, UPSTREAM).await;
    assert!(confirm.body.contains("Continue as"));

    let kept = world.replica_with("[access]\nemails = [\"ada-lovelace@example.com\"]\n").await;
    let page = consent_page(&client, &mut world.at_another(&mut browser, &kept), &[]).await;
    assert!(knows_who(&page));

    let shut =
        world.replica_with("[access]\nemails = [\"bob@example.com\"]\n[clients]\nremember_consent = true\n").await;
    let mut there = world.at_another(&mut browser, &shut);
    let page = consent_page(&client, &mut there, &[]).await;
    assert!(!knows_who(&page) && !page.body.contains("ada-lovelace"), "{page:?}");
    // A page that was drawn before.
    let drawn = consent_page(&client, &mut browser, &[]).await;
    let page = there.submit(&drawn, &[("answer", "allow")]).await;
    assert!(page.leads_to().is_none(), "{page:?}");
    let mut there = world.at_another(&mut halfway, &shut);
    let page = there.press(&confirm, "continue").await;
    assert!(page.leads_to().is_none() && !page.body.contains("ada-lovelace"), "{page:?}");
    assert_eq!(
        world.rows().await.iter().find(|(table, _)| *table == "grants"),
        Some(&("grants", 1)),
        "that of signing in"
    );
}
