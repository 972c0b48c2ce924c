//! Requests at once, on both databases, in one process and in two: whatever the order, the same holds afterwards.
//!
//! GHSA-7w99-5wm4-3g79 and GHSA-392p-2q2v-4372 (better-auth): a code redeemed twice and a refresh token forked by racing.

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::{Method, Request};
use jean_testing::client::{Client, Tokens};
use tokio::task::JoinSet;

use crate::support::tokens::{assert_alive, assert_dead, json_of, moved};
use crate::support::{BOTH, Db, ORIGIN, World, postgres};

const CROWD: usize = 50;

/// The same client at one jean, and at two on the same data.
async fn stands(world: &World, client: &Client) -> [Vec<Client>; 2] {
    let replica = world.replica().await;
    [vec![client.clone()], vec![client.clone(), moved(client, &replica)]]
}

/// Fifty requests at once, spread over the stands.
async fn crowd<F>(stands: &[Client], request: impl Fn(Client) -> F) -> Vec<Tokens>
where
    F: Future<Output = Tokens> + Send + 'static,
{
    let mut requests = JoinSet::new();
    for i in 0..CROWD {
        requests.spawn(request(stands[i % stands.len()].clone()));
    }
    requests.join_all().await
}

fn good(answers: &[Tokens]) -> Vec<&Tokens> {
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((answer.status.as_u16(), answer.error()), (400, "invalid_grant"), "{}", answer.json);
    }
    answers.iter().filter(|answer| answer.status == 200).collect()
}

