//! Requests that are over before their writes are: because the client is gone, or because of `limits.timeout`.
//!
//! What gives or spends something is left out if nobody waits for it when its turn comes; what ends, saves or records
//! something runs all the same. 503 means that nothing was spent.

use std::time::Duration;

use jean_testing::browser::Page;
use jean_testing::client::Client;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::hang_up::Way;
use crate::support::shot::Shot;
use crate::support::tokens::{Database, assert_alive, assert_error, json_of};
use crate::support::{BOTH, Db, World};

/// As many writes as PostgreSQL takes at once; SQLite takes one transaction.
const AT_ONCE: usize = 12;

/// Keeps every write waiting until the returned connection ends its transaction. Reads go on.
async fn keep_writes_waiting(world: &World, db: Db) -> (Database, Vec<JoinHandle<Page>>) {
    let (mut holder, mut observer) = (world.database().await, world.database().await);
    let client = world.client().await;
    match db {
        Db::Sqlite => holder.run("BEGIN IMMEDIATE").await,
        Db::Postgres => holder.run("BEGIN; LOCK TABLE clients IN SHARE MODE").await,
    }
    let register = || {
        let client = client.clone();
        tokio::spawn(async move { client.post_json("/oauth/register", &client.metadata()).await })
    };
    let waiting = (0..AT_ONCE).map(|_| register()).collect();
    match db {
        Db::Sqlite => tokio::time::sleep(Duration::from_millis(200)).await,
        Db::Postgres => {
            let blocked =
                "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
            while observer.number(blocked).await < AT_ONCE as i64 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    (holder, waiting)
}

async fn let_writes_go_on((mut holder, waiting): (Database, Vec<JoinHandle<Page>>)) {
    holder.run("COMMIT").await;
    for waiting in waiting {
        assert_eq!(waiting.await.expect("it ends").status, 201, "who waited is served");
    }
}

/// Hangs up only after the write has been asked for.
async fn hang_up_while_waiting(client: &Client, path: &'static str, fields: Vec<(&'static str, String)>) {
    let client = client.clone();
    let request = async move {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        client.post_form(path, &fields, &[]).await
    };
    let answer = tokio::time::timeout(Duration::from_millis(300), request).await;
    assert!(answer.is_err(), "{path} was answered: {answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gives_is_left_out_if_its_client_is_gone_and_what_ends_is_not() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        let (other, other_tokens) = world.tokens().await;
        let (third, code) = world.code().await;
        let blocked = keep_writes_waiting(&world, db).await;

        let named = json!({ "client_name": "Gone", "redirect_uris": [client.redirect_uri] });
        let register = client.post_json("/oauth/register", &named);
        assert!(tokio::time::timeout(Duration::from_millis(300), register).await.is_err(), "{db:?}: registered");
        let refresh = vec![("grant_type", "refresh_token".into()), ("refresh_token", tokens.refresh().into())];
        hang_up_while_waiting(&client, "/oauth/token", refresh).await;
        let redeem = vec![
            ("grant_type", "authorization_code".into()),
            ("code", code.clone()),
            ("code_verifier", third.verifier.clone()),
        ];
        hang_up_while_waiting(&third, "/oauth/token", redeem).await;
        hang_up_while_waiting(&other, "/oauth/revoke", vec![("token", other_tokens.refresh().into())]).await;
        let_writes_go_on(blocked).await;

        let mut database = world.database().await;
        let revoked = async {
            while database.number("SELECT COUNT(*) FROM grants WHERE revoked_at > 0").await == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), revoked).await.expect("the revocation runs without its client");
        assert_eq!(other.refresh(other_tokens.refresh(), &[]).await.error(), "invalid_grant", "{db:?}");
        let gone = "SELECT COUNT(*) FROM clients WHERE metadata LIKE '%Gone%'";
        assert_eq!(database.number(gone).await, 0, "{db:?}: nobody was told of this registration");
        let rotated = "SELECT COUNT(*) FROM grants WHERE rt_gen > 1";
        assert_eq!(database.number(rotated).await, 0, "{db:?}: nobody was told of this refresh token");
        assert_alive(&client, &tokens).await;
        assert_eq!(third.redeem(&code, &[]).await.status, 200, "{db:?}: the code was not spent");
    }
}

