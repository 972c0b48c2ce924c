//! The guard remembers claims, never decisions: expiry, revocation and keys count on every call, on every replica.

use serde_json::json;

use crate::support::black_hole::BlackHole;
use crate::support::forge::{Forge, claims, kid};
use crate::support::wire::{ask, json_of, text, tokens_of, whoami, whoami_becomes};
use crate::support::{BOTH, Db, ORIGIN, World};

#[tokio::test]
async fn a_token_dies_at_its_expiry_although_it_is_remembered() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    assert_eq!(tokens.json["expires_in"], 3600);
    assert_eq!(client.whoami(tokens.access()).await.status, 200);
    world.clock.advance(3599);
    assert_eq!(client.whoami(tokens.access()).await.status, 200);
    world.clock.advance(1);
    let page = client.whoami(tokens.access()).await;
    assert_eq!(page.status, 401);
    assert!(text(&page, "www-authenticate").contains("The access token has expired."));
}

/// "Revoke, then the next call is 401", after a hit as well: here at once, on other replicas within five seconds.
#[tokio::test]
async fn a_revocation_counts_here_at_once_and_on_other_replicas_within_five_seconds() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let replica = world.replica().await;
        let other = replica.service();
        let (client, tokens) = world.tokens().await;
        assert_eq!(whoami(&world.router, tokens.access()).await, 200);
        assert_eq!(whoami(&other, tokens.access()).await, 200, "{db:?}: the replica remembers it now");
        assert_eq!(client.revoke(tokens.refresh()).await.status, 200);
        assert_eq!(whoami(&world.router, tokens.access()).await, 401, "{db:?}: here at once");
        whoami_becomes(&other, tokens.access(), 401).await;
    }
}

/// The command line of another process writes the same row.
#[tokio::test]
async fn a_revocation_that_only_the_database_tells_counts_within_five_seconds() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (_, tokens) = world.tokens().await;
        assert_eq!(whoami(&world.router, tokens.access()).await, 200);
        world.sql("UPDATE grants SET revoked_at = 1800000000, revoked_why = 'operator'").await;
        whoami_becomes(&world.router, tokens.access(), 401).await;
    }
}

/// A firewall that forgot its connections, or a server that was unplugged: nothing says so to jean.
#[tokio::test]
async fn a_revocation_counts_within_five_seconds_although_every_open_connection_is_dead() {
    let world = World::on(Db::Postgres, "").await;
    let url = world.database_url();
    let proxy = BlackHole::start(&url).await;
    let config = world.config.replace(&url, &proxy.url);
    let replica = world.start(&config).await.expect("a replica behind the proxy").service();
    let mut families = Vec::new();
    for _ in 0..4 {
        let (client, tokens) = world.tokens().await;
        assert_eq!(whoami(&replica, tokens.access()).await, 200, "the replica remembers it now");
        families.push((client, tokens));
    }
    // As many connections as there may be.
    let client = world.client().await;
    let query = client.authorization_url(&[]).replace(ORIGIN, "");
    let mut busy = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (replica, query) = (replica.clone(), query.clone());
        busy.spawn(async move { ask(&replica, &format!("GET {query}"), &[], "").await.status });
    }
    assert!(busy.join_all().await.iter().all(|status| *status == 200));

    let (_, last) = families.pop().expect("a family");
    for (client, tokens) in families {
        proxy.swallow();
        assert_eq!(client.revoke(tokens.refresh()).await.status, 200);
        whoami_becomes(&replica, tokens.access(), 401).await;
    }
    proxy.swallow();
    world.sql("UPDATE signing_keys SET revoked_at = 1800000000").await;
    whoami_becomes(&replica, last.access(), 401).await;
}

/// A row that is gone must never read as "not revoked".
#[tokio::test]
async fn a_token_whose_grant_is_gone_is_refused() {
    let world = World::new().await;
    let (_, tokens) = world.tokens().await;
    world.sql("DELETE FROM grants").await;
    assert_eq!(whoami(&world.router, tokens.access()).await, 401);
}

