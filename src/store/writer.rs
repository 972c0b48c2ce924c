//! The one writer of SQLite: queued units go into one transaction, and nobody is answered before it is committed.
//!
//! Group commit makes durable writes cheap: one fsync for up to 64 units. A unit that breaks a constraint fails alone;
//! anything worse fails the whole transaction, and every caller learns it.

use std::sync::Arc;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tokio::sync::{mpsc, oneshot};

use super::Error;
use super::open::prepare_sqlite;
use super::statement::Stmt;

/// The most units in one transaction.
const BATCH: usize = 64;

/// The queue to the writer's task.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Job>,
}

enum Job {
    Unit(Vec<Stmt>, Answer),
    Close(oneshot::Sender<()>),
}

type Answer = oneshot::Sender<Result<Vec<AnyRow>, Error>>;

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("free", &self.queue.capacity()).finish()
    }
}

impl Writer {
    /// Starts the task, which owns `connection` and opens a new one at `url` where that breaks.
    pub(super) fn start(connection: AnyConnection, url: String) -> Self {
        let (queue, jobs) = mpsc::channel(4 * BATCH);
        tokio::spawn(work(connection, url, jobs));
        Writer { queue }
    }

    /// Queues a unit, and waits until it is committed.
    pub(super) async fn run(&self, unit: Vec<Stmt>) -> Result<Vec<AnyRow>, Error> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job::Unit(unit, answer)).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Waits for what is queued, then closes the connection.
    pub(super) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.queue.send(Job::Close(closed)).await.is_ok() {
            let _ = done.await;
        }
    }
}

async fn work(connection: AnyConnection, url: String, mut jobs: mpsc::Receiver<Job>) {
    let mut connection = Some(connection);
    let mut queued = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut queued, BATCH).await > 0 {
        let mut units = Vec::with_capacity(queued.len());
        let mut closing = Vec::new();
        for job in queued.drain(..) {
            match job {
                Job::Unit(unit, answer) => units.push((unit, answer)),
                Job::Close(closed) => closing.push(closed),
            }
        }
        commit(&mut connection, &url, units).await;
        if !closing.is_empty() {
            jobs.close();
            if let Some(connection) = connection.take() {
                let _ = connection.close().await;
            }
            closing.into_iter().for_each(|closed| {
                let _ = closed.send(());
            });
            return;
        }
    }
}

/// Runs the units in one transaction and answers each. A connection that failed is dropped, and opened anew next time.
async fn commit(connection: &mut Option<AnyConnection>, url: &str, units: Vec<(Vec<Stmt>, Answer)>) {
    if units.is_empty() {
        return;
    }
    let (units, answers): (Vec<_>, Vec<_>) = units.into_iter().unzip();
    let mut live = match connection.take() {
        Some(live) => live,
        None => match reopen(url).await {
            Ok(live) => live,
            Err(error) => return refuse(answers, error),
        },
    };
    match transaction(&mut live, units).await {
        Ok(results) => {
            *connection = Some(live);
            for (answer, result) in answers.into_iter().zip(results) {
                let _ = answer.send(result);
            }
        }
        Err(error) => {
            // What state the connection is in is unknown: closing it rolls back whatever was open.
            let _ = live.close().await;
            refuse(answers, error);
        }
    }
}

async fn reopen(url: &str) -> Result<AnyConnection, Error> {
    let mut connection = AnyConnection::connect(url).await?;
    prepare_sqlite(&mut connection).await?;
    Ok(connection)
}

/// Tells everybody in the transaction what it failed of.
fn refuse(answers: Vec<Answer>, error: Error) {
    let error = Arc::new(error);
    for answer in answers {
        let _ = answer.send(Err(Error::Transaction(error.clone())));
    }
}

async fn transaction(
    connection: &mut AnyConnection,
    units: Vec<Vec<Stmt>>,
) -> Result<Vec<Result<Vec<AnyRow>, Error>>, Error> {
    connection.execute("BEGIN IMMEDIATE").await?;
    let mut results = Vec::with_capacity(units.len());
    for unit in units {
        results.push(match unit.len() {
            1 => run(connection, unit).await?,
            _ => {
                connection.execute("SAVEPOINT unit").await?;
                let result = run(connection, unit).await?;
                if result.is_err() {
                    connection.execute("ROLLBACK TO unit").await?;
                }
                connection.execute("RELEASE unit").await?;
                result
            }
        });
    }
    connection.execute("COMMIT").await?;
    Ok(results)
}

/// The rows of the first statement. The inner error is the unit's own (a constraint), the outer one everybody's.
async fn run(connection: &mut AnyConnection, unit: Vec<Stmt>) -> Result<Result<Vec<AnyRow>, Error>, Error> {
    let mut rows = Vec::new();
    for (i, stmt) in unit.into_iter().enumerate() {
        match stmt.query().fetch_all(&mut *connection).await {
            Ok(returned) if i == 0 && returned.is_empty() => return Ok(Ok(returned)),
            Ok(returned) if i == 0 => rows = returned,
            Ok(_) => {}
            Err(error) if is_constraint(&error) => return Ok(Err(error.into())),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Ok(rows))
}

fn is_constraint(error: &sqlx::Error) -> bool {
    use sqlx::error::ErrorKind;
    let Some(error) = error.as_database_error() else { return false };
    matches!(
        error.kind(),
        ErrorKind::UniqueViolation
            | ErrorKind::NotNullViolation
            | ErrorKind::CheckViolation
            | ErrorKind::ForeignKeyViolation
    )
}
