//! What a person's identity provider has to say about them, long after the sign-in: whether it is still one of ours, whether
//! its gates hold, and whether its word about an email counts.

use axum::http::Request;
use axum::routing::any;
use axum::{Extension, Router};
use jean::{Caller, Jean};
use jean_testing::issuer::Account;
use serde_json::json;

use crate::support::browsing::{UPSTREAM, assert_page, consent_page, knows_who, to_callback};
use crate::support::log::Log;
use crate::support::tokens::{assert_dead, json_of, jwt_part, moved};
use crate::support::{BOTH, ORIGIN, World, code_of};

/// A provider beside the one that people came by, and nothing else of that.
async fn without_the_provider(world: &World) -> Jean {
    let config = world.config.replace("[upstream.idp]", "[upstream.other]");
    let issuer = format!("issuer = \"{}\"", world.issuer.url());
    let config = config.replace(&issuer, "issuer = \"https://other.example\"");
    assert!(!config.contains(world.issuer.url()), "{config}");
    world.start(&config).await.expect("jean starts")
}

/// The table of the provider is one of Google, whose issuer is a loopback address here.
async fn google(world: &World, more: &str) -> Jean {
    world
        .start(&world.config.replace("kind = \"oidc\"", &format!("kind = \"google\"\n{more}")))
        .await
        .expect("jean starts")
}

/// An account at Google with this address; without a domain it is one that anybody can make.
fn account(email: &str, hosted_domain: Option<&str>) -> Account {
    let account = Account { email: Some(email.to_owned()), ..Account::named("Ada Lovelace") };
    match hosted_domain {
        Some(domain) => account.with("hd", domain),
        None => account,
    }
}

#[tokio::test]
async fn a_refresh_needs_a_person_of_a_configured_provider() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        let jean = without_the_provider(&world).await;
        let client = moved(&client, &jean);
        assert_eq!(client.whoami(tokens.access()).await.status, 401, "{db:?}");
        assert_eq!(client.refresh(tokens.refresh(), &[]).await.error(), "invalid_grant", "{db:?}");
        // The grant is over, also if the provider comes back.
        let back = moved(&client, &world.replica().await);
        assert_dead(&back, &tokens).await;
        assert_eq!(world.row("SELECT revoked_why FROM grants").await, ["upstream"], "{db:?}");
    }
}

/// The predecessor that is repeated within the grace gives tokens too.
#[tokio::test]
async fn a_repeated_refresh_needs_a_person_of_a_configured_provider() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        assert_eq!(client.refresh(tokens.refresh(), &[]).await.status, 200, "{db:?}");
        let jean = without_the_provider(&world).await;
        assert_eq!(moved(&client, &jean).refresh(tokens.refresh(), &[]).await.error(), "invalid_grant", "{db:?}");
        assert_dead(&client, &tokens).await;
    }
}

#[tokio::test]
async fn a_code_needs_a_person_of_a_configured_provider() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, code) = world.code().await;
        let jean = without_the_provider(&world).await;
        assert_eq!(moved(&client, &jean).redeem(&code, &[]).await.error(), "invalid_grant", "{db:?}");
        assert_eq!(client.redeem(&code, &[]).await.error(), "invalid_grant", "{db:?}");
    }
}

#[tokio::test]
async fn a_browsers_session_needs_a_person_of_a_configured_provider() {
    let world = World::with("[clients]\nremember_consent = true\n").await;
    let client = world.client().await;
    let mut browser = world.browser();
    code_of(&client.authorize(&mut browser, &[]).await);
    let jean = without_the_provider(&world).await;
    let page = world.at_another(&mut browser, &jean).get(&client.authorization_url(&[])).await;
    assert!(page.leads_to().is_none() && !knows_who(&page) && !page.body.contains("ada-lovelace"), "{page:?}");
}

#[tokio::test]
async fn a_person_who_is_not_known_any_more_gets_nothing() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        world.sql("DELETE FROM people").await;
        assert_eq!(client.refresh(tokens.refresh(), &[]).await.error(), "invalid_grant", "{db:?}");
    }
}

#[tokio::test]
async fn a_start_tells_how_many_grants_belong_to_no_configured_provider() {
    let world = World::new().await;
    world.tokens().await;
    world.tokens().await;
    let log = Log::with("jean=info");
    let told = async |log: &Log| {
        for _ in 0..200 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            if let Some(line) =
                log.take().into_iter().find(|line| line.contains("of a provider that is not configured"))
            {
                return Some(line);
            }
        }
        None
    };
    let _jean = without_the_provider(&world).await;
    let line = told(&log).await.expect("a line");
    assert!(line.starts_with("WARN") && line.contains("grants=2"), "{line}");
}