#[tokio::test]
async fn a_revoked_signing_key_kills_its_tokens_within_five_seconds() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (_, tokens) = world.tokens().await;
        assert_eq!(whoami(&world.router, tokens.access()).await, 200);
        world.sql("UPDATE signing_keys SET revoked_at = 1800000000").await;
        whoami_becomes(&world.router, tokens.access(), 401).await;
    }
}

/// A key that another replica made is read when the first token under it comes.
#[tokio::test]
async fn an_unknown_key_is_looked_up_once() {
    let world = World::new().await;
    let (_, old) = world.tokens().await;
    // The keys may be read once a second for a token, and the clock stands still.
    world.clock.advance(1);
    world.sql("UPDATE signing_keys SET revoked_at = 1800000001").await;
    let replica = world.replica().await.service();
    let (_, tokens) = tokens_of(ORIGIN, &replica, &[]).await;
    assert_ne!(kid(tokens.access()), kid(old.access()));
    assert_eq!(whoami(&world.router, tokens.access()).await, 200);
    assert_eq!(whoami(&world.router, old.access()).await, 401);
    let foreign = Forge::foreign("unknown").sign(&claims(tokens.access()));
    assert_eq!(whoami(&world.router, &foreign).await, 401);
}

/// Clients throw their tokens away at 401, so a database that is away must never look like one.
#[tokio::test]
async fn while_the_database_is_away_the_guard_goes_on_for_a_minute_and_then_says_503() {
    for db in BOTH {
        let world = World::on(db, "[guard]\nmax_staleness = \"60s\"\n").await;
        let (client, known) = world.tokens().await;
        let (_, unknown) = world.tokens().await;
        let (revoking, revoked) = world.tokens().await;
        assert_eq!(whoami(&world.router, known.access()).await, 200);
        assert_eq!(whoami(&world.router, revoked.access()).await, 200);
        assert_eq!(revoking.revoke(revoked.refresh()).await.status, 200);

        world.sql("ALTER TABLE grants RENAME TO elsewhere").await;
        assert_eq!(whoami(&world.router, known.access()).await, 200, "{db:?}: what it knows still counts");
        assert_eq!(whoami(&world.router, revoked.access()).await, 401, "{db:?}: and what it knows to be revoked");
        let page = client.whoami(unknown.access()).await;
        assert_eq!(page.status, 503, "{db:?}: {}", page.body);
        assert_eq!(text(&page, "retry-after"), "1");
        assert_eq!(text(&page, "www-authenticate"), "");
        world.clock.advance(60);
        assert_eq!(whoami(&world.router, known.access()).await, 200, "{db:?}: a minute");
        world.clock.advance(1);
        for token in [&known, &unknown, &revoked] {
            let page = client.whoami(token.access()).await;
            assert_eq!(page.status, 503, "{db:?}: {}", page.body);
            assert_eq!(json_of(&page)["error"], "temporarily_unavailable");
            assert_eq!(text(&page, "retry-after"), "1");
        }
        let page = ask(&world.router, "POST /mcp", &[], "").await;
        assert_eq!(page.status, 401, "{db:?}: no token is no token all the same");

        world.sql("ALTER TABLE elsewhere RENAME TO grants").await;
        assert_eq!(whoami(&world.router, known.access()).await, 200, "{db:?}: back at once");
        assert_eq!(whoami(&world.router, unknown.access()).await, 200);
        assert_eq!(whoami(&world.router, revoked.access()).await, 401);
    }
}

/// The scopes of the mount are judged on every call too: another configuration, the same token.
#[tokio::test]
async fn a_scope_that_becomes_required_is_asked_of_older_tokens() {
    let world = World::new().await;
    let (_, tokens) = world.tokens().await;
    let config = world.config.replace("required_scopes = [\"read\"]", "required_scopes = [\"read\", \"write\"]");
    let stricter = world.start(&config).await.expect("jean starts").service();
    let bearer = format!("Bearer {}", tokens.access());
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    let page = ask(&stricter, "POST /mcp", &[("authorization", &bearer)], &message).await;
    assert_eq!(page.status, 403);
    assert!(text(&page, "www-authenticate").ends_with("scope=\"read write\""), "{:?}", page.headers);
}
