//! Refresh tokens (RFC 6749 section 6, RFC 9700 section 4.14): rotated on every use, a lost answer is given again, a reuse
//! revokes the family.

use jean_testing::client::{Client, Tokens};
use serde_json::json;

use crate::support::log::Log;
use crate::support::tokens::{assert_alive, assert_dead, forged, moved};
use crate::support::{BOTH, World};

#[track_caller]
fn assert_refused(refused: &Tokens, error: &str) {
    assert_eq!((refused.status.as_u16(), refused.error()), (400, error), "{}", refused.json);
}

/// The next tokens, which must come.
async fn next(client: &Client, tokens: &Tokens) -> Tokens {
    let next = client.refresh(tokens.refresh(), &[]).await;
    assert_eq!(next.status, 200, "{}", next.json);
    assert_ne!(next.access(), tokens.access());
    next
}

#[tokio::test]
async fn each_use_gives_another_refresh_token_and_the_old_access_token_lives_on() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, first) = world.tokens().await;
        let second = next(&client, &first).await;
        let third = next(&client, &second).await;
        assert!(first.refresh() != second.refresh() && second.refresh() != third.refresh());
        for tokens in [&first, &second, &third] {
            assert_eq!(client.whoami(tokens.access()).await.status, 200, "{db:?}");
        }
        assert_eq!(world.database().await.generation().await, 3);
    }
}

/// Who does not hold a token of the family cannot end it.
#[tokio::test]
async fn garbage_and_forgeries_are_refused_and_revoke_nothing() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let token = tokens.refresh();
    let (front, secret) = token.split_once('.').expect("a refresh token");
    for garbage in [
        "x".to_owned(),
        "jr1_".to_owned(),
        "jr1_.".to_owned(),
        front.to_owned(),
        format!("{front}."),
        format!("{token}A"),
        format!("{token}="),
        token[..token.len() - 1].to_owned(),
        format!("jr1_zzzzzzzzzzzzzzzzzz.{secret}"),
        format!("jr1_-1.{secret}"),
        format!("jr1_1.{secret}"),
        token.replacen("jr1_", "jr1_0", 1),
        token.to_uppercase(),
        "\0".repeat(64),
        forged(token, 0),
        forged(token, 15),
    ] {
        let refused = client.refresh(&garbage, &[]).await;
        let error = if garbage.contains('\0') { "invalid_request" } else { "invalid_grant" };
        assert_refused(&refused, error);
    }
    assert_alive(&client, &tokens).await;
}

/// RFC 6749 section 10.4: a refresh token is its client's. Another client's try tells and changes nothing, whether the
/// token is the current one or was used before.
#[tokio::test]
async fn another_clients_try_changes_nothing() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, first) = world.tokens().await;
        let second = next(&client, &first).await;
        let third = next(&client, &second).await;
        let thief = world.client().await;
        for stolen in [&first, &second, &third] {
            assert_refused(&thief.refresh(stolen.refresh(), &[]).await, "invalid_grant");
        }
        assert_alive(&client, &third).await;
    }
}

#[tokio::test]
async fn a_revoked_refresh_token_stays_revoked() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let second = next(&client, &tokens).await;
    client.revoke(second.refresh()).await;
    for tokens in [&tokens, &second] {
        assert_refused(&client.refresh(tokens.refresh(), &[]).await, "invalid_grant");
    }
    assert_eq!(world.database().await.number("SELECT COUNT(*) FROM grants WHERE revoked_why = 'client'").await, 1);
}

#[tokio::test]
async fn a_refresh_token_that_is_not_used_expires() {
    for db in BOTH {
        let world = World::on(db, "[tokens]\nrefresh_idle = \"2d\"\n").await;
        let (client, tokens) = world.tokens().await;
        world.clock.advance(2 * 86_400 - 1);
        let tokens = next(&client, &tokens).await;
        world.clock.advance(2 * 86_400 - 1);
        let tokens = next(&client, &tokens).await;
        world.clock.advance(2 * 86_400);
        assert_refused(&client.refresh(tokens.refresh(), &[]).await, "invalid_grant");
    }
}

