//! Registrations age: those that nobody ever agreed to go after 30 days, or sooner where there are very many, others 400
//! days after their last grant was over.

use std::time::Duration;

use axum::http::StatusCode;
use jean::Clock as _;
use jean_testing::client::Client;
use serde_json::json;

use crate::support::browsing::to_upstream;
use crate::support::tokens::{assert_alive, assert_error};
use crate::support::{BOTH, World};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Lets jean sweep: a process does so when it starts. What is swept last tells when it is done; twice, since the first
/// jean of the test may just be sweeping by an earlier time.
async fn sweep(world: &World) {
    let canary = "INSERT INTO clients (id, metadata, secret_hash, created_at, updated_at) VALUES ('zzz', '', '', 1, 1)";
    let mut database = world.database().await;
    // The tests skip years at once. With this row jean would see a clock far ahead and pause the sweep.
    database.run("DELETE FROM meta WHERE name = 'last_time'").await;
    for _ in 0..2 {
        database.run(canary).await;
        let jean = world.replica().await;
        let done = async {
            while database.number("SELECT COUNT(*) FROM clients WHERE id = 'zzz'").await > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), done).await.expect("the sweep ends");
        jean.close().await;
    }
}

async fn is_kept(world: &World, client: &Client) -> bool {
    let row = world.row(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM clients WHERE id = '{}'", client.id)).await;
    row[0] == "1"
}

async fn consents(world: &World) -> i64 {
    world.database().await.number("SELECT COUNT(*) FROM consents").await
}

#[tokio::test]
async fn a_registration_that_never_led_to_a_grant_goes_after_thirty_days() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let old = world.client().await;
        world.clock.advance(2 * DAY);
        let young = world.client().await;
        world.clock.advance(27 * DAY);
        sweep(&world).await;
        assert!(is_kept(&world, &old).await, "{db:?}: after 29 days");
        world.clock.advance(2 * DAY);
        sweep(&world).await;
        assert!(!is_kept(&world, &old).await, "{db:?}: after 31 days");
        assert!(is_kept(&world, &young).await, "{db:?}: the young one after 29");
    }
}

#[tokio::test]
async fn a_client_with_a_live_grant_is_never_swept() {
    for db in BOTH {
        let world = World::on(db, "[tokens]\ngrant_lifetime = \"1000d\"\n").await;
        let (client, mut tokens) = world.tokens().await;
        for _ in 0..20 {
            world.clock.advance(25 * DAY);
            tokens = client.refresh(tokens.refresh(), &[]).await;
        }
        sweep(&world).await;
        assert!(is_kept(&world, &client).await, "{db:?}: after 500 days");
        assert_eq!(consents(&world).await, 1, "{db:?}");
        assert_alive(&client, &tokens).await;
    }
}

/// One grant that lives keeps the client, whatever became of the others.
#[tokio::test]
async fn a_client_goes_400_days_after_its_last_grant_was_over_and_its_consents_with_it() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, first) = world.tokens().await;
        let kept = world.client().await;
        world.tokens_for(&kept, &[]).await;
        assert_eq!(client.revoke(first.refresh()).await.status, 200);
        world.clock.advance(20 * DAY);
        sweep(&world).await;
        let second = world.tokens_for(&client, &[]).await;
        assert_eq!(client.revoke(second.refresh()).await.status, 200);
        world.clock.advance(2 * HOUR);
        // The last grant is found to be over now; that of the other client is not.
        sweep(&world).await;
        let mut database = world.database().await;
        assert_eq!(database.number("SELECT COUNT(*) FROM grants").await, 1, "{db:?}");
        assert_eq!(consents(&world).await, 2, "{db:?}");

        world.clock.advance(399 * DAY);
        sweep(&world).await;
        assert!(is_kept(&world, &client).await, "{db:?}: after 399 days");
        assert_eq!(database.number("SELECT COUNT(*) FROM grants").await, 0, "{db:?}");
        world.clock.advance(2 * DAY);
        sweep(&world).await;
        assert!(!is_kept(&world, &client).await, "{db:?}: after 401 days");
        assert!(is_kept(&world, &kept).await, "{db:?}: whose grant was over later");
        assert_eq!(consents(&world).await, 1, "{db:?}: the consents go with their client");
    }
}

