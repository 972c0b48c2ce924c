//! All writes go through this door.
//!
//! It takes *units*: one guarded statement, or several of which the first one guards the rest. A unit runs to its end in
//! a task that owns its connection, never inside the future of a request, and its caller gets the result only after the
//! commit. So a client that hangs up neither interrupts a unit nor leaves a connection in an open transaction. `BEGIN` is
//! sent only here.

mod job;
mod postgres;
mod sqlite;

use sqlx::any::AnyRow;
use tokio::sync::oneshot;

use super::error::Error;
use super::request::Progress;
use super::statement::Stmt;
use job::Job;

pub(super) use job::Kind;
pub(super) use postgres::Postgres;
pub(super) use sqlite::Sqlite;

/// The way into the database.
#[derive(Clone, Debug)]
pub(super) enum Door {
    /// One task, which commits many units at once.
    Sqlite(Sqlite),
    /// A task for each unit, on a pool for writes only.
    Postgres(Postgres),
}

impl Door {
    /// Runs a unit and waits until it is committed. If its first statement returns no row, the others do not run; else
    /// all or none of them are committed. Returns the rows of the first statement.
    pub(super) async fn run(&self, kind: Kind, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        let (answer, answered) = oneshot::channel();
        let job = Job { unit, kind, request: Progress::current(), answer };
        match self {
            Door::Sqlite(writer) => writer.submit(job).await?,
            Door::Postgres(writers) => writers.submit(job),
        }
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Waits for queued units. From now on no unit is accepted.
    pub(super) async fn close(&self) {
        match self {
            Door::Sqlite(writer) => writer.close().await,
            Door::Postgres(writers) => writers.close().await,
        }
    }
}
