//! CPU and throughput of the operations that write, on both databases, for one program or for several in turn:
//!
//! ```sh
//! cargo bench --bench operations                                      # this program
//! cargo bench --bench operations -- old=/path/to/jean new=/path/to/jean
//! ```
//!
//! With several, the first one runs twice in each round: its spread against itself is the measure for every other
//! difference. Rounds alternate the programs; figures are medians of 10 rounds, and only ratios of one run mean anything.
//! Needs Linux, `taskset`, two cores and PostgreSQL.

mod support;

use std::time::Duration;

use support::running::{EVERYTHING, Person, Place, Program, provider, this_build};
use support::shot::{Connection, Shot};
use support::{Db, cpu, durable, off_the_programs_core, pinned};
use tokio::task::JoinSet;
use tokio::time::Instant;

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 10;
const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_millis(1500);

#[derive(Clone, Copy, Debug)]
enum Operation {
    Register,
    Refresh,
    /// The same with `openid` among the scopes of the grant, as most clients have it.
    RefreshWithOpenid,
    CodeFlow,
}

impl Operation {
    /// With `openid` first: each code that is given replaces the remembered consent by what it is for.
    const ALL: [Operation; 4] =
        [Operation::Register, Operation::RefreshWithOpenid, Operation::Refresh, Operation::CodeFlow];

    fn scope(self) -> &'static str {
        if matches!(self, Operation::RefreshWithOpenid) { EVERYTHING } else { "read" }
    }
}

/// Operations a second, and microseconds of CPU for each.
#[derive(Clone, Copy, Debug)]
struct Figures {
    rate: f64,
    cpu: f64,
}

struct Target {
    name: String,
    program: Program,
    person: Person,
    _place: Place,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    off_the_programs_core();
    let named = std::env::args().skip(1).filter_map(|argument| {
        let (name, path) = argument.split_once('=')?;
        Some((name.to_owned(), path.to_owned()))
    });
    let mut binaries: Vec<(String, String)> = named.collect();
    if binaries.is_empty() {
        binaries.push(("jean".into(), this_build().into()));
    }
    if binaries.len() > 1 {
        let (name, path) = binaries[0].clone();
        binaries.insert(1, (format!("{name} again"), path));
    }
    let cluster = durable();
    let issuer = provider().await;
    for db in [Db::Sqlite, Db::Postgres] {
        let mut targets = Vec::new();
        for (i, (name, binary)) in binaries.iter().enumerate() {
            let database = match db {
                Db::Sqlite => None,
                Db::Postgres => Some(cluster.database(&format!("bench{i}")).await),
            };
            let place = Place::new(&issuer, database.as_deref());
            let program = place.start(&pinned(binary));
            let person = Person::sign_in(&place).await;
            targets.push(Target { name: name.clone(), program, person, _place: place });
        }
        for operation in Operation::ALL {
            let mut figures = vec![Vec::new(); targets.len()];
            for round in 0..ROUNDS {
                for i in 0..targets.len() {
                    let i = (i + round) % targets.len();
                    figures[i].push(measure(&targets[i], operation).await);
                }
            }
            println!("\n{db:?}, {operation:?}");
            let first = median(&figures[0], |one| one.cpu);
            for (target, figures) in targets.iter().zip(&figures) {
                let (rate, cpu) = (median(figures, |one| one.rate), median(figures, |one| one.cpu));
                let (least, most) = spread(figures, |one| one.cpu);
                println!(
                    "  {:<12} {rate:>7.0}/s  {cpu:>6.0} us CPU ({least:.0} to {most:.0})  x {:.3} CPU",
                    target.name,
                    cpu / first
                );
            }
        }
    }
}

async fn measure(target: &Target, operation: Operation) -> Figures {
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::open(target.program.address).await.expect("jean listens");
        let person = target.person.clone();
        running.spawn(async move {
            let register = Shot::register();
            let mut times = Vec::new();
            let mut token = String::new();
            while begun.elapsed() < WARM_UP + MEASURED {
                match operation {
                    Operation::Register => {
                        let answer = connection.send(&register).await.expect("an answer");
                        assert_eq!(answer.status, 201, "{}", answer.body);
                    }
                    Operation::Refresh | Operation::RefreshWithOpenid if !token.is_empty() => {
                        let answer = connection.send(&person.refresh(&token)).await.expect("an answer");
                        assert_eq!(answer.status, 200, "{}", answer.body);
                        token = answer.text("refresh_token");
                    }
                    _ => {
                        let tokens = person.tokens_for(&mut connection, operation.scope()).await;
                        token = tokens.expect("tokens").text("refresh_token");
                    }
                }
                times.push(begun.elapsed());
            }
            times
        });
    }
    tokio::time::sleep(WARM_UP.saturating_sub(begun.elapsed())).await;
    let (from, used) = (begun.elapsed(), cpu(&target.program));
    tokio::time::sleep((WARM_UP + MEASURED).saturating_sub(begun.elapsed())).await;
    let (to, used) = (begun.elapsed(), cpu(&target.program).saturating_sub(used));
    let mut done = 0;
    while let Some(times) = running.join_next().await {
        done += times.expect("no error").into_iter().filter(|time| *time >= from && *time < to).count();
    }
    Figures { rate: done as f64 / (to - from).as_secs_f64(), cpu: used.as_micros() as f64 / done as f64 }
}

fn median(figures: &[Figures], of: fn(&Figures) -> f64) -> f64 {
    let mut all: Vec<f64> = figures.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0
}

fn spread(figures: &[Figures], of: fn(&Figures) -> f64) -> (f64, f64) {
    let all = figures.iter().map(of);
    (all.clone().fold(f64::MAX, f64::min), all.fold(0.0, f64::max))
}
