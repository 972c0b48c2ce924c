//! The one door for writes.
//!
//! What comes in is a *unit*: one guarded statement, or several of which the first one guards the rest. A unit runs to its
//! end in a task that owns its connection, never inside the future of a request, and nobody is answered before it is
//! committed. So a client that hangs up neither tears a unit apart nor leaves a connection in an open transaction.
//! `BEGIN` is sent here and nowhere else.

mod postgres;
mod sqlite;

use sqlx::any::AnyRow;
use tokio::sync::oneshot;

use super::Error;
use super::request::Progress;
use super::statement::Stmt;

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

/// What a unit is for, which decides whether it runs if its request is over before its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Gives or spends something, such as a code or a rotation. Does not run then, since the answer would be lost.
    Give,
    /// Ends, saves or records something, such as a revocation or the id of an assertion. Runs in any case.
    Record,
    /// Is this process's own housekeeping: deletes what has expired, or notes that the process lives. Runs in any case.
    Tidy,
}

/// A unit on its way through the door.
struct Job {
    unit: Vec<Stmt>,
    kind: Kind,
    request: Option<Progress>,
    answer: oneshot::Sender<Result<Vec<AnyRow>, Error>>,
}

impl Door {
    /// Runs a unit and waits until it is committed. If its first statement returns no row, nothing of a unit of several
    /// happens; else all of it happens or nothing. Gives the rows of the first statement.
    pub async fn run(&self, kind: Kind, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        let (answer, answered) = oneshot::channel();
        let job = Job { unit, kind, request: Progress::current(), answer };
        match self {
            Door::Sqlite(writer) => writer.submit(job).await?,
            Door::Postgres(writers) => writers.submit(job),
        }
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Waits for what is queued, then lets nothing in any more.
    pub async fn close(&self) {
        match self {
            Door::Sqlite(writer) => writer.close().await,
            Door::Postgres(writers) => writers.close().await,
        }
    }
}

impl Job {
    /// Whether the unit may as well be left out.
    fn is_abandoned(&self) -> bool {
        self.kind == Kind::Give && self.answer.is_closed()
    }

    /// Resolves when the unit may as well be left out.
    async fn abandoned(&mut self) {
        match self.kind {
            Kind::Give => self.answer.closed().await,
            Kind::Record | Kind::Tidy => std::future::pending().await,
        }
    }

    /// Whether to run the unit, called right before its first statement. If its request still waits, it waits for the
    /// outcome from now on.
    fn begin(&self) -> bool {
        let is_awaited = self.request.as_ref().is_none_or(Progress::begin);
        self.kind != Kind::Give || is_awaited && !self.is_abandoned()
    }

    /// Tells the outcome.
    fn finish(self, outcome: Result<Vec<AnyRow>, Error>) {
        let _ = self.answer.send(outcome);
    }
}