/// <https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload>: a consumer account may carry
/// an address of any company, verified once and kept after its owner has left.
#[tokio::test]
async fn an_address_of_a_consumer_account_at_google_opens_no_door() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let rules = "[access]\nemail_domains = [\"example.com\", \"gmail.com\"]\n";
        let strict = world.config.replace("kind = \"oidc\"", "kind = \"google\"") + rules;
        let jean = world.start(&strict).await.expect("jean starts");
        let client = moved(&world.client().await, &jean);
        for (email, hosted_domain, admitted) in [
            ("ada@example.com", None, false),
            ("ada@example.com", Some("example.com"), true),
            // A secondary domain of the Workspace.
            ("ada@example.com", Some("example.org"), true),
            ("ada@gmail.com", None, true),
            ("ADA@GMAIL.COM", None, true),
            ("ada@gmail.com.example.com", None, false),
            ("ada@example.com", Some(""), false),
        ] {
            world.issuer.sign_in_as(account(email, hosted_domain));
            let mut browser = world.at_another(&mut world.browser(), &jean);
            let page = consent_page(&client, &mut browser, &[]).await;
            let page = browser.press(&page, UPSTREAM).await;
            let expected =
                if admitted { format!("Continue as <bdi>{email}</bdi>?") } else { format!("{email} may not use") };
            assert_page(&page, if admitted { 200 } else { 403 }, &expected);
        }
    }
}

/// A Workspace that ended an account, or an account that left it: the person signs in once more and is judged by that.
#[tokio::test]
async fn what_google_said_at_the_sign_in_is_judged_at_each_refresh() {
    for db in BOTH {
        for (hosted_domain, domain_alone, gated) in [(Some("example.com"), true, true), (None, false, false)] {
            let world = World::on(db, "").await;
            let jean = google(&world, "").await;
            world.issuer.sign_in_as(account("ada@example.com", hosted_domain));
            let client = moved(&world.client().await, &jean);
            let tokens = async || {
                let page = client.authorize(&mut world.at_another(&mut world.browser(), &jean), &[]).await;
                client.redeem(&code_of(&page), &[]).await
            };
            for (config, admitted) in
                [("[access]\nemail_domains = [\"example.com\"]\n", domain_alone), ("hosted_domain", gated)]
            {
                let tokens = tokens().await;
                assert_eq!(tokens.status, 200, "{}", tokens.json);
                let there = match config {
                    "hosted_domain" => google(&world, "hosted_domain = \"example.com\"").await,
                    rules => world
                        .start(&(world.config.replace("kind = \"oidc\"", "kind = \"google\"") + rules))
                        .await
                        .expect("jean"),
                };
                let refreshed = moved(&client, &there).refresh(tokens.refresh(), &[]).await;
                let expected = if admitted { "" } else { "invalid_grant" };
                assert_eq!(refreshed.error(), expected, "{db:?} {hosted_domain:?} {config}: {}", refreshed.json);
            }
        }
    }
}

/// The gate of the table, by the claim that Google signs and never by the address.
#[tokio::test]
async fn a_hosted_domain_is_known_by_the_claim_and_not_by_the_email() {
    let world = World::new().await;
    let jean = google(&world, "hosted_domain = \"example.com\"").await;
    let client = moved(&world.client().await, &jean);
    for (hosted_domain, admitted) in [
        (Some("example.com"), true),
        (Some("Example.COM"), true),
        (Some("example.com.evil.example"), false),
        (None, false),
    ] {
        world.issuer.sign_in_as(account("ada@example.com", hosted_domain));
        let mut browser = world.at_another(&mut world.browser(), &jean);
        let page = consent_page(&client, &mut browser, &[]).await;
        let page = browser.press(&page, UPSTREAM).await;
        let expected = if admitted { "Continue as" } else { "ada@example.com may not use" };
        assert_page(&page, if admitted { 200 } else { 403 }, expected);
    }
}

