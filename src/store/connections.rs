//! A pool whose connections are held only by tasks of the store.
//!
//! sqlx sends a statement inside the caller's future. If that future is dropped halfway, the connection is in an unknown
//! state and is lost, so clients that hang up could use up all connections. So every statement runs to its end in a task
//! that owns the connection, and a request only waits for the result.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Executor as _, Row as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;
use tracing::Instrument as _;

use super::error::Error;
use super::statement::Stmt;
use crate::clock::monotonic;

/// How long a request waits for a free connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The longest time that a task waits for a statement or a unit. The database's own statement limits are shorter: this
/// one is for a server that disappeared without closing the connection.
const SILENCE: Duration = Duration::from_secs(35);

/// The longest wait for the ping that sqlx sends before it takes a connection back.
const RETURN: Duration = Duration::from_secs(5);

/// After all connections were retired, a broken connection retires only itself for this long.
const COOL_DOWN: Duration = Duration::from_secs(1);

/// The pool. Clones share it.
#[derive(Clone)]
pub(super) struct Connections(Arc<Shared>);

/// When all connections of a pool were last retired.
#[derive(Clone, Default)]
pub(super) struct RetiredAt(Arc<AtomicU64>);

impl RetiredAt {
    /// Whether a connection of this age was opened before that time.
    pub(super) fn includes(&self, age: Duration) -> bool {
        match self.0.load(Ordering::Acquire) {
            0 => false,
            at => age >= monotonic().saturating_sub(Duration::from_micros(at)),
        }
    }

    fn set(&self) {
        let now = u64::try_from(monotonic().as_micros()).unwrap_or(u64::MAX);
        self.0.store(now.max(1), Ordering::Release);
    }
}

struct Shared {
    pool: AnyPool,
    retired_at: RetiredAt,
    /// As many permits as the pool has connections. Waiting for a permit can be cancelled at any time, unlike waiting for
    /// the pool, which may be in the middle of connecting.
    turns: Arc<Semaphore>,
    /// Counts how often all connections were retired.
    generation: AtomicU64,
    is_cooling_down: AtomicBool,
}

/// A connection that a task holds. It is closed when dropped, unless it was [given back](Held::give_back).
pub(super) struct Held {
    connection: Option<PoolConnection<Any>>,
    /// Whether it is ready for the next statement, outside of a transaction.
    is_settled: bool,
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
    /// The pool, which must not hand out connections that `retired_at` includes.
    pub(super) fn new(pool: AnyPool, retired_at: RetiredAt) -> Self {
        let turns = Arc::new(Semaphore::new(pool.options().get_max_connections() as usize));
        let (generation, is_cooling_down) = (AtomicU64::new(0), AtomicBool::new(false));
        Connections(Arc::new(Shared { pool, retired_at, turns, generation, is_cooling_down }))
    }

    /// Runs a SELECT. If the server of the connection is gone, runs it once more on a new connection.
    pub(super) async fn read(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        let (answer, answered) = oneshot::channel();
        tokio::spawn(self.clone().read_in_task(stmt, answer).in_current_span());
        answered.await.map_err(|_| Error::Closed)?
    }

    async fn read_in_task(self, stmt: Stmt, mut answer: oneshot::Sender<Result<Vec<AnyRow>, Error>>) {
        for is_last in [false, true] {
            let mut held = match self.hold(answer.closed(), Some(PATIENCE)).await {
                Ok(Some(held)) => held,
                Ok(None) => return,
                Err(error) => return drop(answer.send(Err(error))),
            };
            if answer.is_closed() {
                return held.give_back().await;
            }
            let rows = held.fetch(stmt.clone()).await;
            if rows.as_ref().is_err_and(|error| error.is_database_and(server_is_gone)) {
                self.retire();
                if !is_last {
                    continue;
                }
            }
            let _ = answer.send(rows);
            return held.give_back().await;
        }
    }

    /// Waits for a connection, first come, first served. `None` if `given_up` resolves first. Without `patience` there is
    /// no time limit.
    pub(super) async fn hold(
        &self,
        given_up: impl Future<Output = ()>,
        patience: Option<Duration>,
    ) -> Result<Option<Held>, Error> {
        let turn = self.0.turns.clone().acquire_owned();
        let turn = async {
            match patience {
                Some(patience) => timeout(patience, turn).await.map_err(|_| Error::Busy)?.map_err(|_| Error::Closed),
                None => turn.await.map_err(|_| Error::Closed),
            }
        };
        let turn = tokio::select! {
            biased;
            turn = turn => turn?,
            () = given_up => return Ok(None),
        };
        let generation = self.0.generation.load(Ordering::Acquire);
        let connection = self.0.pool.acquire().await.map_err(Error::Connect)?;
        Ok(Some(Held { connection: Some(connection), is_settled: true, generation, owner: self.clone(), _turn: turn }))
    }

