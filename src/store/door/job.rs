//! A unit on its way through the door.

use sqlx::any::AnyRow;
use tokio::sync::oneshot;

use crate::store::error::Error;
use crate::store::request::Progress;
use crate::store::statement::Stmt;

/// What a unit is for, which decides whether it runs if its request is over before its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    /// Gives or spends something, such as a code or a rotation. Does not run then, since the answer would be lost.
    Give,
    /// Ends, saves or records something, such as a revocation or the id of an assertion. Runs in any case.
    Record,
    /// Is this process's own housekeeping: deletes what has expired, or notes that the process lives. Runs in any case.
    Tidy,
}

/// A unit on its way through the door.
pub(super) struct Job {
    pub unit: Vec<Stmt>,
    pub kind: Kind,
    pub request: Option<Progress>,
    pub answer: oneshot::Sender<Result<Vec<AnyRow>, Error>>,
}

impl Job {
    /// Whether the unit may as well be left out.
    pub(super) fn is_abandoned(&self) -> bool {
        self.kind == Kind::Give && self.answer.is_closed()
    }

    /// Resolves when the unit may as well be left out.
    pub(super) async fn abandoned(&mut self) {
        match self.kind {
            Kind::Give => self.answer.closed().await,
            Kind::Record | Kind::Tidy => std::future::pending().await,
        }
    }

    /// Whether to run the unit, called right before its first statement. If its request still waits, it waits for the
    /// outcome from now on.
    pub(super) fn begin(&self) -> bool {
        let is_awaited = self.request.as_ref().is_none_or(Progress::begin);
        self.kind != Kind::Give || is_awaited && !self.is_abandoned()
    }

    /// Tells the outcome.
    pub(super) fn finish(self, outcome: Result<Vec<AnyRow>, Error>) {
        let _ = self.answer.send(outcome);
    }
}