/// Other replicas may have open streams of it.
#[tokio::test]
async fn a_revocation_is_kept_until_every_replica_has_read_it_although_its_last_token_expired_long_ago() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        world.clock.advance(DAY);
        assert_eq!(client.revoke(tokens.refresh()).await.status, 200);
        for (seconds, kept) in [(0, 1), (600, 1), (1, 0)] {
            world.clock.advance(seconds);
            sweep(&world).await;
            let grants = world.database().await.number("SELECT COUNT(*) FROM grants").await;
            assert_eq!(grants, kept, "{db:?}: {seconds} seconds later");
        }
    }
}

/// From the moment that somebody agreed, a sweep at the same time finds it in use, whatever it sees of the grant.
#[tokio::test]
async fn a_client_that_was_just_allowed_something_is_not_unused() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client().await;
        world.clock.advance(29 * DAY);
        let mut browser = world.browser();
        for _ in 0..2 {
            client.authorize(&mut browser, &[]).await;
            let marked = "SELECT grant_ended_at FROM clients";
            assert_eq!(world.database().await.number(marked).await, world.clock.now().0, "{db:?}");
            world.clock.advance(HOUR);
        }
    }
}

/// A code that nobody fetched was a grant all the same: the person agreed.
#[tokio::test]
async fn a_code_that_was_never_redeemed_counts_as_a_grant() {
    let world = World::new().await;
    let (client, _) = world.code().await;
    world.clock.advance(31 * DAY);
    sweep(&world).await;
    assert!(is_kept(&world, &client).await);
    world.clock.advance(401 * DAY);
    sweep(&world).await;
    assert!(!is_kept(&world, &client).await);
}

#[tokio::test]
async fn the_lifetimes_are_the_operators() {
    let world = World::with("[clients]\nunused_lifetime = \"1d\"\nidle_lifetime = \"2d\"\n").await;
    let (used, tokens) = world.tokens().await;
    let unused = world.client().await;
    assert_eq!(used.revoke(tokens.refresh()).await.status, 200);
    world.clock.advance(DAY + HOUR);
    sweep(&world).await;
    assert!(!is_kept(&world, &unused).await && is_kept(&world, &used).await);
    world.clock.advance(2 * DAY + HOUR);
    sweep(&world).await;
    assert!(!is_kept(&world, &used).await);
}

/// The copy of a metadata document is a row like any other.
#[tokio::test]
async fn a_kept_document_ages_the_same_way() {
    let world = World::new().await;
    let id = "https://client.example/metadata.json";
    let now = world.clock.now().0;
    let sql = format!(
        "INSERT INTO clients (id, origin, metadata, secret_hash, created_at, updated_at, grant_ended_at) \
         VALUES ('{id}', 'document', '{{}}', '', {now}, {now}, {now})"
    );
    world.sql(&sql).await;
    let mut document = world.stranger();
    document.id = id.to_owned();
    world.clock.advance(399 * DAY);
    sweep(&world).await;
    assert!(is_kept(&world, &document).await);
    world.clock.advance(2 * DAY);
    sweep(&world).await;
    assert!(!is_kept(&world, &document).await);
}

/// Claude Code replays a dead client id for ever: it has to hear so in the words that make clients register anew.
#[tokio::test]
async fn a_client_that_was_swept_is_invalid_client_and_may_come_back() {
    let world = World::new().await;
    let mut client = world.client_with(json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
    world.clock.advance(31 * DAY);
    sweep(&world).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "jr1_1.x")];
    for path in ["/oauth/token", "/oauth/revoke"] {
        for _ in 0..2 {
            let page = client.post_form(path, &refresh, &[("token", "x")]).await;
            assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
        }
    }
    let page = client.authorize(&mut world.browser(), &[]).await;
    assert_eq!((page.status.as_u16(), page.leads_to()), (400, None), "a page, and no way on: {}", page.body);
    client.auth_method = "none".to_owned();
    client.register().await;
    world.tokens_for(&client, &[]).await;
}

