//! What other processes changed, read within a bounded time: revocations and signing keys.
//!
//! On PostgreSQL these reads have a connection of their own. A firewall or a failover may leave connections that are open
//! and dead, and each one of a pool costs whoever meets it first its whole patience. This one is replaced at the first read
//! that is not answered, so a dead connection costs the watch one time-out, and none of the pool's costs it any.

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

/// How long a statement may take. With the two seconds between two polls it leaves room for a new connection within the five
/// seconds that are promised.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(5);

/// The way by which changes are read.
#[derive(Clone, Debug)]
pub(super) enum Watch {
    /// SQLite: the pool for reads. No connection to a file is ever dead, and no reader waits for the writer.
    Pool(Connections),
    /// PostgreSQL: a connection of its own.
    Own(Own),
}

/// A connection that only tasks of the store hold; opened when it is needed. Clones share it.
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
    /// The rows of a SELECT, or an error after two tries at most.
    pub(super) async fn read(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        match self {
            Watch::Pool(reads) => timeout(PATIENCE, reads.read(stmt)).await.map_err(|_| Error::Silent)?,
            Watch::Own(own) => own.read(stmt).await,
        }
    }

    /// Ends the connection, if it has one of its own. From now on nothing is read on it.
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

    /// In a task, since whoever waits may be dropped, and the connection would be lost in the middle of an answer.
    async fn read(&self, stmt: Stmt) -> Result<Vec<AnyRow>, Error> {
        let (answer, answered) = oneshot::channel();
        let this = self.clone();
        let task = async move {
            let mut live = this.0.live.lock().await;
            // Reads that wait behind a database that does not answer must not pile up: nobody waits for this one any more.
            if !answer.is_closed() {
                let _ = answer.send(this.read_in_task(&mut live, stmt).await);
            }
        };
        tokio::spawn(task.in_current_span());
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Once more on a new connection, if the one that was open brought no answer.
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

    /// The connection is put back only if it waits for the next statement.
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
