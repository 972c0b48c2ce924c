//! Writes on PostgreSQL: a task for each unit, on connections that nothing else uses, READ COMMITTED.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Executor as _};
use tracing::Instrument as _;

use super::Job;
use crate::store::Error;
use crate::store::connections::{Connections, connection_is_settled, in_time, is_read_only, server_is_gone};
use crate::store::statement::Stmt;

/// The pools: one for writes, and the one for reads, whose connections lead to the same server.
#[derive(Clone, Debug)]
pub(in crate::store) struct Postgres {
    pub writes: Connections,
    pub reads: Connections,
}

impl Postgres {
    /// Starts the task of a unit.
    pub(super) fn submit(&self, job: Job) {
        tokio::spawn(self.clone().answer(job).in_current_span());
    }

    pub(super) async fn close(&self) {
        self.writes.close().await;
    }

    async fn answer(self, mut job: Job) {
        let mut outcome = self.run(&mut job).await;
        if let Err(error) = &outcome
            && error.says(server_is_gone)
        {
            self.writes.retire();
            self.reads.retire();
            // Nothing was written by a server that takes no writes, so the unit may run once more. After any other loss
            // nobody knows.
            if error.says(is_read_only) {
                outcome = self.run(&mut job).await;
            }
        }
        let _ = job.answer.send(outcome);
    }

    async fn run(&self, job: &mut Job) -> Result<Vec<AnyRow>, Error> {
        let Some(mut held) = self.writes.hold(job.abandoned()).await? else { return Err(Error::Abandoned) };
        if !job.begin() {
            held.release();
            return Err(Error::Abandoned);
        }
        match job.unit.as_slice() {
            [single] => {
                let rows = in_time(single.clone().query().fetch_all(held.live()?)).await;
                if rows.as_ref().err().is_none_or(|error| error.says(connection_is_settled)) {
                    held.release();
                }
                rows
            }
            several => {
                let ended = in_time(transaction(held.live()?, several)).await?;
                held.release();
                Ok(ended?)
            }
        }
    }
}

/// Runs the statements in one transaction. The outer error leaves open whether the transaction has ended: the connection
/// must be closed. The inner one is the unit's own, after its transaction has ended.
async fn transaction(
    connection: &mut AnyConnection,
    unit: &[Stmt],
) -> Result<Result<Vec<AnyRow>, sqlx::Error>, sqlx::Error> {
    connection.execute("BEGIN").await?;
    let rows = statements(connection, unit).await;
    let end = if rows.as_ref().is_ok_and(|rows| !rows.is_empty()) { "COMMIT" } else { "ROLLBACK" };
    match (rows, connection.execute(end).await) {
        (rows, Ok(_)) => Ok(rows),
        // A COMMIT that is refused has rolled back.
        (Ok(_), Err(error)) if connection_is_settled(&error) => Ok(Err(error)),
        (Ok(_), Err(error)) | (Err(error), Err(_)) => Err(error),
    }
}

/// The rows of the first statement. If there are none, the others do not run.
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