/// What a flood leaves goes before its time, the oldest first, and nothing that a person may be about to agree to.
#[tokio::test]
async fn of_more_unused_registrations_than_are_kept_the_oldest_go_but_none_that_is_young_or_on_a_journey() {
    for db in BOTH {
        let world = World::bounded(db, 4, 1000).await;
        let under_way = world.client().await;
        let used = world.client().await;
        world.tokens_for(&used, &[]).await;
        let document = world.document("https://client.example/c", Some("App"), &["https://client.example/cb"]).await;
        let mut old = Vec::new();
        for _ in 0..4 {
            world.clock.advance(60);
            old.push(world.client().await);
        }
        world.clock.advance(HOUR - 60);
        let young = world.client().await;
        to_upstream(&under_way, &mut world.browser(), &[]).await;
        world.clock.advance(59);
        // The last of the old ones is not an hour old. Seven were never used, of which three are too many.
        sweep(&world).await;
        for client in [&under_way, &used, &document, &young, &old[3]] {
            assert!(is_kept(&world, client).await, "{db:?}: {}", client.id);
        }
        for client in &old[..3] {
            assert!(!is_kept(&world, client).await, "{db:?}: {}", client.id);
        }
        // When the journey is over its client is one like the others; and an update keeps none young.
        world.clock.advance(2 * HOUR);
        let now = world.clock.now();
        world.sql(&format!("UPDATE clients SET updated_at = {now} WHERE id = '{}'", old[3].id)).await;
        for _ in 0..3 {
            world.client().await;
        }
        sweep(&world).await;
        for client in [&under_way, &young, &old[3]] {
            assert!(!is_kept(&world, client).await, "{db:?}: {}", client.id);
        }
        assert!(is_kept(&world, &used).await && is_kept(&world, &document).await, "{db:?}");
        assert_eq!(world.database().await.number("SELECT COUNT(*) FROM clients").await, 5, "{db:?}: the new ones too");
    }
}

/// Old rows cost nobody their registration, and the sweep ends them in chunks.
#[tokio::test]
async fn ten_thousand_old_registrations_refuse_nobody() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let mut database = world.database().await;
        let now = world.clock.now().0;
        let many = format!(
            "INSERT INTO clients (id, metadata, secret_hash, created_at, updated_at) \
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
             SELECT 'jci_' || i, '{{}}', '', {now}, {now} FROM n"
        );
        database.run(many).await;
        world.clock.advance(20 * DAY);
        let newcomer = world.client().await;
        world.tokens_for(&newcomer, &[]).await;
        world.clock.advance(11 * DAY);
        sweep(&world).await;
        assert_eq!(database.number("SELECT COUNT(*) FROM clients").await, 1, "{db:?}");
        assert!(is_kept(&world, &newcomer).await, "{db:?}");
    }
}

/// The sweep goes through the grants by ranges of a thousand, and misses none where two of them meet.
#[tokio::test]
async fn of_thousands_of_grants_exactly_those_go_that_are_over() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        let mut database = world.database().await;
        let same = "kind, person, sign_in, client, resources, scopes, nonce, auth_time, created_at, code_hash, \
                    code_challenge, redirect_uri, code_expires_at, redeemed_at, tag_hash, rt_hash, rt_prev, rt_salt, \
                    rt_gen, rt_at, rt_expires_at, bound_key, revoked_at, revoked_why";
        let is_over = "CASE WHEN i IN (1000, 1001, 2000, 2001, 2500) THEN 1 ELSE";
        let many = format!(
            "INSERT INTO grants (id, {same}, expires_at, access_until) \
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) \
             SELECT i, {same}, {is_over} expires_at END, {is_over} access_until END FROM n, grants"
        );
        database.run(many).await;
        sweep(&world).await;
        assert_eq!(database.number("SELECT COUNT(*) FROM grants WHERE expires_at = 1").await, 0, "{db:?}");
        assert_eq!(database.number("SELECT COUNT(*) FROM grants").await, 2496, "{db:?}");
        assert_alive(&client, &tokens).await;
    }
}

/// An assertion's `jti` is remembered for as long as it could come again, and no longer.
#[tokio::test]
async fn what_can_not_be_replayed_any_more_is_forgotten() {
    let world = World::new().await;
    let now = world.clock.now().0;
    let rows = format!("('a', '1', {}), ('a', '2', {})", now + 60, now + 7200);
    world.sql(&format!("INSERT INTO jti_seen (issuer, jti, until) VALUES {rows}")).await;
    world.clock.advance(HOUR);
    sweep(&world).await;
    assert_eq!(world.database().await.number("SELECT COUNT(*) FROM jti_seen").await, 1);
}