/// However often it is used, a family ends when the grant does, its access tokens too.
#[tokio::test]
async fn a_family_ends_with_its_grant() {
    let world = World::with("[tokens]\ngrant_lifetime = \"2h\"\nrefresh_idle = \"90m\"\n").await;
    let (client, tokens) = world.tokens().await;
    world.clock.advance(3600);
    let tokens = next(&client, &tokens).await;
    assert_eq!(tokens.json["expires_in"], 3600);
    world.clock.advance(3000);
    let tokens = next(&client, &tokens).await;
    assert_eq!(tokens.json["expires_in"], 600, "no access token outlives the grant");
    world.clock.advance(599);
    assert_eq!(client.whoami(tokens.access()).await.status, 200);
    let tokens = next(&client, &tokens).await;
    world.clock.advance(1);
    assert_refused(&client.refresh(tokens.refresh(), &[]).await, "invalid_grant");
    assert_eq!(client.whoami(tokens.access()).await.status, 401);
}

/// The answer was lost on its way: the client asks again, and gets the very same refresh token, with a new access token.
#[tokio::test]
async fn within_the_grace_the_predecessor_gets_the_same_successor() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, first) = world.tokens().await;
        let second = next(&client, &first).await;
        for pause in [0, 30, 30] {
            world.clock.advance(pause);
            let again = next(&client, &first).await;
            assert_eq!(again.refresh(), second.refresh());
            assert_ne!(again.access(), second.access());
            assert_eq!(client.whoami(again.access()).await.status, 200);
        }
        assert_eq!(world.database().await.generation().await, 2, "without a write");
        assert_alive(&client, &second).await;
    }
}

/// The successor is out: whoever comes with the predecessor now is a second holder.
#[tokio::test]
async fn after_the_successor_was_used_the_predecessor_revokes_the_family() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, first) = world.tokens().await;
        let second = next(&client, &first).await;
        let third = next(&client, &second).await;
        assert_refused(&client.refresh(first.refresh(), &[]).await, "invalid_grant");
        for tokens in [&second, &third] {
            assert_dead(&client, tokens).await;
        }
        assert_eq!(
            world.database().await.number("SELECT COUNT(*) FROM grants WHERE revoked_why = 'reuse_old'").await,
            1
        );
    }
}

#[tokio::test]
async fn after_the_grace_the_predecessor_revokes_the_family_even_if_the_successor_was_never_used() {
    for db in BOTH {
        let world = World::on(db, "[tokens]\nrefresh_grace = \"30s\"\n").await;
        let (client, first) = world.tokens().await;
        let second = next(&client, &first).await;
        world.clock.advance(30);
        assert_eq!(next(&client, &first).await.refresh(), second.refresh(), "the last second of the grace");
        world.clock.advance(1);
        assert_refused(&client.refresh(first.refresh(), &[]).await, "invalid_grant");
        assert_dead(&client, &second).await;
        assert_eq!(world.database().await.number("SELECT COUNT(*) FROM grants WHERE revoked_why = 'reuse'").await, 1);
    }
}

#[tokio::test]
async fn an_older_generation_revokes_the_family_at_any_time() {
    let world = World::new().await;
    for pause in [0, 3000, 86_400] {
        let (client, first) = world.tokens().await;
        let mut tokens = first.clone();
        for _ in 0..3 {
            tokens = next(&client, &tokens).await;
        }
        world.clock.advance(pause);
        assert_refused(&client.refresh(first.refresh(), &[]).await, "invalid_grant");
        assert_dead(&client, &tokens).await;
    }
    // F is right, S is made up: only a holder of some generation knows F.
    let (client, tokens) = world.tokens().await;
    assert_refused(&client.refresh(&forged(tokens.refresh(), 16), &[]).await, "invalid_grant");
    assert_dead(&client, &tokens).await;
}

