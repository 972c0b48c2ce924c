//! The signing keys' life: published before they sign, kept until what they signed is dead, sealed by the root secret.

use axum::Router;
use jean::Jean;
use serde_json::Value;

use crate::support::forge::kid;
use crate::support::wire::{get_json, tokens_of, whoami};
use crate::support::{BOTH, Db, ORIGIN, SECRET, World};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The ids of the published keys of one algorithm.
async fn published_of(router: &Router, alg: &str) -> Vec<String> {
    let jwks = get_json(router, "/oauth/jwks").await;
    let keys = jwks["keys"].as_array().expect("keys").iter().filter(|key| key["alg"] == alg);
    keys.map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

/// The ids of the published keys of access tokens, where those are signed as by default.
async fn published(router: &Router) -> Vec<String> {
    published_of(router, "ES256").await
}

/// The key that signs now, and a token of it.
async fn signer(router: &Router) -> (String, String) {
    let (_, tokens) = tokens_of(ORIGIN, router, &[]).await;
    (kid(tokens.access()), tokens.access().to_owned())
}

/// A jean that has just looked at its keys' age.
async fn fresh(world: &World) -> Router {
    world.replica().await.service()
}

fn refusal(started: Result<Jean, jean::Error>) -> String {
    started.expect_err("jean does not start").to_string()
}

#[tokio::test]
async fn a_successor_is_published_a_day_before_it_signs_and_the_old_key_stays_until_its_tokens_are_dead() {
    for db in BOTH {
        let world = World::on(db, "[tokens]\nkey_rotation = \"30d\"\naccess_lifetime = \"1h\"\n").await;
        let (first, _) = signer(&world.router).await;
        world.clock.advance(29 * DAY - 1);
        assert_eq!(published(&fresh(&world).await).await, [first.as_str()], "{db:?}: too young");

        world.clock.advance(1);
        let router = fresh(&world).await;
        let both = published(&router).await;
        assert_eq!(both.len(), 2, "{db:?}: published");
        assert_eq!(signer(&router).await.0, first, "{db:?}: and not in use yet");
        assert_eq!(published(&fresh(&world).await).await, both, "{db:?}: no third key is made meanwhile");

        world.clock.advance(DAY - 1);
        let (last_of_first, token) = signer(&router).await;
        assert_eq!(last_of_first, first);
        world.clock.advance(1);
        let second = signer(&router).await.0;
        assert!(second != first && both.contains(&second), "{db:?}: its time has come");
        world.clock.advance(HOUR - 2);
        assert_eq!(whoami(&router, &token).await, 200, "{db:?}: what the first signed lives out its time");
        world.clock.advance(601);
        assert_eq!(published(&router).await.len(), 2);
        world.clock.advance(2);
        assert_eq!(published(&router).await, [second], "{db:?}: nothing of the first can be alive");
    }
}

/// Whoever was promised a day has it, though the next start promises ten minutes only.
#[tokio::test]
async fn a_shorter_lifetime_unpublishes_no_key_whose_tokens_still_live() {
    for db in BOTH {
        let world = World::on(db, "[tokens]\nkey_rotation = \"30d\"\naccess_lifetime = \"1d\"\n").await;
        world.clock.advance(29 * DAY);
        let router = fresh(&world).await;
        world.clock.advance(DAY - 1);
        let (first, token) = signer(&router).await;
        let config = world.config.replace("access_lifetime = \"1d\"", "access_lifetime = \"10m\"");
        let shorter = world.start(&config).await.expect("jean starts").service();
        world.clock.advance(2 * HOUR);
        assert_ne!(signer(&shorter).await.0, first, "{db:?}: its successor signs");
        assert!(published(&shorter).await.contains(&first), "{db:?}");
        assert_eq!(whoami(&shorter, &token).await, 200, "{db:?}: it lives for a day");
        let again = world.start(&config).await.expect("jean starts").service();
        assert_eq!(whoami(&again, &token).await, 200, "{db:?}: after another start too");
        world.clock.advance(2 * DAY);
        let later = world.start(&config).await.expect("jean starts").service();
        assert!(!published(&later).await.contains(&first), "{db:?}: nothing of the first can be alive");
    }
}

/// Readers of the JWKS know the new key before anything is signed with it, whatever its algorithm.
#[tokio::test]
async fn another_algorithm_signs_only_when_its_key_has_been_published_for_a_day() {
    let world = World::new().await;
    let (first, _) = signer(&world.router).await;
    let config = format!("{}\n[tokens]\nalgorithm = \"EdDSA\"\n", world.config);
    let router = world.start(&config).await.expect("jean starts").service();
    let jwks = get_json(&router, "/oauth/jwks").await;
    let algorithms: Vec<&Value> = jwks["keys"].as_array().expect("keys").iter().map(|key| &key["alg"]).collect();
    assert_eq!(algorithms, ["ES256", "EdDSA", "RS256"]);
    assert_eq!(signer(&router).await.0, first);
    world.clock.advance(DAY - 1);
    assert_eq!(signer(&router).await.0, first);
    world.clock.advance(1);
    let (second, token) = signer(&router).await;
    assert_ne!(second, first);
    assert_eq!(whoami(&router, &token).await, 200);
}

#[tokio::test]
async fn every_algorithm_signs_what_the_guard_accepts() {
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let world = World::with(&format!("[tokens]\nalgorithm = \"{algorithm}\"\n")).await;
        let (_, token) = signer(&world.router).await;
        assert_eq!(whoami(&world.router, &token).await, 200, "{algorithm}");
        let jwks = get_json(&world.router, "/oauth/jwks").await;
        assert_eq!(jwks["keys"][0]["alg"], algorithm);
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(jwks["keys"][0].get(private).is_none(), "{algorithm}: {private} is private");
        }
    }
}

