//! What was answered is there, whatever other clients do: hang up in the middle, at every endpoint that writes, on both
//! databases, in one process and in two.
//!
//! sqlx#4393: a future that is dropped between BEGIN and what follows leaves its pooled connection in a transaction, and
//! what is written on that connection next is answered and never committed.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::hang_up::{Dice, Ledger, Way, live_honestly, live_rudely};
use crate::support::{BOTH, Db, World};

/// How many of each kind.
const HONEST: usize = 4;
const RUDE: usize = 6;

/// How often they begin again at most, if there was too little of either.
const ROUNDS: usize = 6;

/// Seconds on each database. By hand: JEAN_TEST_HANG_UP=600 cargo test --test it hang_up
fn length() -> Duration {
    let seconds = std::env::var("JEAN_TEST_HANG_UP").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(10))
}

/// Runs both kinds side by side, then looks up every answer through the same jean and through another one on the same data.
async fn run(db: Db, over: impl AsyncFn(&World) -> Way) {
    let world: &'static World = Box::leak(Box::new(World::on(db, "").await));
    let way = over(world).await;
    let (mut ledger, mut hung_up) = (Ledger::default(), 0);
    // On a machine that has other work to do, until there was enough of both.
    for round in 0..ROUNDS {
        let until = Instant::now() + length();
        let (mut honest, mut rude) = (JoinSet::new(), JoinSet::new());
        for _ in 0..HONEST {
            let way = way.clone();
            honest.spawn(async move { live_honestly(world, &way, until).await });
        }
        for i in 0..RUDE {
            let (way, seed) = (way.clone(), round * RUDE + i);
            rude.spawn(async move { live_rudely(world, &way, until, &Dice::new(seed as u64)).await });
        }
        while let Some(one) = honest.join_next().await {
            ledger.extend(one.expect("every honest client is served"));
        }
        while let Some(one) = rude.join_next().await {
            hung_up += one.expect("what was hung up can be asked again");
        }
        if ledger.len() > 20 && hung_up > 200 {
            break;
        }
    }
    eprintln!("{db:?}: {} answers beside {hung_up} hang-ups", ledger.len());
    assert!(ledger.len() > 20 && hung_up > 200, "{db:?}: too few: {} and {hung_up}", ledger.len());
    let replica = world.replica().await;
    let missing = ledger.missing(&[way, Way::Router(replica.service())]).await;
    assert!(missing.is_empty(), "{db:?}: {} of {}:\n{}", missing.len(), ledger.len(), missing.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_answered_is_there_whoever_drops_a_request() {
    for db in BOTH {
        run(db, async |world| Way::Router(world.router.clone())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_answered_is_there_whoever_resets_a_connection() {
    for db in BOTH {
        run(db, async |world| {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("its address");
            let router = world.router.clone();
            tokio::spawn(async move { axum::serve(listener, router).await });
            Way::Socket(address)
        })
        .await;
    }
}
