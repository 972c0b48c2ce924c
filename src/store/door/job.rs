//! A unit that waits at the door, or runs.

use sqlx::any::AnyRow;
use tokio::sync::oneshot;

use crate::store::error::Error;
use crate::store::request::Progress;
use crate::store::statement::Stmt;

/// The kind of a unit. It decides whether the unit runs if its request is over before its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    /// Gives or spends something, such as a code or a rotation. Does not run then, since the result would be lost.
    Give,
    /// Ends, saves or records something, such as a revocation or the id of an assertion. Runs in any case.
    Record,
    /// Is this process's own housekeeping: deletes what has expired, or notes that the process runs. Runs in any case.
    Tidy,
}

/// A unit, and the caller that waits for its outcome.
pub(super) struct Job {
    pub unit: Vec<Stmt>,
    pub kind: Kind,
    pub request: Option<Progress>,
    pub answer: oneshot::Sender<Result<Vec<AnyRow>, Error>>,
}

impl Job {
    /// Whether the unit need not run, since its request is over.
    pub(super) fn is_abandoned(&self) -> bool {
        self.kind == Kind::Give && self.answer.is_closed()
    }

    /// Resolves when the unit need not run.
    pub(super) async fn abandoned(&mut self) {
        match self.kind {
            Kind::Give => self.answer.closed().await,
            Kind::Record | Kind::Tidy => std::future::pending().await,
        }
    }

    /// Whether to run the unit. Call it right before the first statement. If `true`, the request waits for the outcome
    /// from now on.
    pub(super) fn begin(&self) -> bool {
        let is_awaited = self.request.as_ref().is_none_or(Progress::begin);
        self.kind != Kind::Give || is_awaited && !self.is_abandoned()
    }

    /// Sends the outcome to the caller.
    pub(super) fn finish(self, outcome: Result<Vec<AnyRow>, Error>) {
        let _ = self.answer.send(outcome);
    }
}
