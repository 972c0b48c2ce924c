//! The copies of clients' metadata documents: how long one serves, who asks for the next, and what serves while it cannot
//! be had (draft-ietf-oauth-client-id-metadata-document-02, section 5.2).

use std::time::Duration;

use jean_testing::browser::Browser;
use jean_testing::client::Client;
use jean_testing::document::{Answer, DocumentHost};
use serde_json::json;

use crate::support::browsing::{asks, assert_page, consent_page, error_to};
use crate::support::documents::{CLAUDE, PATH, fetches, opened, tokens};
use crate::support::{BOTH, World, code_of};

const WEEK: i64 = 7 * 86_400;

/// When the host of the only stored document was heard last, as the database has it: below zero if it took it away.
async fn stored_at(world: &World) -> i64 {
    let sql = "SELECT CASE WHEN gone_at > 0 THEN -gone_at ELSE created_at END FROM clients WHERE origin = 'document'";
    world.database().await.number(sql).await
}

/// What goes on in the background, by and by.
async fn until(is_so: impl AsyncFn() -> bool, what: &str) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect(what);
}

#[tokio::test]
async fn a_document_is_kept_as_long_as_its_headers_say_within_bounds() {
    for (cache_control, seconds) in [
        ("max-age=600", 600),
        ("no-store", 60),
        ("max-age=5", 60),
        ("", 60),
        ("max-age=31536000, immutable", 24 * 3600),
    ] {
        let world = World::new().await;
        let (host, mut client) = world.document_client().await;
        let document = client.document(&host.url(PATH));
        host.serve(PATH, Answer::json(&document).with("cache-control", cache_control));
        for (pass, expected) in [(0, 1), (seconds - 1, 1), (1, 2)] {
            world.clock.advance(pass);
            assert!(asks(&opened(&world, &client).await));
            assert_eq!(fetches(&host), expected, "{cache_control} after {pass} more");
        }
    }
}

#[tokio::test]
async fn a_failure_is_not_kept_but_not_repeated_at_once() {
    let world = World::new().await;
    let (host, mut client) = world.document_client().await;
    host.serve(PATH, Answer::status(404).with("cache-control", "max-age=600"));
    for (pass, expected) in [(0, 1), (9, 1), (1, 2)] {
        world.clock.advance(pass);
        assert_page(&opened(&world, &client).await, 400, "answered 404");
        assert_eq!(fetches(&host), expected);
    }
    client.publish(&host, PATH);
    world.clock.advance(10);
    assert!(asks(&opened(&world, &client).await));
}

#[tokio::test]
async fn many_at_once_share_one_request() {
    let world = World::new().await;
    let (host, mut client) = world.document_client().await;
    let document = client.document(&host.url(PATH));
    host.serve(PATH, Answer::json(&document).after(Duration::from_millis(100)));
    let url = client.authorization_url(&[]);
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (mut browser, url) = (world.browser(), url.clone());
        all.spawn(async move { asks(&browser.get(&url).await) });
    }
    assert!(all.join_all().await.into_iter().all(|asked| asked));
    assert_eq!(fetches(&host), 1);
}

/// Some hosts turn whole data centres away for days.
#[tokio::test]
async fn the_last_good_copy_serves_for_seven_days_while_its_host_fails_and_then_no_more() {
    let world = World::new().await;
    let (host, client) = world.document_client().await;
    assert!(asks(&opened(&world, &client).await));
    let mut age = 0;
    let html = Answer::json(&json!({})).with("content-type", "text/html");
    let failures = [
        Answer::status(503),
        Answer::status(401),
        Answer::status(403),
        Answer::status(429),
        Answer::status(301).with("location", "/x"),
        Answer { body: " ".repeat(6 * 1024), ..Answer::json(&json!({})) },
        html.clone(),
    ];
    for failing in failures {
        host.serve(PATH, failing);
        world.clock.advance(61);
        let before = fetches(&host);
        assert!(asks(&opened(&world, &client).await));
        assert_eq!(fetches(&host), before + 1, "it was asked for");
        for pass in [0, 30, 29] {
            world.clock.advance(pass);
            assert!(asks(&opened(&world, &client).await));
            assert_eq!(fetches(&host), before + 1, "and not again within a minute");
        }
        age += 61 + 30 + 29;
    }
    world.clock.advance(WEEK - age - 1);
    assert!(asks(&opened(&world, &client).await), "in the last second");
    world.clock.advance(1);
    assert_page(&opened(&world, &client).await, 400, "media type");
    host.serve(PATH, Answer::status(503));
    world.clock.advance(11);
    assert_page(&opened(&world, &client).await, 503, "answered 503");
    // Until the host gives it again.
    client.clone().publish(&host, PATH);
    world.clock.advance(11);
    assert!(asks(&opened(&world, &client).await));
    host.serve(PATH, Answer::status(503));
    world.clock.advance(WEEK - 1);
    assert!(asks(&opened(&world, &client).await));
}

