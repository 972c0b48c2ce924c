//! What honest clients keep of their throughput beside 500 hang-ups a second, on both databases:
//!
//! ```sh
//! cargo bench --bench hang_up                    # this program
//! cargo bench --bench hang_up -- /path/to/jean   # another one
//! ```
//!
//! Phases of ten seconds without, with and without hang-ups. Prints for each the honest requests per second, the slowest
//! one, and the longest time until a revocation by another process took effect. Needs Linux, `taskset`, two cores and
//! PostgreSQL.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use support::running::{Person, Place, provider, this_build};
use support::shot::{Answer, Connection, Shot};
use support::{Db, durable, off_the_programs_core, pinned};
use tokio::task::JoinSet;
use tokio::time::Instant;

const HONEST: usize = 8;
const PHASE: Duration = Duration::from_secs(10);
const HANG_UPS_A_SECOND: u64 = 500;

#[derive(Default)]
struct Tally {
    honest: AtomicU64,
    slowest: AtomicU64,
    hung_up: AtomicU64,
    latest_revocation: AtomicU64,
    over: AtomicBool,
}

/// Where a phase takes place, and who is in it.
#[derive(Clone)]
struct Stage {
    program: SocketAddr,
    replica: SocketAddr,
    person: Person,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    off_the_programs_core();
    let binary = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let binary = binary.unwrap_or_else(|| this_build().to_owned());
    let cluster = durable();
    let issuer = provider().await;
    for db in [Db::Sqlite, Db::Postgres] {
        let database = match db {
            Db::Sqlite => None,
            Db::Postgres => Some(cluster.database("bench").await),
        };
        let place = Place::new(&issuer, database.as_deref());
        let program = place.start(&pinned(&binary));
        let replica = place.start_replica(&pinned(&binary));
        let person = Person::sign_in(&place).await;
        let stage = Stage { program: program.address, replica: replica.address, person };
        println!("\n{db:?}");
        let mut rates = Vec::new();
        for rude in [false, true, false] {
            let tally = phase(&stage, rude).await;
            let rate = tally.honest.load(Ordering::Relaxed) as f64 / PHASE.as_secs_f64();
            println!(
                "  {:>4} hang-ups/s: {rate:>6.0} honest requests/s, the slowest {:>5} ms, a revocation in effect after {:>5} ms at most",
                tally.hung_up.load(Ordering::Relaxed) / PHASE.as_secs(),
                tally.slowest.load(Ordering::Relaxed),
                tally.latest_revocation.load(Ordering::Relaxed),
            );
            rates.push(rate);
        }
        println!("  x {:.2} of the throughput without", rates[1] / ((rates[0] + rates[2]) / 2.0));
    }
}

async fn phase(stage: &Stage, rude: bool) -> Arc<Tally> {
    let person = &stage.person;
    let tally = Arc::new(Tally::default());
    let mut running = JoinSet::new();
    for _ in 0..HONEST {
        running.spawn(live_honestly(stage.clone(), tally.clone()));
    }
    running.spawn(revoke_elsewhere(stage.clone(), tally.clone()));
    if rude {
        let mut browser = person.browser.clone();
        let page = browser.get(&person.client.authorization_url(&[("prompt", "consent")])).await;
        let consent = Shot::press(&mut browser, &page, "allow");
        running.spawn(hang_up(stage.program, [consent, Shot::register()], tally.clone()));
    }
    tokio::time::sleep(PHASE).await;
    tally.over.store(true, Ordering::Relaxed);
    while let Some(one) = running.join_next().await {
        one.expect("every honest client is served");
    }
    tally
}

async fn send(connection: &mut Connection, shot: &Shot) -> Answer {
    connection.send(shot).await.expect("an answer")
}

async fn live_honestly(stage: Stage, tally: Arc<Tally>) {
    let person = &stage.person;
    let mut connection = Connection::open(stage.program).await.expect("jean listens");
    let mut token = person.tokens(&mut connection).await.expect("tokens").text("refresh_token");
    while !tally.over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let answer = send(&mut connection, &Shot::register()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        note(&tally, begun);
        let begun = Instant::now();
        let answer = send(&mut connection, &person.refresh(&token)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        token = answer.text("refresh_token");
        note(&tally, begun);
    }
}

fn note(tally: &Tally, begun: Instant) {
    tally.honest.fetch_add(1, Ordering::Relaxed);
    tally.slowest.fetch_max(begun.elapsed().as_millis() as u64, Ordering::Relaxed);
}

/// A revocation at the replica, over and over: how long until the loaded program refuses the token.
async fn revoke_elsewhere(stage: Stage, tally: Arc<Tally>) {
    let person = &stage.person;
    let mut here = Connection::open(stage.program).await.expect("jean listens");
    let there = Connection::open(stage.replica).await.expect("the replica listens");
    let mut there = there.named(&stage.program.to_string());
    while !tally.over.load(Ordering::Relaxed) {
        let tokens = person.tokens(&mut here).await.expect("tokens");
        let call = Shot::whoami(&tokens.text("access_token"));
        assert_eq!(send(&mut here, &call).await.status, 200);
        let revoke = Shot::revoke(&person.client, &tokens.text("refresh_token"));
        assert_eq!(send(&mut there, &revoke).await.status, 200);
        let begun = Instant::now();
        while send(&mut here, &call).await.status != 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tally.latest_revocation.fetch_max(begun.elapsed().as_millis() as u64, Ordering::Relaxed);
    }
}

/// Connects, sends, and resets the connection 0 to 8 ms later.
async fn hang_up(program: SocketAddr, requests: [Shot; 2], tally: Arc<Tally>) {
    let requests: Arc<[Shot]> = requests.into();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let mut running = JoinSet::new();
    let mut sent = 0;
    while !tally.over.load(Ordering::Relaxed) {
        ticks.tick().await;
        for _ in 0..HANG_UPS_A_SECOND / 100 {
            sent += 1;
            let (requests, tally) = (requests.clone(), tally.clone());
            running.spawn(async move {
                let Ok(connection) = Connection::open(program).await else { return };
                let after = Duration::from_millis(sent as u64 * 7 % 9);
                connection.hang_up(&requests[sent % requests.len()], after).await;
                tally.hung_up.fetch_add(1, Ordering::Relaxed);
            });
        }
        while running.try_join_next().is_some() {}
    }
}
