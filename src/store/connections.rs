//! A pool whose connections only tasks of the store hold.
//!
//! sqlx sends a statement inside the future of whoever waits for it. If that future is dropped halfway, the connection is
//! in an unknown state and is lost, and clients that hang up could use up all of them. So every statement runs to its end
//! in a task that owns the connection, and a request only waits for the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Error;
use super::statement::Stmt;

/// The longest wait for a connection to become free.
const TURN: Duration = Duration::from_secs(5);

/// The longest time that a task waits for the database. The database's own limits are shorter: this one is for a server
/// that is gone without a word.
pub(super) const SILENCE: Duration = Duration::from_secs(35);

/// The pool. Clones share it.
#[derive(Clone)]
pub(super) struct Connections(Arc<Shared>);

struct Shared {
    pool: AnyPool,
    /// As many as the pool has connections. Waiting for one can be given up at any time, unlike waiting for the pool, which
    /// may be in the middle of connecting.
    turns: Arc<Semaphore>,
    /// Counts how often all connections were given up.
    generation: AtomicU64,
}

/// A connection that a task holds. It is closed when dropped, unless it was [released](Held::release).
pub(super) struct Held {
    connection: Option<PoolConnection<Any>>,
    generation: u64,
    owner: Connections,
    _turn: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connections").field(&self.0.pool).finish()
    }
}

impl Connections {
    pub fn new(pool: AnyPool) -> Self {
        let turns = Arc::new(Semaphore::new(pool.options().get_max_connections() as usize));
        Connections(Arc::new(Shared { pool, turns, generation: AtomicU64::new(0) }))
    }

    /// The rows of a SELECT. It runs once more, on a new connection, if the server of the first one was gone.
    pub async fn read(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        let (mut answer, answered) = oneshot::channel();
        let connections = self.clone();
        tokio::spawn(async move {
            let rows = match connections.read_once(&stmt, &mut answer).await {
                Err(error) if error.says(server_is_gone) => {
                    connections.retire();
                    connections.read_once(&stmt, &mut answer).await
                }
                other => other,
            };
            if let Some(rows) = rows.transpose() {
                let _ = answer.send(rows);
            }
        });
        answered.await.map_err(|_| Error::Closed)?
    }

    /// `None` if nobody waits for the answer any more.
    async fn read_once(
        &self,
        stmt: &Stmt,
        answer: &mut oneshot::Sender<Result<Vec<AnyRow>, Error>>,
    ) -> Result<Option<Vec<AnyRow>>, Error> {
        let Some(mut held) = self.hold(answer.closed()).await? else { return Ok(None) };
        if answer.is_closed() {
            held.release();
            return Ok(None);
        }
        let rows = in_time(stmt.clone().query().fetch_all(held.live()?)).await;
        if rows.as_ref().err().is_none_or(|error| error.says(connection_is_settled)) {
            held.release();
        }
        rows.map(Some)
    }

    /// A connection, in the order in which tasks asked for one; `None` if `given_up` comes first.
    pub async fn hold(&self, given_up: impl Future<Output = ()>) -> Result<Option<Held>, Error> {
        let turn = tokio::select! {
            biased;
            turn = tokio::time::timeout(TURN, self.0.turns.clone().acquire_owned()) => turn,
            () = given_up => return Ok(None),
        };
        let turn = turn.map_err(|_| Error::Busy)?.map_err(|_| Error::Closed)?;
        let generation = self.0.generation.load(Ordering::Acquire);
        let connection = self.0.pool.acquire().await?;
        Ok(Some(Held { connection: Some(connection), generation, owner: self.clone(), _turn: turn }))
    }

    /// Closes every connection that is open now: the free ones at once, the others when they are released.
    pub fn retire(&self) {
        self.0.generation.fetch_add(1, Ordering::AcqRel);
        while let Some(free) = self.0.pool.try_acquire() {
            drop(free.detach());
        }
    }

    /// Waits for what runs, then closes every connection. From now on nothing is read or written.
    pub async fn close(&self) {
        let all = self.0.pool.options().get_max_connections();
        let _all = self.0.turns.acquire_many(all).await;
        self.0.turns.close();
        self.0.pool.close().await;
    }
}

impl Held {
    /// The connection itself.
    pub fn live(&mut self) -> Result<&mut AnyConnection, Error> {
        self.connection.as_deref_mut().ok_or(Error::Closed)
    }

    /// Gives the connection back, for others: its last statement was answered, and it is in no transaction.
    pub fn release(mut self) {
        if self.generation == self.owner.0.generation.load(Ordering::Acquire) {
            drop(self.connection.take());
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // At once and without a word: nobody knows what the server is doing on it.
            drop(connection.detach());
        }
    }
}

/// Bounds the wait for a database that does not answer at all.
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    Ok(tokio::time::timeout(SILENCE, work).await.map_err(|_| Error::Silent)??)
}

/// Whether a connection that reported this error waits for the next statement. What the database itself refuses, it has
/// answered.
pub(super) fn connection_is_settled(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some() && !server_is_gone(error)
}

/// Whether the server behind a connection is gone or takes no more writes. Connections that were opened before lead to the
/// same server.
pub(super) fn server_is_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // admin_shutdown, crash_shutdown, cannot_connect_now (PostgreSQL, appendix A)
        _ => is_read_only(error) || matches!(code(error).as_deref(), Some("57P01" | "57P02" | "57P03")),
    }
}

/// Whether the server refused to write because it became a standby: SQLSTATE read_only_sql_transaction.
pub(super) fn is_read_only(error: &sqlx::Error) -> bool {
    code(error).as_deref() == Some("25006")
}

fn code(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error().and_then(|error| error.code())
}
