//! Reads what other processes changed, revocations and signing keys, within a bounded time.
//!
//! On PostgreSQL these reads have a connection of their own. A firewall or a failover can leave connections that look
//! open but are dead, and each dead one in a pool costs its next user a full time-out. This connection is replaced at the
//! first read without an answer, so a dead connection costs the watch one time-out, and dead ones of the pool cost it
//! none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection as _};
use tokio::sync::{Mutex, oneshot};
use tokio::time::timeout;
use tracing::Instrument as _;

use super::connections::{Connections, connect_postgres, connection_is_settled};
use super::error::Error;
use super::statement::Stmt;

/// How long a statement may take. With the two seconds between two polls this leaves time for a new connection within the
/// promised five seconds.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(5);

/// The connection that reads changes.
#[derive(Clone, Debug)]
pub(super) enum Watch {
    /// SQLite: the pool for reads. Connections to a file are never dead, and no reader waits for the writer.
    Pool(Connections),
    /// PostgreSQL: a connection of its own.
    Own(Own),
}

/// A connection that only tasks of the store hold. It is opened when needed. Clones share it.
#[derive(Clone)]
pub(super) struct Own(Arc<Shared>);

struct Shared {
    url: SecretString,
    live: Mutex<Option<Live>>,
    /// Counts how often the connection was retired.
    generation: AtomicU64,
    is_closed: AtomicBool,
}

struct Live {
    connection: AnyConnection,
    generation: u64,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Own")
    }
}

impl Watch {
    /// Runs a SELECT, with two tries at most.
    pub(super) async fn read(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        match self {
            Watch::Pool(reads) => timeout(PATIENCE, reads.read(stmt)).await.map_err(|_| Error::Silent)?,
            Watch::Own(own) => own.read(stmt).await,
        }
    }

    /// Closes the connection, if it has one of its own. From now on nothing is read on it.
    pub(super) async fn close(&self) {
        let Watch::Own(own) = self else { return };
        own.0.is_closed.store(true, Ordering::Release);
        if let Some(live) = own.0.live.lock().await.take() {
            let _ = timeout(PATIENCE, live.connection.close()).await;
        }
    }
}

impl Own {
    pub(super) fn new(url: SecretString) -> Self {
        let (generation, is_closed) = (AtomicU64::new(0), AtomicBool::new(false));
        Own(Arc::new(Shared { url, live: Mutex::default(), generation, is_closed }))
    }

    /// In a task: if the caller is dropped, the connection would be lost in the middle of an answer.
    async fn read(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        let (answer, answered) = oneshot::channel();
        let this = self.clone();
        let task = async move {
            let mut live = this.0.live.lock().await;
            // The caller is gone. Reads that wait for a database that does not answer must not pile up.
            if !answer.is_closed() {
                let _ = answer.send(this.read_in_task(&mut live, stmt).await);
            }
        };
        tokio::spawn(task.in_current_span());
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Tries once more on a new connection, if the open one brought no answer.
    async fn read_in_task(&self, live: &mut Option<Live>, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        if self.0.is_closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        let was_open = live.is_some();
        match self.try_once(live, &stmt).await {
            Err(_) if was_open && live.is_none() => self.try_once(live, &stmt).await,
            answered => answered,
        }
    }

    /// Keeps the connection only if it is ready for the next statement.
    async fn try_once(&self, live: &mut Option<Live>, stmt: &Stmt) -> Result<Vec<AnyRow>, Error> {
        let generation = self.0.generation.load(Ordering::Acquire);
        let mut connection = match live.take() {
            Some(live) if live.generation == generation => live.connection,
            _ => {
                let connect = connect_postgres(self.0.url.expose_secret());
                timeout(CONNECT, connect).await.map_err(|_| Error::Silent)?.map_err(Error::Connect)?
            }
        };
        let rows = timeout(PATIENCE, stmt.clone().query().fetch_all(&mut connection)).await;
        let rows = rows.map_err(|_| Error::Silent)?;
        let is_settled = rows.as_ref().err().is_none_or(connection_is_settled);
        if is_settled && self.0.generation.load(Ordering::Acquire) == generation {
            *live = Some(Live { connection, generation });
        }
        Ok(rows?)
    }

    /// Closes the connection, since its server is gone: at once if it is free, else before its next use.
    pub(super) fn retire(&self) {
        self.0.generation.fetch_add(1, Ordering::AcqRel);
        if let Ok(mut live) = self.0.live.try_lock() {
            *live = None;
        }
    }
}