#[tokio::test]
async fn without_a_grace_the_predecessor_revokes_at_once() {
    for db in BOTH {
        let world = World::on(db, "[tokens]\nrefresh_grace = \"0s\"\n").await;
        let (client, first) = world.tokens().await;
        let second = next(&client, &first).await;
        assert_refused(&client.refresh(first.refresh(), &[]).await, "invalid_grant");
        assert_dead(&client, &second).await;
    }
}

/// A replica whose clock is behind counts as no time passed.
#[tokio::test]
async fn a_clock_that_goes_backwards_revokes_nothing() {
    let world = World::new().await;
    let (client, first) = world.tokens().await;
    let second = next(&client, &first).await;
    world.clock.advance(-300);
    assert_eq!(next(&client, &first).await.refresh(), second.refresh());
    let third = next(&client, &second).await;
    assert_alive(&client, &third).await;
}

/// RFC 6749 section 6: less may be asked for; the refresh token keeps what was granted (OAuth 2.1 section 4.3.1).
#[tokio::test]
async fn a_narrower_scope_narrows_one_access_token_only() {
    let world = World::new().await;
    let client = world.client().await;
    let first = world.tokens_for(&client, &[("scope", "read write")]).await;
    let narrow = client.refresh(first.refresh(), &[("scope", "read")]).await;
    assert_eq!((narrow.status.as_u16(), narrow.text("scope")), (200, "read"));
    let again = client.refresh(first.refresh(), &[("scope", "write")]).await;
    assert_eq!(
        (again.text("scope"), again.refresh()),
        ("write", narrow.refresh()),
        "a retry may ask for something else"
    );
    let whole = client.refresh(narrow.refresh(), &[]).await;
    assert_eq!((whole.status.as_u16(), whole.text("scope")), (200, "read write"));
    let dropped = client.refresh(whole.refresh(), &[("scope", "read claudeai urn:x")]).await;
    assert_eq!((dropped.status.as_u16(), dropped.text("scope")), (200, "read"), "unknown words are dropped");
    let unknown = client.refresh(dropped.refresh(), &[("scope", "claudeai")]).await;
    assert_eq!((unknown.status.as_u16(), unknown.text("scope")), (200, "read write"), "nothing known was asked");
}

/// workers-oauth-provider #258: a rejected request rotated the refresh token.
#[tokio::test]
async fn a_refused_request_rotates_nothing() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client_with(json!({ "token_endpoint_auth_method": "client_secret_post" })).await;
        let tokens = world.tokens_for(&client, &[("scope", "read")]).await;
        for (change, value, status, error) in [
            ("scope", "write", 400, "invalid_scope"),
            ("scope", "read write", 400, "invalid_scope"),
            ("scope", "write claudeai", 400, "invalid_scope"),
            ("scope", "re\"ad", 400, "invalid_scope"),
            ("scope", "read\0", 400, "invalid_request"),
            ("resource", "http://localhost:8080/other", 400, "invalid_target"),
            ("resource", "not a URL", 400, "invalid_target"),
            ("resource", "http://localhost:8080/mcp#part", 400, "invalid_target"),
            ("client_secret", "jcs1_another", 401, "invalid_client"),
            ("client_secret", "", 401, "invalid_client"),
            ("refresh_token", "", 400, "invalid_request"),
            ("grant_type", "refresh", 400, "unsupported_grant_type"),
        ] {
            let refused = client.refresh(tokens.refresh(), &[(change, value)]).await;
            assert_eq!((refused.status.as_u16(), refused.error()), (status, error), "{db:?} {change}={value:?}");
        }
        assert_eq!(world.database().await.generation().await, 1, "{db:?}");
        assert_alive(&client, &tokens).await;
    }
}

/// A request that would be refused is refused in the window too, and does not end the family.
#[tokio::test]
async fn a_refused_retry_within_the_grace_costs_nothing() {
    let world = World::new().await;
    let (client, first) = world.tokens().await;
    let second = next(&client, &first).await;
    assert_refused(&client.refresh(first.refresh(), &[("scope", "write")]).await, "invalid_scope");
    assert_refused(
        &client.refresh(first.refresh(), &[("resource", "https://elsewhere.example")]).await,
        "invalid_target",
    );
    assert_eq!(next(&client, &first).await.refresh(), second.refresh());
    assert_alive(&client, &second).await;
}