async fn refresh_at_once(stands: &[Client], token: &str) -> Vec<Tokens> {
    crowd(stands, |client| {
        let token = token.to_owned();
        async move { client.refresh(&token, &[]).await }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_redemptions_of_one_code_at_once_one_wins_and_the_family_is_revoked() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client().await;
        for stands in stands(&world, &client).await {
            let code = world.code_for(&client, &[]).await;
            let answers = crowd(&stands, |client| {
                let code = code.clone();
                async move { client.redeem(&code, &[]).await }
            })
            .await;
            let good = good(&answers);
            assert_eq!(good.len(), 1, "{db:?}: {}", stands.len());
            assert_eq!(client.refresh(good[0].refresh(), &[]).await.error(), "invalid_grant", "{db:?}");
            assert_ne!(good[0].access(), "");
        }
        assert_eq!(world.database().await.number("SELECT COUNT(*) FROM grants WHERE revoked_at = 0").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_uses_of_one_refresh_token_at_once_are_one_rotation() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client().await;
        let mut tokens = world.tokens_for(&client, &[]).await;
        let mut database = world.database().await;
        for stands in stands(&world, &client).await {
            let before = database.generation().await;
            let answers = refresh_at_once(&stands, tokens.refresh()).await;
            let good = good(&answers);
            assert_eq!(good.len(), CROWD, "{db:?}: a lost answer is given again");
            let successors: BTreeSet<&str> = good.iter().map(|answer| answer.refresh()).collect();
            assert_eq!(successors.len(), 1, "{db:?}: no fork");
            assert_eq!(database.generation().await, before + 1, "{db:?}");
            tokens = assert_alive(&client, good[0]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_grace_one_of_fifty_uses_wins_and_the_family_is_revoked() {
    for db in BOTH {
        let world = World::on(db, "[tokens]\nrefresh_grace = \"0s\"\n").await;
        let client = world.client().await;
        for stands in stands(&world, &client).await {
            let tokens = world.tokens_for(&client, &[]).await;
            let answers = refresh_at_once(&stands, tokens.refresh()).await;
            let good = good(&answers);
            assert_eq!(good.len(), 1, "{db:?}");
            assert_eq!(client.refresh(good[0].refresh(), &[]).await.error(), "invalid_grant", "{db:?}");
        }
        assert_eq!(world.database().await.number("SELECT COUNT(*) FROM grants WHERE revoked_at = 0").await, 0);
    }
}

/// Whichever commits first: when both are answered, nothing of the family is good.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_that_races_a_revocation_leaves_no_live_token() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client().await;
        for stands in stands(&world, &client).await {
            let other = stands.last().expect("a client").clone();
            for round in 0..10 {
                let first = world.tokens_for(&client, &[]).await;
                let rotations = (0..4).map(|_| (other.clone(), first.refresh().to_owned()));
                let mut racing = JoinSet::new();
                for (client, token) in rotations {
                    racing.spawn(async move { client.refresh(&token, &[]).await });
                }
                if round % 2 == 0 {
                    tokio::task::yield_now().await;
                }
                assert_eq!(client.revoke(first.refresh()).await.status, 200, "{db:?}");
                let answers = racing.join_all().await;
                assert_dead(&client, &first).await;
                for tokens in good(&answers) {
                    assert_dead(&client, tokens).await;
                    assert_eq!(other.refresh(tokens.refresh(), &[]).await.error(), "invalid_grant", "{db:?}");
                    assert_eq!(other.whoami(tokens.access()).await.status, 401, "{db:?}, first seen there");
                }
            }
        }
    }
}

/// The same code while its family is being revoked by its own replay: no order leaves anything alive.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redemption_refresh_and_replay_at_once_leave_no_live_token() {
    for db in BOTH {
        let world = World::on(db, "").await;
        for _ in 0..5 {
            let (client, code) = world.code().await;
            let first = client.redeem(&code, &[]).await;
            let (replay, refreshed) = tokio::join!(client.redeem(&code, &[]), client.refresh(first.refresh(), &[]));
            assert_eq!(replay.error(), "invalid_grant");
            assert_dead(&client, &first).await;
            if refreshed.status == 200 {
                assert_dead(&client, &refreshed).await;
            }
        }
    }
}

/// Both migrate, there is one key for each purpose and one secret, and what one signs the other takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_starts_at_once_on_an_empty_database_agree() {
    let world = World::new().await;
    for db in BOTH {
        let folder = tempfile::tempdir().expect("a folder");
        let database = match db {
            Db::Sqlite => format!("sqlite://{}", folder.path().join("new/jean.db").display()),
            Db::Postgres => postgres().await,
        };
        let is_other =
            |line: &&str| !line.starts_with("database = ") && (db == Db::Postgres || !line.starts_with("secret = "));
        let rest: Vec<&str> = world.config.lines().filter(is_other).collect();
        let config = format!("database = \"{database}\"\n{}\n", rest.join("\n"));
        let (one, two, three) = tokio::join!(world.start(&config), world.start(&config), world.start(&config));
        let [one, two, three] = [one, two, three].map(|jean| jean.expect("jean starts"));
        let mut one_client = Client::new(ORIGIN, one.service());
        one_client.register().await;
        let jwks = Request::builder().method(Method::GET);
        let ours = json_of(&one_client.send("/oauth/jwks", jwks, String::new()).await);
        assert_eq!(ours["keys"].as_array().map(Vec::len), Some(2), "{db:?}: one for each purpose");

        let mut browser = jean_testing::browser::Browser::new(ORIGIN, one.service());
        let page = one_client.authorize(&mut browser, &[]).await;
        let tokens = one_client.redeem(&crate::support::code_of(&page), &[]).await;
        for other in [&two, &three] {
            let client = moved(&one_client, other);
            let jwks = Request::builder().method(Method::GET);
            assert_eq!(json_of(&client.send("/oauth/jwks", jwks, String::new()).await), ours, "{db:?}");
            assert_eq!(client.whoami(tokens.access()).await.status, 200, "{db:?}");
        }
        if db == Db::Sqlite {
            assert_one_secret(&folder.path().join("new"));
        }
    }
}

/// One secret beside the database, readable by its owner alone, and no draft of another.
fn assert_one_secret(folder: &Path) {
    let names = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let secrets: Vec<_> = names.filter(|name| name.to_string_lossy().contains("secret")).collect();
    assert_eq!(secrets, ["jean.secret"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.join("jean.secret")).expect("the secret").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