#[tokio::test]
async fn a_restart_keeps_keys_and_tokens() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (_, token) = signer(&world.router).await;
        let before = get_json(&world.router, "/oauth/jwks").await;
        world.jean.close().await;
        let router = fresh(&world).await;
        assert_eq!(get_json(&router, "/oauth/jwks").await, before);
        assert_eq!(whoami(&router, &token).await, 200);
    }
}

/// Processes that start at once on a new database make one key for each purpose.
#[tokio::test]
async fn replicas_that_start_at_once_agree_on_one_key() {
    for db in BOTH {
        let world = World::on(db, "").await;
        world.sql("DELETE FROM signing_keys").await;
        let start = || world.start(&world.config);
        let (a, b, c) = tokio::join!(start(), start(), start());
        let routers = [a, b, c].map(|jean| jean.expect("jean starts").service());
        let mut keys = Vec::new();
        for router in &routers {
            keys.push((published(router).await, signer(router).await.0));
        }
        assert!(
            keys.iter().all(|(published, signer)| published == &keys[0].0 && published == std::slice::from_ref(signer)),
            "{db:?}: {keys:?}"
        );
        for router in &routers {
            let id = published_of(router, "RS256").await;
            assert_eq!((id.len(), &id), (1, &published_of(&routers[0], "RS256").await), "{db:?}");
        }
    }
}

/// <https://github.com/advisories/GHSA-g53w-w6mj-hrpp>: nothing starts with a secret that is not its own.
#[tokio::test]
async fn another_root_secret_does_not_start() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (_, token) = signer(&world.router).await;
        let other = "t".repeat(32);
        let told = refusal(world.start(&world.config.replace(SECRET, &other)).await);
        assert!(told.contains("the root secret is not the one that this database was sealed with"), "{db:?}: {told}");
        assert!(told.contains("secret_file") && told.contains("JEAN_SECRET"), "{db:?}: what to do: {told}");
        assert!(!told.contains(&other), "{db:?}: the secret itself is not told");

        let both = world.config.replace(SECRET, &format!("{other},{SECRET}"));
        let router = world.start(&both).await.expect("the old one is among them").service();
        assert_eq!(whoami(&router, &token).await, 200, "{db:?}");
        assert_eq!(signer(&router).await.0, kid(&token), "{db:?}: and the keys are kept");
    }
}

#[tokio::test]
async fn postgresql_without_a_root_secret_is_a_problem_of_the_configuration() {
    let world = World::on(Db::Postgres, "").await;
    let without = world.config.replace(&format!("secret = \"{SECRET}\"\n"), "");
    let error = world.start(&without).await.expect_err("jean does not start");
    assert!(matches!(error, jean::Error::Config(_)), "{error:?}");
    let told = error.to_string();
    assert!(told.contains("secret: is missing, and PostgreSQL needs one"), "{told}");
    assert_eq!(told.split("secret = \"").nth(1).map(str::len), Some(44), "a fresh one to paste: {told}");
}

/// The private half is nowhere in the database as it is.
#[tokio::test]
async fn the_database_alone_signs_nothing() {
    let world = World::new().await;
    let row = world.row("SELECT sealed, public_jwk FROM signing_keys").await;
    assert_eq!(row[0].split('.').count(), 3, "key name, nonce, sealed");
    let public: Value = serde_json::from_str(&row[1]).expect("JSON");
    assert!(public.get("d").is_none());
    let moved = "UPDATE signing_keys SET slot = 7";
    world.sql(moved).await;
    let told = refusal(world.start(&world.config).await);
    assert!(told.contains("root secret"), "a sealed key opens in its own row only: {told}");
}