    /// Closes every connection that is open now: the free ones at once, the others when they are given back. Otherwise they
    /// would fail one after the other, as the first one did.
    pub(super) fn retire(&self) {
        if self.0.is_cooling_down.swap(true, Ordering::AcqRel) {
            return;
        }
        self.0.retired_at.set();
        self.0.generation.fetch_add(1, Ordering::AcqRel);
        self.close_free();
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(COOL_DOWN).await;
            this.0.is_cooling_down.store(false, Ordering::Release);
        });
    }

    fn close_free(&self) {
        while let Some(free) = self.0.pool.try_acquire() {
            drop(free.detach());
        }
    }

    /// Waits for running statements, then closes every connection. From now on nothing is read or written.
    pub(super) async fn close(&self) {
        let all = self.0.pool.options().get_max_connections();
        let _all = self.0.turns.acquire_many(all).await;
        self.0.turns.close();
        self.0.pool.close().await;
    }
}

impl Held {
    /// Runs one statement outside of a transaction.
    pub(super) async fn fetch(&mut self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        let rows = in_silence(stmt.query().fetch_all(self.begin_use()?)).await;
        self.end_use(rows.as_ref().err());
        rows
    }

    /// Runs `work` on the raw connection. Its state is then unknown, so it will be closed unless
    /// [`end_use`](Self::end_use) is called.
    pub(super) async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut AnyConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Error> {
        let connection = self.begin_use()?;
        in_silence(work(connection)).await
    }

    fn begin_use(&mut self) -> Result<&mut AnyConnection, Error> {
        self.is_settled = false;
        self.connection.as_deref_mut().ok_or(Error::Closed)
    }

    /// Notes that the database has answered all statements, that no transaction is open, and what the last error was.
    pub(super) fn end_use(&mut self, error: Option<&Error>) {
        self.is_settled = error.is_none_or(|error| error.is_database_and(connection_is_settled));
    }

    /// Gives the connection back to the pool, if it is settled and was not retired. Call it after the request has its
    /// result, since it takes a ping.
    pub(super) async fn give_back(mut self) {
        if !self.is_settled || self.is_retired() {
            return;
        }
        let Some(mut connection) = self.connection.take() else { return };
        // sqlx would do the same in a task of its own when a connection is dropped, but without a time limit.
        let _ = timeout(RETURN, connection.return_to_pool()).await;
        if self.is_retired() {
            // It was being given back when the others were closed.
            self.owner.close_free();
        }
    }

    fn is_retired(&self) -> bool {
        self.generation != self.owner.0.generation.load(Ordering::Acquire)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // At once and without a goodbye: the state of the server's side is unknown.
            drop(connection.detach());
        }
    }
}

/// Bounds the wait for a database that does not answer at all.
async fn in_silence<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    Ok(timeout(SILENCE, work).await.map_err(|_| Error::Silent)??)
}

/// Whether a connection that reported this error is ready for the next statement. An error of the database itself is an
/// answer, except for in_failed_sql_transaction (PostgreSQL, appendix A), after which it waits for a ROLLBACK.
pub(super) fn connection_is_settled(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some() && !server_is_gone(error) && code(error).as_deref() != Some("25P02")
}

/// Whether the server of a connection is gone or accepts no more writes. Connections that were opened earlier lead to the
/// same server.
pub(super) fn server_is_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // admin_shutdown, crash_shutdown, cannot_connect_now
        _ => is_read_only(error) || matches!(code(error).as_deref(), Some("57P01" | "57P02" | "57P03")),
    }
}

/// Whether the server rejected a write because it became a standby: read_only_sql_transaction.
pub(super) fn is_read_only(error: &sqlx::Error) -> bool {
    code(error).as_deref() == Some("25006")
}

fn code(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error().and_then(|error| error.code())
}

/// A connection to PostgreSQL outside of the pools.
pub(super) async fn connect_postgres(url: &str) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = AnyConnection::connect(url).await?;
    connection.execute(BOUNDS).await?;
    Ok(connection)
}

/// The limits for a request that waits for its outcome. The last one is a safety net: no transaction should stay open.
pub(super) const BOUNDS: &str = "SET lock_timeout = '5s'; SET statement_timeout = '30s'; \
                      SET idle_in_transaction_session_timeout = '10s'";

/// Sets the pragmas that safety depends on and verifies them on the connection, since `AnyPool` cannot set pragmas.
pub(super) async fn prepare_sqlite(connection: &mut AnyConnection) -> Result<(), Error> {
    // The busy timeout first, since changing the journal mode needs exclusive access to the file.
    for pragma in ["PRAGMA busy_timeout = 5000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"] {
        connection.execute(sqlx::query(pragma)).await?;
    }
    let journal = connection.fetch_all("PRAGMA journal_mode").await?;
    if journal.first().is_none_or(|row| !matches!(row.try_get::<String, _>(0).as_deref(), Ok("wal"))) {
        return Err(Error::Pragma("journal_mode=WAL"));
    }
    let synchronous = connection.fetch_all("PRAGMA synchronous").await?;
    if synchronous.first().is_none_or(|row| !matches!(row.try_get::<i64, _>(0), Ok(2))) {
        return Err(Error::Pragma("synchronous=FULL"));
    }
    Ok(())
}