/// GHSA-7qjx-gp9h-65qj, dex: an allow-list that one grant type skipped. The rules are asked at every refresh.
#[tokio::test]
async fn a_person_who_may_not_come_in_any_more_is_refused_at_the_next_refresh() {
    for db in BOTH {
        let world = World::on(db, "").await;
        for (rule, allowed) in [
            ("emails = [\"ada-lovelace@example.com\"]", true),
            ("email_domains = [\"example.com\"]", true),
            ("emails = [\"grace@example.com\"]", false),
            ("email_domains = [\"example.org\"]", false),
        ] {
            let (client, tokens) = world.tokens().await;
            let jean = world.replica_with(&format!("[access]\n{rule}\n")).await;
            let refreshed = moved(&client, &jean).refresh(tokens.refresh(), &[]).await;
            if allowed {
                assert_eq!(refreshed.status, 200, "{db:?} {rule}: {}", refreshed.json);
            } else {
                assert_refused(&refreshed, "invalid_grant");
                assert_refused(&client.refresh(tokens.refresh(), &[]).await, "invalid_grant");
            }
        }
    }
}

/// The token of a family that somebody else presents must not let the rules end it.
#[tokio::test]
async fn the_access_rules_are_asked_for_the_rightful_client_only() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let strict = world.replica_with("[access]\nemails = [\"grace@example.com\"]\n").await;
    let thief = moved(&world.client().await, &strict);
    assert_refused(&thief.refresh(tokens.refresh(), &[]).await, "invalid_grant");
    assert_refused(&moved(&client, &strict).refresh(&forged(tokens.refresh(), 0), &[]).await, "invalid_grant");
    assert_alive(&client, &tokens).await;
}

/// A client repeats a refresh whose answer got lost, once. Somebody else who has its refresh tokens, and repeats each of
/// them within the grace, gets what the client gets and is never revoked: only the log can tell.
#[tokio::test]
async fn the_log_tells_a_lost_answer_from_a_thief() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let log = Log::with("jean=debug");
    let levels = |log: &Log| -> Vec<String> {
        let lines = log.take().into_iter().filter(|line| line.contains("a refresh was repeated"));
        lines.filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
    };
    let mut token = tokens.refresh().to_owned();
    // Each generation: after how many seconds the predecessor is repeated, and what is logged of it.
    for (repeats, expected) in [
        (&[0, 10][..], &["DEBUG", "DEBUG"][..]),
        (&[11], &["INFO"]),
        (&[], &[]),
        (&[20], &["INFO"]),
        (&[20], &["WARN"]),
        (&[20, 30], &["WARN", "INFO"]),
        (&[0], &["DEBUG"]),
        (&[59], &["INFO"]),
    ] {
        let next = client.refresh(&token, &[]).await;
        assert_eq!(next.status, 200, "{}", next.json);
        let mut passed = 0;
        for after in repeats {
            world.clock.advance(after - passed);
            passed = *after;
            assert_eq!(client.refresh(&token, &[]).await.refresh(), next.refresh());
        }
        world.clock.advance(100);
        next.refresh().clone_into(&mut token);
        assert_eq!(levels(&log), expected, "{repeats:?}");
    }
}

/// A client gives a refresh half a minute, so one time-out and its retry fit.
#[tokio::test]
async fn by_default_a_refresh_may_be_repeated_for_a_minute() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    assert_eq!(client.refresh(tokens.refresh(), &[]).await.status, 200);
    world.clock.advance(60);
    let again = client.refresh(tokens.refresh(), &[]).await;
    assert_eq!(again.status, 200, "{}", again.json);
    world.clock.advance(1);
    assert_refused(&client.refresh(tokens.refresh(), &[]).await, "invalid_grant");
}
