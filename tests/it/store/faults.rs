//! What a request is told when the database does not do what was asked.
//!
//! CVE-2020-15223, fosite: a storage error was swallowed. Nothing is answered with success before it is committed, and
//! whatever the database cannot do is 503: the client keeps its tokens and comes again.

use axum::http::StatusCode;
use jean_testing::browser::Page;
use jean_testing::client::Client;
use serde_json::json;

use crate::support::tokens::{assert_alive, assert_dead, assert_error, json_of};
use crate::support::{BOTH, Db, World};

const DOWN: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

async fn redeem(client: &Client, code: &str) -> Page {
    let fields = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", &client.verifier)];
    client.post_form("/oauth/token", &fields, &[]).await
}

async fn refresh(client: &Client, token: &str) -> Page {
    client.post_form("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", token)], &[]).await
}

/// Lets every statement on `clients` and `grants` succeed and every commit of one fail, by constraints that are looked at
/// only then.
async fn break_commits(world: &World, db: Db) {
    let mut sql = match db {
        Db::Sqlite => "CREATE TABLE nowhere (id TEXT PRIMARY KEY);\n\
             CREATE TABLE doomed (id TEXT REFERENCES nowhere (id) DEFERRABLE INITIALLY DEFERRED);\n"
            .to_owned(),
        Db::Postgres => "CREATE FUNCTION doom() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$;\n"
            .to_owned(),
    };
    for (table, event) in [("clients", "INSERT"), ("grants", "UPDATE")] {
        sql += &match db {
            Db::Sqlite => format!(
                "CREATE TRIGGER doom_{table} AFTER {event} ON {table} BEGIN INSERT INTO doomed VALUES ('x'); END;\n"
            ),
            Db::Postgres => format!(
                "CREATE CONSTRAINT TRIGGER doom_{table} AFTER {event} ON {table} DEFERRABLE INITIALLY DEFERRED \
                 FOR EACH ROW EXECUTE FUNCTION doom();\n"
            ),
        };
    }
    world.database().await.run(sql).await;
}

async fn mend_commits(world: &World, db: Db) {
    for table in ["clients", "grants"] {
        let on = if db == Db::Postgres { format!(" ON {table}") } else { String::new() };
        world.database().await.run(format!("DROP TRIGGER doom_{table}{on}")).await;
    }
}

#[tokio::test]
async fn a_write_whose_commit_fails_is_never_answered_with_success() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        let code = world.code_for(&client, &[]).await;
        break_commits(&world, db).await;
        for _ in 0..2 {
            assert_error(
                &client.post_json("/oauth/register", &client.metadata()).await,
                DOWN,
                "temporarily_unavailable",
            );
            assert_error(&redeem(&client, &code).await, DOWN, "temporarily_unavailable");
            assert_error(&refresh(&client, tokens.refresh()).await, DOWN, "temporarily_unavailable");
            assert_error(&client.revoke(tokens.refresh()).await, DOWN, "temporarily_unavailable");
        }
        assert_eq!(client.whoami(tokens.access()).await.status, 200, "{db:?}: what was not revoked is not revoked");
        mend_commits(&world, db).await;

        let mut database = world.database().await;
        assert_eq!(database.number("SELECT COUNT(*) FROM clients").await, 1, "{db:?}");
        assert_eq!(client.post_json("/oauth/register", &client.metadata()).await.status, 201, "{db:?}");
        let redeemed = redeem(&client, &code).await;
        assert_eq!(redeemed.status, 200, "{db:?}: the code was not spent: {}", redeemed.body);
        let tokens = assert_alive(&client, &tokens).await;
        assert_eq!(client.revoke(tokens.refresh()).await.status, 200);
        assert_dead(&client, &tokens).await;
    }
}

