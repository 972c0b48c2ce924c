//! Nothing that was acknowledged is lost: the program is killed under load, and PostgreSQL restarts underneath it.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::cluster::Cluster;
use crate::support::running::{Person, Place, Program, provider, this_build};
use crate::support::shot::{Connection, Shot};

/// What one client was answered.
struct Acknowledged {
    registered: Vec<(String, String)>,
    revoked: Vec<String>,
    /// The last refresh token; a request whose answer was lost may have replaced it, which the grace makes good.
    refresh: String,
    /// How often it was told to come again.
    refused: usize,
    person: Person,
}

impl Acknowledged {
    async fn begin(person: Person, place: &Place) -> Self {
        let mut connection = Connection::open(place.address).await.expect("jean listens");
        let refresh = person.tokens(&mut connection).await.expect("tokens").text("refresh_token");
        Acknowledged { registered: Vec::new(), revoked: Vec::new(), refresh, refused: 0, person }
    }

    /// Registers, refreshes and revokes until the connection breaks or it is `until`. A refusal acknowledges nothing.
    async fn live(mut self, place: &Place, until: Instant) -> Self {
        while let Ok(mut connection) = Connection::open(place.address).await {
            while Instant::now() < until {
                let Ok(()) = self.step(&mut connection).await else { break };
            }
            if Instant::now() >= until {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self
    }

    async fn step(&mut self, connection: &mut Connection) -> std::io::Result<()> {
        let answer = connection.send(&Shot::register()).await?;
        if answer.status == 201 {
            self.registered.push((answer.text("client_id"), answer.text("registration_access_token")));
        } else {
            assert_eq!(answer.status, 503, "{answer:?}");
            self.refused += 1;
        }
        let answer = connection.send(&self.person.refresh(&self.refresh)).await?;
        if answer.status == 200 {
            self.refresh = answer.text("refresh_token");
        } else {
            assert_eq!(answer.status, 503, "{answer:?}");
            self.refused += 1;
        }
        if self.registered.len() % 4 == 3 {
            let Some(other) = self.person.tokens(connection).await.map(|answer| answer.text("refresh_token")) else {
                self.refused += 1;
                return Ok(());
            };
            let answer = connection.send(&Shot::revoke(&self.person.client, &other)).await?;
            if answer.status == 200 {
                self.revoked.push(other);
            }
        }
        Ok(())
    }

    /// Looks everything up.
    async fn look_up(&mut self, program: &Program) -> usize {
        let connection = Connection::open(program.address).await.expect("jean listens");
        let mut connection = connection.named(self.person.client.issuer.trim_start_matches("http://"));
        for (id, token) in &self.registered {
            let answer = connection.send(&Shot::manage("GET", id, token)).await.expect("an answer");
            assert_eq!(answer.status, 200, "a registration is lost: {answer:?}");
        }
        for token in &self.revoked {
            let answer = connection.send(&self.person.refresh(token)).await.expect("an answer");
            assert_eq!(answer.status, 400, "a revocation is lost: {answer:?}");
        }
        let answer = connection.send(&self.person.refresh(&self.refresh)).await.expect("an answer");
        assert_eq!(answer.status, 200, "a rotation is lost: {answer:?}");
        self.refresh = answer.text("refresh_token");
        self.registered.len() + self.revoked.len() + 1
    }
}

const CLIENTS: usize = 6;

async fn clients(place: &Place) -> Vec<Acknowledged> {
    let person = Person::sign_in(place).await;
    let mut all = Vec::new();
    for _ in 0..CLIENTS {
        all.push(Acknowledged::begin(person.clone(), place).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_killed_program() {
    let (cluster, issuer) = (Cluster::start(), provider().await);
    let postgres = cluster.database("jean").await;
    for database in [None, Some(postgres.as_str())] {
        let place: &'static Place = Box::leak(Box::new(Place::new(&issuer, database)));
        let mut program = place.start(&[this_build()]);
        let mut all = clients(place).await;
        let mut looked_up = 0;
        for round in 0..4_u64 {
            let mut running = JoinSet::new();
            for one in all.drain(..) {
                running.spawn(one.live(place, Instant::now() + Duration::from_secs(60)));
            }
            tokio::time::sleep(Duration::from_millis(500 + 170 * round)).await;
            program.child.kill().expect("killed");
            program.child.wait().expect("its end");
            all = running.join_all().await;
            program = place.start(&[this_build()]);
            looked_up = 0;
            for one in &mut all {
                looked_up += one.look_up(&program).await;
            }
        }
        assert!(looked_up > 100, "{database:?}: too little was answered: {looked_up}");
    }
}

/// `fast` ends every connection of the server, `immediate` is its crash. jean answers 503 meanwhile and goes on afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_restart_of_postgresql() {
    let (mut cluster, issuer) = (Cluster::start(), provider().await);
    let database = cluster.database("jean").await;
    let place: &'static Place = Box::leak(Box::new(Place::new(&issuer, Some(&database))));
    let program = place.start(&[this_build()]);
    let replica = place.start_replica(&[this_build()]);
    let mut all = clients(place).await;
    for mode in ["fast", "immediate", "fast"] {
        let until = Instant::now() + Duration::from_secs(4);
        let mut running = JoinSet::new();
        for one in all.drain(..) {
            running.spawn(one.live(place, until));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster = tokio::task::spawn_blocking(move || {
            cluster.restart(mode);
            cluster
        })
        .await
        .expect("it restarts");
        let restarted = Instant::now();
        all = running.join_all().await;
        // Connections to the server that is gone cost no more than the first requests.
        let mut connection = Connection::open(place.address).await.expect("jean listens");
        while connection.send(&Shot::register()).await.expect("an answer").status != 201 {
            assert!(restarted.elapsed() < Duration::from_secs(15), "{mode}: jean does not find the server again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut looked_up = 0;
        for one in &mut all {
            looked_up += one.look_up(&program).await;
            one.look_up(&replica).await;
        }
        assert!(looked_up > 50, "{mode}: too little was answered: {looked_up}");
    }
}

/// After a failover the old server takes reads only. Connections that still lead there must not stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_stays_on_a_server_that_became_read_only() {
    use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};

    let (cluster, issuer) = (Cluster::start(), provider().await);
    let database = cluster.database("jean").await;
    let place: &'static Place = Box::leak(Box::new(Place::new(&issuer, Some(&database))));
    let program = place.start(&[this_build()]);
    let mut all = clients(place).await;
    let mut live = async |seconds| {
        let until = Instant::now() + Duration::from_secs(seconds);
        let running = all.drain(..).map(|one| tokio::spawn(one.live(place, until))).collect::<Vec<_>>();
        for one in running {
            all.push(one.await.expect("it lives"));
        }
        all.iter().map(|one| one.refused).sum::<usize>()
    };
    assert_eq!(live(1).await, 0);
    // Sessions that are open take reads only from now on, as on a server that was demoted; new ones are as on its successor.
    let mut operator = AnyConnection::connect(&database).await.expect("PostgreSQL answers");
    // Before, since jean may find out and reconnect at any time from then on.
    let moment = "SELECT CAST(clock_timestamp() AS TEXT)";
    let moment: String = operator.fetch_one(moment).await.expect("a row").get(0);
    operator.execute("ALTER DATABASE jean SET default_transaction_read_only = off").await.expect("new sessions write");
    operator.execute("ALTER SYSTEM SET default_transaction_read_only = on").await.expect("old ones do not");
    operator.execute("SELECT pg_reload_conf()").await.expect("told");
    tokio::time::sleep(Duration::from_millis(300)).await;

    assert_eq!(live(1).await, 0, "each write runs once more elsewhere, single ones and units of several");
    for one in &mut all {
        one.look_up(&program).await;
    }
    let old = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = 'jean' AND pid <> pg_backend_pid() \
               AND backend_type = 'client backend' AND backend_start < CAST($1 AS timestamptz)";
    let left: i64 = sqlx::query(old).bind(moment).fetch_all(&mut operator).await.expect("a row")[0].get(0);
    assert_eq!(left, 0, "connections that still lead to the old server");
}