/// What the host says in so many words counts, and what it gave before does not, whether it fails afterwards or not.
#[tokio::test]
async fn a_document_that_its_host_took_away_lets_nobody_begin_and_does_not_come_back_because_the_host_fails() {
    let wrong = |client: &Client, host: &DocumentHost| Answer::json(&client.clone().document(&host.url("/other.json")));
    for (word, why) in [(Some(404), "answered 404"), (Some(410), "answered 410"), (None, "own address")] {
        let world = World::new().await;
        let (host, client) = world.document_client().await;
        let tokens = tokens(&world, &client).await;
        host.serve(PATH, word.map_or_else(|| wrong(&client, &host), Answer::status));
        world.clock.advance(61);
        assert_page(&opened(&world, &client).await, 400, why);
        for failing in [Answer::status(500), Answer::status(302), Answer::status(403)] {
            host.serve(PATH, failing);
            world.clock.advance(11);
            let page = opened(&world, &client).await;
            assert!(!asks(&page) && page.status.as_u16() >= 400, "{why}: {page:?}");
        }
        // Sessions that there are go on, whatever the host says.
        assert_eq!(client.whoami(tokens.access()).await.status, 200);
        let refreshed = client.refresh(tokens.refresh(), &[]).await;
        assert_eq!(refreshed.status, 200, "{why}: {}", refreshed.json);
        assert_eq!(client.revoke(refreshed.refresh()).await.status, 200);
        client.clone().publish(&host, PATH);
        world.clock.advance(11);
        assert!(asks(&opened(&world, &client).await), "{why}: it is given again");
    }
}

/// And a code that was given before is redeemed.
#[tokio::test]
async fn a_journey_ends_with_its_document_and_a_code_does_not() {
    let world = World::new().await;
    let (host, client) = world.document_client().await;
    let mut browser = world.browser();
    let page = consent_page(&client, &mut browser, &[]).await;
    world.clock.advance(50);
    let code = code_of(&client.authorize(&mut world.browser(), &[]).await);
    host.serve(PATH, Answer::status(410));
    world.clock.advance(11);
    assert_page(&browser.press(&page, "allow").await, 400, "answered 410");
    let tokens = client.redeem(&code, &[]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.json);
}

#[tokio::test]
async fn a_restart_and_another_replica_know_that_a_document_was_taken_away() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (host, client) = world.document_client().await;
        let tokens = tokens(&world, &client).await;
        let fetched_at = stored_at(&world).await;
        world.clock.advance(61);
        host.serve(PATH, Answer::status(404));
        assert_page(&opened(&world, &client).await, 400, "answered 404");
        until(|| async { stored_at(&world).await < 0 }, "it is stored").await;
        host.serve(PATH, Answer::status(500));
        let replica = world.replica().await;
        let elsewhere = client.at(&world.public_url, replica.service());
        let mut browser = Browser::new(world.origin.clone(), replica.service());
        let url = elsewhere.authorization_url(&[]);
        assert_page(&browser.get(&url).await, 503, "answered 500");
        let refreshed = elsewhere.refresh(tokens.refresh(), &[]).await;
        assert_eq!(refreshed.status, 200, "{db:?}: {}", refreshed.json);
        // A copy from before, which a slow replica would store, changes nothing about that.
        assert!(stored_at(&world).await < 0);
        // The host gives it again: there, then here.
        client.clone().publish(&host, PATH);
        world.clock.advance(11);
        assert!(asks(&browser.get(&url).await));
        until(|| async { stored_at(&world).await > fetched_at }, "that is stored, too").await;
        host.serve(PATH, Answer::status(500));
        assert!(asks(&opened(&world, &client).await), "{db:?}: by the copy that the other replica stored");
    }
}

/// A replica that has not asked yet goes by its own copy for as long as that is fresh, and by the stored word then.
#[tokio::test]
async fn a_replica_that_did_not_hear_it_goes_by_what_another_stored() {
    let world = World::new().await;
    let (host, client) = world.document_client().await;
    tokens(&world, &client).await;
    let replica = world.replica().await;
    let mut browser = Browser::new(world.origin.clone(), replica.service());
    let url = client.at(&world.public_url, replica.service()).authorization_url(&[]);
    assert!(asks(&browser.get(&url).await), "both have a copy");
    host.serve(PATH, Answer::status(404));
    world.clock.advance(61);
    assert_page(&opened(&world, &client).await, 400, "answered 404");
    until(|| async { stored_at(&world).await < 0 }, "it is stored").await;
    host.serve(PATH, Answer::status(500));
    assert_page(&browser.get(&url).await, 503, "answered 500");
}

