//! Writes on PostgreSQL: a task for each unit, on a pool for writes only, with READ COMMITTED.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Executor as _};
use tracing::Instrument as _;

use super::job::{Job, Kind};
use crate::store::connections::{Connections, Held, PATIENCE, is_read_only, server_is_gone};
use crate::store::error::Error;
use crate::store::statement::Stmt;
use crate::store::watch::Own;

/// The pool for writes, and the other connections to the same server, which are retired with it.
#[derive(Clone, Debug)]
pub(in crate::store) struct Postgres {
    pub writes: Connections,
    pub reads: Connections,
    pub watch: Own,
}

impl Postgres {
    /// Starts the task of a unit.
    pub(super) fn submit(&self, job: Job) {
        tokio::spawn(self.clone().run(job).in_current_span());
    }

    pub(super) async fn close(&self) {
        self.writes.close().await;
    }

    async fn run(self, mut job: Job) {
        // A unit that must run waits for a connection without a time limit.
        let patience = (job.kind != Kind::Record).then_some(PATIENCE);
        for is_last in [false, true] {
            let mut held = match self.writes.hold(job.abandoned(), patience).await {
                Ok(Some(held)) => held,
                Ok(None) => return,
                Err(error) => return job.finish(Err(error)),
            };
            if !job.begin() {
                job.finish(Err(Error::Abandoned));
                return held.give_back().await;
            }
            let outcome = match job.unit.as_slice() {
                [single] => held.fetch(single.clone()).await,
                several => transaction(&mut held, several).await,
            };
            if let Err(error) = &outcome
                && error.is_database_and(server_is_gone)
            {
                self.writes.retire();
                self.reads.retire();
                self.watch.retire();
                // A server that accepts no writes has written nothing, so the unit runs once more on another. After any
                // other loss it is unknown what was written.
                if !is_last && error.is_database_and(is_read_only) {
                    continue;
                }
            }
            job.finish(outcome);
            return held.give_back().await;
        }
    }
}

/// Runs the statements in one transaction. If its end does not succeed, the connection will be closed.
async fn transaction(held: &mut Held, unit: &[Stmt]) -> Result<Vec<AnyRow>, Error> {
    let ended = held.run(async |connection| {
        connection.execute("BEGIN").await?;
        let rows = statements(connection, unit).await;
        let is_done = rows.as_ref().is_ok_and(|rows| !rows.is_empty());
        connection.execute(if is_done { "COMMIT" } else { "ROLLBACK" }).await?;
        Ok(rows)
    });
    let rows = ended.await?.map_err(Error::from);
    held.end_use(rows.as_ref().err());
    rows
}

/// Runs the statements. Returns the rows of the first; if there are none, the others do not run.
async fn statements(connection: &mut AnyConnection, unit: &[Stmt]) -> Result<Vec<AnyRow>, sqlx::Error> {
    let [first, rest @ ..] = unit else { return Ok(Vec::new()) };
    let rows = first.clone().query().fetch_all(&mut *connection).await?;
    if !rows.is_empty() {
        for stmt in rest {
            stmt.clone().query().fetch_all(&mut *connection).await?;
        }
    }
    Ok(rows)
}