/// A write that fails alone fails nobody else's: the crowd shares one commit on SQLite.
#[tokio::test]
async fn a_constraint_fails_its_own_request_only() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, _) = world.tokens().await;
        // A second registration of the same words breaks a constraint that the test adds.
        let same = client.metadata();
        world.database().await.run("CREATE UNIQUE INDEX picky ON clients (metadata)").await;
        let named = |name: &str| json!({ "client_name": name, "redirect_uris": [client.redirect_uri] });
        let (one, other) = (named("One"), named("Other"));
        let answers = tokio::join!(
            client.post_json("/oauth/register", &one),
            client.post_json("/oauth/register", &same),
            client.post_json("/oauth/register", &other),
        );
        assert_error(&answers.1, DOWN, "temporarily_unavailable");
        assert_eq!((answers.0.status.as_u16(), answers.2.status.as_u16()), (201, 201), "{db:?}");
    }
}

/// Never 500, which clients take for good, never 401, at which they throw their tokens away, and never 200.
#[tokio::test]
async fn a_database_that_fails_is_503_and_costs_nothing() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        let unseen = client.refresh(tokens.refresh(), &[]).await;
        let code = world.code_for(&client, &[]).await;
        assert_eq!(client.whoami(tokens.access()).await.status, 200);
        let mut database = world.database().await;

        database.run("ALTER TABLE grants RENAME TO elsewhere").await;
        assert_error(&redeem(&client, &code).await, DOWN, "temporarily_unavailable");
        assert_error(&refresh(&client, unseen.refresh()).await, DOWN, "temporarily_unavailable");
        assert_error(&client.revoke(unseen.refresh()).await, DOWN, "temporarily_unavailable");
        assert_error(&client.revoke(unseen.access()).await, DOWN, "temporarily_unavailable");
        assert_error(&client.whoami(unseen.access()).await, DOWN, "temporarily_unavailable");
        assert_eq!(client.whoami(tokens.access()).await.status, 200, "{db:?}: the guard goes on with what it knows");
        database.run("ALTER TABLE elsewhere RENAME TO grants").await;

        database.run("ALTER TABLE clients RENAME TO elsewhere").await;
        assert_error(&client.post_json("/oauth/register", &client.metadata()).await, DOWN, "temporarily_unavailable");
        assert_error(&redeem(&client, &code).await, DOWN, "temporarily_unavailable");
        assert_error(&refresh(&client, unseen.refresh()).await, DOWN, "temporarily_unavailable");
        assert_error(&client.revoke(unseen.refresh()).await, DOWN, "temporarily_unavailable");
        database.run("ALTER TABLE elsewhere RENAME TO clients").await;

        assert_eq!(redeem(&client, &code).await.status, 200, "{db:?}");
        let tokens = assert_alive(&client, &unseen).await;
        assert_eq!(client.revoke(tokens.refresh()).await.status, 200, "{db:?}");
        assert_dead(&client, &tokens).await;
    }
}

/// A request that takes too long is told so in the same words, and what it began can be asked for again.
#[tokio::test]
async fn a_database_that_hangs_is_503_in_time() {
    for db in BOTH {
        let world = World::on(db, "[limits]\ntimeout = \"1s\"\n").await;
        let (client, tokens) = world.tokens().await;
        let mut database = world.database().await;
        match db {
            Db::Sqlite => database.run("BEGIN IMMEDIATE").await,
            Db::Postgres => database.run("BEGIN; LOCK TABLE grants").await,
        }
        assert_error(&refresh(&client, tokens.refresh()).await, DOWN, "temporarily_unavailable");
        database.run("ROLLBACK").await;
        let page = refresh(&client, tokens.refresh()).await;
        assert_eq!(page.status, 200, "{db:?}: {}", page.body);
        let next = json_of(&page)["refresh_token"].as_str().expect("a refresh token").to_owned();
        assert_eq!(refresh(&client, &next).await.status, 200, "{db:?}");
    }
}

/// An application that closes jean and goes on may drop the database.
#[tokio::test]
async fn a_closed_jean_has_no_connection_left_and_opens_none() {
    let world = World::on(Db::Postgres, "").await;
    world.tokens().await;
    let mut database = world.database().await;
    let others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                  AND backend_type = 'client backend'";
    assert!(database.number(others).await > 0);
    world.jean.close().await;
    let mut left = Vec::new();
    // Longer than it takes to read the revocations once more.
    for _ in 0..6 {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        left.push(database.number(others).await);
    }
    assert_eq!(left[1..], [0; 5], "{left:?}");
}