/// The address changed hands, or the account left its Workspace: the provider says so at the next sign-in, and what an
/// earlier one gave ends with it.
#[tokio::test]
async fn a_sign_in_that_is_refused_ends_what_an_earlier_one_gave() {
    for db in BOTH {
        let before = account("ada@example.com", Some("example.com"));
        for (more, rules, now) in [
            ("", "[access]\nemails = [\"ada@example.com\"]\n", account("eve@evil.example", Some("example.com"))),
            ("", "[access]\nemails = [\"ada@example.com\"]\n", account("ada@example.com", None)),
            ("hosted_domain = \"example.com\"", "", account("ada@example.com", None)),
        ] {
            let world = World::on(db, "").await;
            let config = world.config.replace("kind = \"oidc\"", &format!("kind = \"google\"\n{more}")) + rules;
            let jean = world.start(&config).await.expect("jean starts");
            let client = moved(&world.client().await, &jean);
            world.issuer.sign_in_as(before.clone());
            let mut browser = world.at_another(&mut world.browser(), &jean);
            let tokens = client.redeem(&code_of(&client.authorize(&mut browser, &[]).await), &[]).await;
            let tokens = client.refresh(tokens.refresh(), &[]).await;
            assert_eq!(tokens.status, 200, "{db:?} {}", tokens.json);
            // As an earlier version stored it.
            world.sql("UPDATE people SET claims = ''").await;

            world.issuer.sign_in_as(now.clone());
            let page = consent_page(&client, &mut browser, &[("prompt", "login")]).await;
            let page = browser.press(&page, UPSTREAM).await;
            assert_page(&page, 403, "may not use");
            assert!(!knows_who(&consent_page(&client, &mut browser, &[]).await), "{db:?} {more} {now:?}");
            assert_eq!(client.refresh(tokens.refresh(), &[]).await.error(), "invalid_grant", "{db:?} {more} {now:?}");
        }
    }
}

/// People of an earlier version are judged as they were at their sign-in, until they sign in once more.
#[tokio::test]
async fn a_person_whose_claims_were_never_stored_stays_signed_in() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        world.sql("UPDATE people SET claims = ''").await;
        let config = world.config.replace("kind = \"oidc\"", "kind = \"google\"\nhosted_domain = \"example.com\"");
        let config = config + "[access]\nemail_domains = [\"example.com\"]\n";
        let jean = world.start(&config).await.expect("jean starts");
        let refreshed = moved(&client, &jean).refresh(tokens.refresh(), &[]).await;
        assert_eq!(refreshed.status, 200, "{db:?} {}", refreshed.json);
    }
}

/// What clients and servers are told of an address goes by the same judgement.
#[tokio::test]
async fn email_verified_means_that_somebody_vouches_for_the_address() {
    let world = World::new().await;
    let jean = google(&world, "").await;
    let server = any(async |Extension(caller): Extension<Caller>| caller.email_verified().to_string());
    let app = Router::new().route_service("/mcp", jean.guard(server)).merge(jean.router());
    let client = world.client().await.at(ORIGIN, app);
    for (hosted_domain, vouched) in [(None, false), (Some("example.com"), true)] {
        world.issuer.sign_in_as(account("ada@example.com", hosted_domain));
        let changes = [("scope", "openid email read"), ("prompt", "consent")];
        let page = client.authorize(&mut world.at_another(&mut world.browser(), &jean), &changes).await;
        let tokens = client.redeem(&code_of(&page), &[]).await;
        let told = jwt_part(tokens.text("id_token"), 1);
        assert_eq!((&told["email"], &told["email_verified"]), (&json!("ada@example.com"), &json!(vouched)));
        assert_eq!(client.whoami(tokens.access()).await.body, vouched.to_string());
        let request = Request::builder().header("authorization", format!("Bearer {}", tokens.access()));
        let told = json_of(&client.send("/oauth/userinfo", request, String::new()).await);
        assert_eq!((&told["email"], &told["email_verified"]), (&json!("ada@example.com"), &json!(vouched)));
    }
}

/// RFC 9207 section 2.4, and what the operator can change about it.
#[tokio::test]
async fn an_answer_without_iss_signs_nobody_in_if_the_provider_promises_one() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.browser();
    let callback = to_callback(&client, &mut browser, &[]).await;
    let mut stripped = url::Url::parse(&callback).expect("a URL");
    let kept: Vec<(String, String)> = stripped.query_pairs().into_owned().filter(|(name, _)| name != "iss").collect();
    stripped.query_pairs_mut().clear().extend_pairs(kept);
    assert_ne!(stripped.as_str(), callback);
    let log = Log::with("jean=info");
    let page = browser.get(stripped.as_str()).await;
    let page = browser.follow(page).await;
    assert_page(&page, 403, "The answer from Acme could not be trusted");
    let log = log.take().join("\n");
    assert!(
        log.contains("lacks the iss parameter") && log.contains("Exclude Issuer From Authentication Response"),
        "{log}"
    );
    assert!(!knows_who(&consent_page(&client, &mut browser, &[]).await));
}