#[tokio::test]
async fn the_seven_days_hold_after_a_restart_and_are_written_once_an_hour() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (host, client) = world.document_client().await;
        let mut tokens = tokens(&world, &client).await;
        let begin = stored_at(&world).await;
        // A session that is used, three days later: the host still gives the document.
        world.clock.advance(3 * 86_400);
        tokens = client.refresh(tokens.refresh(), &[]).await;
        assert_eq!(tokens.status, 200, "{}", tokens.json);
        until(|| async { stored_at(&world).await == begin + 3 * 86_400 }, "the time of the fetch is stored").await;
        for (pass, expected) in [(1_800, 0), (1_740, 0), (60, 3_600)] {
            world.clock.advance(pass);
            let before = fetches(&host);
            tokens = client.refresh(tokens.refresh(), &[]).await;
            assert_eq!(tokens.status, 200, "{}", tokens.json);
            until(|| async { fetches(&host) > before }, "it is fetched").await;
            until(|| async { stored_at(&world).await == begin + 3 * 86_400 + expected }, "once an hour").await;
        }
        host.serve(PATH, Answer::status(500));
        for (pass, serves) in [(WEEK - 1, true), (1, false)] {
            world.clock.advance(pass);
            let replica = world.replica().await;
            let mut browser = Browser::new(world.origin.clone(), replica.service());
            let page = browser.get(&client.at(&world.public_url, replica.service()).authorization_url(&[])).await;
            assert_eq!(asks(&page), serves, "{db:?}: {page:?}");
        }
    }
}

/// Only authorizations, and no session that would have it looked at: that its host gave it is stored all the same.
#[tokio::test]
async fn a_document_that_is_fetched_for_an_authorization_renews_the_stored_copy() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (_host, client) = world.document_client().await;
        tokens(&world, &client).await;
        let begin = stored_at(&world).await;
        world.clock.advance(7_200);
        assert!(asks(&opened(&world, &client).await));
        until(|| async { stored_at(&world).await == begin + 7_200 }, "it is stored").await;
    }
}

/// Seen: 121 requests in a third of a second kept every new app of a host out for a minute.
#[tokio::test]
async fn made_up_addresses_of_a_host_keep_neither_its_known_nor_its_new_apps_out() {
    let world = World::new().await;
    let (host, mut client) = world.document_client().await;
    assert!(asks(&opened(&world, &client).await));
    let mut stranger = client.clone();
    let mut flood = async |name: &str| {
        for i in 0..200 {
            stranger.id = host.url(&format!("/{name}/{i}.json"));
            opened(&world, &stranger).await;
        }
        opened(&world, &stranger).await
    };
    let page = flood("a").await;
    assert_page(&page, 503, "too many such requests");
    assert_eq!(page.headers["refresh"], "15", "the page tries again by itself");
    let mut new = world.stranger();
    new.publish(&host, "/new.json");
    assert_page(&opened(&world, &new).await, 503, "cannot be asked just now");
    world.clock.advance(15);
    flood("b").await;
    assert!(asks(&opened(&world, &new).await), "as the page does");
    world.clock.advance(61);
    flood("c").await;
    let mut document = client.document(&host.url(PATH));
    document["redirect_uris"] = json!(["https://elsewhere.example/callback"]);
    host.serve(PATH, Answer::json(&document));
    let page = opened(&world, &client).await;
    assert_page(&page, 400, "did not register");
}

#[tokio::test]
async fn a_session_does_not_hang_on_the_client_s_web_site() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (host, client) = world.document_client().await;
        let tokens = tokens(&world, &client).await;
        drop(host);
        // After a restart, with the host gone: the copy that was kept with the consent.
        let replica = world.replica().await;
        let client = client.at(&world.public_url, replica.service());
        let refreshed = client.refresh(tokens.refresh(), &[]).await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.json);
        assert_eq!(client.whoami(refreshed.access()).await.status, 200);
        let mut browser = Browser::new(world.origin.clone(), replica.service());
        assert!(asks(&browser.get(&client.authorization_url(&[])).await));
        assert_eq!(client.revoke(refreshed.refresh()).await.status, 200);
    }
}

#[tokio::test]
async fn the_stored_copy_is_brought_up_to_date_when_the_client_refreshes() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (host, mut client) = world.document_client().await;
        let tokens = tokens(&world, &client).await;
        let mut document = client.document(&host.url(PATH));
        document["token_endpoint_auth_method"] = "private_key_jwt".into();
        document["jwks_uri"] = host.url("/jwks.json").into();
        host.serve(PATH, Answer::json(&document));
        world.clock.advance(61);
        let refreshed = client.refresh(tokens.refresh(), &[]).await;
        assert_eq!(refreshed.status, 200, "the old copy is good for this one: {}", refreshed.json);
        // By and by the new one is known, here and in the database.
        let renewed = async {
            while client.refresh(refreshed.refresh(), &[]).await.error() != "invalid_client" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), renewed).await.expect("the new document is known");
        drop(host);
        let renewed = async {
            loop {
                let replica = world.replica().await;
                let client = client.at(&world.public_url, replica.service());
                if client.refresh(refreshed.refresh(), &[]).await.error() == "invalid_client" {
                    break;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), renewed).await.expect("the new document is stored");
    }
}

