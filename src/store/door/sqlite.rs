//! Writes on SQLite: one task, one connection, and up to 64 queued units in one transaction.
//!
//! Group commit makes durable writes cheap: one fsync for all of them. A unit that breaks a constraint fails alone; any
//! other error fails the whole transaction, and every caller gets it.

use std::sync::Arc;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::job::{Job, Kind};
use crate::store::connections::prepare_sqlite;
use crate::store::error::Error;
use crate::store::file::DatabaseFile;
use crate::store::statement::Stmt;

/// The most units in one transaction.
const BATCH: usize = 64;

/// The queue to the writer's task.
#[derive(Clone)]
pub(in crate::store) struct Sqlite {
    queue: mpsc::Sender<Message>,
}

enum Message {
    Write(Job),
    Close(oneshot::Sender<()>),
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").field("free", &self.queue.capacity()).finish()
    }
}

impl Sqlite {
    /// Starts the task. It owns `connection`, and opens a new one to the same file if that breaks.
    pub(crate) fn start(connection: AnyConnection, url: String, file: Arc<DatabaseFile>) -> Self {
        let (queue, messages) = mpsc::channel(4 * BATCH);
        tokio::spawn(work(Writer { connection: Some(connection), url, file }, messages));
        Sqlite { queue }
    }

    /// Queues a unit. If the queue is full, a unit that must run waits in a task of its own, so that a request that is
    /// dropped does not lose it.
    pub(super) async fn submit(&self, job: Job) -> Result<(), Error> {
        if job.kind == Kind::Give {
            return self.queue.send(Message::Write(job)).await.map_err(|_| Error::Closed);
        }
        match self.queue.try_send(Message::Write(job)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(Error::Closed),
            Err(TrySendError::Full(message)) => {
                let queue = self.queue.clone();
                tokio::spawn(async move { queue.send(message).await });
                Ok(())
            }
        }
    }

    /// Waits for queued units, then closes the connection.
    pub(super) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.queue.send(Message::Close(closed)).await.is_ok() {
            let _ = done.await;
        }
    }
}

/// The state of the task.
struct Writer {
    connection: Option<AnyConnection>,
    url: String,
    file: Arc<DatabaseFile>,
}

async fn work(mut writer: Writer, mut messages: mpsc::Receiver<Message>) {
    let mut queued = Vec::with_capacity(BATCH);
    while messages.recv_many(&mut queued, BATCH).await > 0 {
        let mut jobs = Vec::with_capacity(queued.len());
        let mut closing = Vec::new();
        for message in queued.drain(..) {
            match message {
                Message::Write(job) => jobs.push(job),
                Message::Close(closed) => closing.push(closed),
            }
        }
        // Do not begin a transaction without a unit.
        jobs.retain(|job| !job.is_abandoned());
        commit(&mut writer, jobs).await;
        if !closing.is_empty() {
            messages.close();
            if let Some(connection) = writer.connection.take() {
                let _ = connection.close().await;
            }
            closing.into_iter().for_each(|closed| {
                let _ = closed.send(());
            });
            return;
        }
    }
}

/// Runs the units in one transaction and sends each its outcome. If the connection failed, it is dropped, and the next call
/// opens another.
async fn commit(writer: &mut Writer, mut jobs: Vec<Job>) {
    if jobs.is_empty() {
        return;
    }
    let mut live = match writer.connection.take() {
        Some(live) => live,
        None => match reopen(&writer.url, &writer.file).await {
            Ok(live) => live,
            Err(error) => return fail(jobs, error),
        },
    };
    match transaction(&mut live, &mut jobs).await {
        Ok(results) => {
            writer.connection = Some(live);
            for (job, result) in jobs.into_iter().zip(results) {
                job.finish(result);
            }
        }
        Err(error) => {
            // The state of the connection is unknown: closing it rolls back any open transaction.
            let _ = live.close().await;
            fail(jobs, error);
        }
    }
}

/// A new connection, but never to another file at the same path.
async fn reopen(url: &str, file: &DatabaseFile) -> Result<AnyConnection, Error> {
    if !file.is_at_its_path() {
        return Err(Error::Gone);
    }
    let mut connection = AnyConnection::connect(url).await?;
    prepare_sqlite(&mut connection).await?;
    Ok(connection)
}

/// Sends the transaction's error to the callers of all its units.
fn fail(jobs: Vec<Job>, error: Error) {
    let error = Arc::new(error);
    for job in jobs {
        job.finish(Err(Error::Transaction(error.clone())));
    }
}

async fn transaction(
    connection: &mut AnyConnection,
    jobs: &mut [Job],
) -> Result<Vec<Result<Vec<AnyRow>, Error>>, Error> {
    connection.execute("BEGIN IMMEDIATE").await?;
    let mut results = Vec::with_capacity(jobs.len());
    for job in jobs {
        if !job.begin() {
            results.push(Err(Error::Abandoned));
            continue;
        }
        let unit = std::mem::take(&mut job.unit);
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

/// Returns the rows of the first statement. The inner error is the unit's own (a constraint); the outer one fails the whole
/// transaction.
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