/// 503 says "come again with the same token": it must not have been spent a moment later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_time_is_up_spends_nothing_afterwards() {
    for db in BOTH {
        let world = World::on(db, "[limits]\ntimeout = \"1s\"\n").await;
        let (client, tokens) = world.tokens().await;
        let (holder, waiting) = keep_writes_waiting(&world, db).await;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
        let page = client.post_form("/oauth/token", &fields, &[]).await;
        assert_error(&page, axum::http::StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
        let mut database = world.database().await;
        match db {
            // None of them had begun, so their time was up as well.
            Db::Sqlite => {
                let mut holder = holder;
                holder.run("COMMIT").await;
                for waiting in waiting {
                    assert_eq!(waiting.await.expect("it ends").status, 503);
                }
            }
            Db::Postgres => let_writes_go_on((holder, waiting)).await,
        }
        // Whatever was left in the queue would have come to its turn by now.
        assert_eq!(client.post_json("/oauth/register", &client.metadata()).await.status, 201);
        assert_eq!(database.generation().await, 1, "{db:?}");
        let registered = if db == Db::Sqlite { 3 } else { 3 + AT_ONCE as i64 };
        assert_eq!(database.number("SELECT COUNT(*) FROM clients").await, registered, "{db:?}");
        assert_alive(&client, &tokens).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_write_has_begun_waits_for_the_outcome_beyond_its_time() {
    for db in BOTH {
        let world = World::on(db, "[limits]\ntimeout = \"1s\"\n").await;
        let (client, tokens) = world.tokens().await;
        let slow = match db {
            Db::Sqlite => {
                "CREATE TABLE n (i BIGINT);\n\
                 INSERT INTO n WITH RECURSIVE up(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM up LIMIT 400) SELECT i FROM up;\n\
                 CREATE TRIGGER slow AFTER UPDATE ON grants BEGIN \
                 SELECT COUNT(*) FROM n a, n b, n c WHERE a.i + b.i + c.i < 0; END"
            }
            Db::Postgres => {
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$;\n\
                 CREATE TRIGGER slow BEFORE UPDATE ON grants FOR EACH ROW EXECUTE FUNCTION slow()"
            }
        };
        world.database().await.run(slow).await;
        let next = client.refresh(tokens.refresh(), &[]).await;
        assert_eq!(next.status, 200, "{db:?}: {}", next.json);
        let on = if db == Db::Postgres { " ON grants" } else { "" };
        world.database().await.run(format!("DROP TRIGGER slow{on}")).await;
        assert_eq!(world.database().await.generation().await, 2, "{db:?}");
        assert_alive(&client, &next).await;
    }
}

/// Between the commit of a revocation and the next look at the database the guard must know, though nobody waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guard_learns_of_a_revocation_whose_client_is_gone() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let way = Way::Router(world.router.clone());
        let mut database = world.database().await;
        let mut seen = 0;
        for moment in 0..40 {
            let (client, tokens) = world.tokens().await;
            assert_eq!(client.whoami(tokens.access()).await.status, 200);
            way.hang_up(&Shot::revoke(&client, tokens.refresh()), moment % 8).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
            let revoked = database.number("SELECT COUNT(*) FROM grants WHERE revoked_at > 0").await;
            if revoked > seen {
                seen = revoked;
                assert_eq!(client.whoami(tokens.access()).await.status, 401, "{db:?}: revoked, and let through");
            }
        }
        assert!(seen > 5, "{db:?}: {seen} of 40 came to their revocation");
    }
}

/// RFC 7592 section 2.3: a deletion revokes, deletes, and revokes once more. Half of that would be a client without
/// tokens that is still registered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_runs_to_its_end_without_its_client() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let mut client = world.stranger();
        let registered = client.register().await;
        let token = registered["registration_access_token"].as_str().expect("a token");
        let code = world.code_for(&client, &[]).await;
        assert_eq!(client.redeem(&code, &[]).await.status, 200);
        let blocked = keep_writes_waiting(&world, db).await;
        let deletion = Way::Router(world.router.clone());
        let shot = Shot::manage("DELETE", &client.id, token);
        let hung_up = tokio::time::timeout(Duration::from_millis(300), deletion.send(&shot)).await;
        assert!(hung_up.is_err(), "{db:?}: answered: {hung_up:?}");
        let_writes_go_on(blocked).await;
        let id = client.id.clone();
        let mut database = world.database().await;
        let gone = async {
            while database.number(&format!("SELECT COUNT(*) FROM clients WHERE id = '{id}'")).await > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("the client is deleted");
        assert_eq!(database.number("SELECT COUNT(*) FROM grants WHERE revoked_at = 0").await, 0, "{db:?}");
        assert_eq!(
            json_of(&client.post_form("/oauth/revoke", &[("token", "x")], &[]).await)["error"],
            "invalid_client"
        );
    }
}