#[tokio::test]
async fn a_pinned_copy_serves_where_the_host_does_not_answer() {
    let world = World::new().await;
    let mut claude = world.stranger();
    claude.id = CLAUDE.into();
    claude.redirect_uri = "https://claude.ai/api/mcp/auth_callback".into();
    // A pinned client is known well enough to be told of an error at once.
    let page = world.browser().get(&claude.authorization_url(&[("response_type", "token")])).await;
    assert_eq!(error_to(&page, &claude), "unsupported_response_type");
    let mut browser = world.browser();
    let page = consent_page(&claude, &mut browser, &[]).await;
    assert!(page.body.contains("claude.ai"), "{}", page.body);
    let tokens = tokens(&world, &claude).await;
    assert_eq!(claude.refresh(tokens.refresh(), &[]).await.status, 200);
    // A redirect URI of somebody else is still none.
    claude.redirect_uri = "https://evil.example/callback".into();
    assert_page(&opened(&world, &claude).await, 400, "wrong place");

    let mut code = world.stranger();
    code.id = "https://claude.ai/oauth/claude-code-client-metadata".into();
    code.redirect_uri = "http://localhost:54321/callback".into();
    assert!(asks(&opened(&world, &code).await));
}

#[tokio::test]
async fn the_operator_pins_what_the_host_will_not_tell() {
    let host = DocumentHost::start().await.unwrap();
    host.serve(PATH, Answer::status(403));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.json");
    let world = World::new().await;
    let mut client = world.stranger();
    let document = client.document(&host.url(PATH));
    std::fs::write(&file, document.to_string()).unwrap();
    let pinned = format!("[[clients.pinned]]\nurl = \"{}\"\nfile = {file:?}", client.id);
    let world = World::with(&pinned).await;
    let client = client.at(&world.public_url, world.router.clone());
    assert!(asks(&opened(&world, &client).await));
    assert_eq!(fetches(&host), 1, "the host was asked first");
    // A good answer counts more than the pin.
    let mut renamed = document.clone();
    renamed["client_name"] = "Renamed".into();
    host.serve(PATH, Answer::json(&renamed));
    world.clock.advance(61);
    assert!(opened(&world, &client).await.body.contains("Renamed"));
    // It ends with its document; the pin does not, however long that lasts.
    for (answer, pass) in [(404, 61), (410, 61), (503, 100 * 86_400), (503, 61)] {
        host.serve(PATH, Answer::status(answer));
        world.clock.advance(pass);
        let page = opened(&world, &client).await;
        assert!(asks(&page) && !page.body.contains("Renamed"), "{answer}: {}", page.body);
    }
}

#[tokio::test]
async fn a_session_of_a_client_whose_document_is_wrong_goes_on_without_asking_for_it_each_time() {
    let world = World::new().await;
    let (host, client) = world.document_client().await;
    let mut tokens = tokens(&world, &client).await;
    host.serve(PATH, Answer { body: "{}".into(), ..Answer::json(&json!({})) });
    world.clock.advance(61);
    assert_page(&opened(&world, &client).await, 400, "own address");
    for _ in 0..3 {
        tokens = client.refresh(tokens.refresh(), &[]).await;
        assert_eq!(tokens.status, 200, "{}", tokens.json);
        assert_page(&opened(&world, &client).await, 400, "own address");
    }
    assert_eq!(fetches(&host), 2);
}

/// Documents are looked at anew in the background: a host that takes its time keeps nobody else's old.
#[tokio::test]
async fn a_slow_host_does_not_hold_up_the_documents_of_others() {
    let world = World::new().await;
    let (slow_host, slow) = world.document_client().await;
    let (host, mut client) = world.document_client().await;
    let (slow_tokens, tokens) = (tokens(&world, &slow).await, tokens(&world, &client).await);
    slow_host.serve(PATH, Answer::status(503).after(Duration::from_secs(4)));
    let mut document = client.document(&host.url(PATH));
    document["token_endpoint_auth_method"] = "private_key_jwt".into();
    document["jwks_uri"] = host.url("/jwks.json").into();
    host.serve(PATH, Answer::json(&document));
    world.clock.advance(61);
    assert_eq!(slow.refresh(slow_tokens.refresh(), &[]).await.status, 200);
    let refreshed = client.refresh(tokens.refresh(), &[]).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.json);
    let renewed = async {
        while client.refresh(refreshed.refresh(), &[]).await.error() != "invalid_client" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3), renewed).await.expect("the new document is known");
}
