//! Revocations: revokes families, and polls every two seconds for what other replicas revoked.
//!
//! Each poll reads from two minutes before the last one. Remembering a revocation twice is harmless, and the overlap covers
//! skewed clocks and late commits, which a sequence number would miss.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::UnixTime;
use crate::flow::app::{App, Memory};
use crate::oauth::client::Client;
use crate::oauth::client_id::ClientId;
use crate::oauth::error::Error;
use crate::oauth::grant::GrantId;
use crate::store::{Revoked, Store, to_the_end};

/// How often revocations are polled.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);

/// How far each poll reaches back before the last one.
const OVERLAP: Duration = Duration::from_secs(120);

/// How long a call waits for a poll.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Reads the revocations since the last successful poll, or since the oldest that could matter.
pub(crate) async fn poll(app: &App, now: UnixTime) -> Result<(), Error> {
    let last = app.memory.polled_at();
    let since = match last.0 {
        0 => now - app.settings.tokens.access_lifetime - OVERLAP - OVERLAP,
        _ => last - OVERLAP,
    };
    let revoked = app.store.revoked_since(since).await?;
    // Streams outlive the token that they began with, so a family is remembered from now on, not only while its tokens
    // are valid.
    app.memory.revoke(revoked.into_iter().map(|revoked| Revoked { until: revoked.until.max(now), ..revoked }));
    app.memory.polled(now);
    Ok(())
}

/// Compares the replicas' clocks: stores this process's time, and notes how far the fastest other replica is ahead.
pub(crate) async fn compare_clocks(app: &App, now: UnixTime) -> Result<(), Error> {
    let ahead = app.store.newest_replica(&app.replica).await?.since(now).max(0);
    app.memory.set_skew(ahead);
    if ahead > OVERLAP.as_secs().cast_signed() {
        tracing::error!(seconds = ahead, "another replica's clock is too far ahead: revocations may come late");
    }
    Ok(app.store.upsert_replica(&app.replica, now).await?)
}

/// Rejects if the last successful poll is longer ago than `[guard] max_staleness`. A process that slept may poll first: one
/// call polls for all that wait.
pub(crate) async fn fresh_enough(app: &App, now: UnixTime) -> Result<(), Error> {
    if is_fresh(app, now) {
        return Ok(());
    }
    let Ok(_turn) = app.memory.polling.try_lock() else {
        // Another call has polled meanwhile.
        let _turn = app.memory.polling.lock().await;
        return if is_fresh(app, now) { Ok(()) } else { Err(too_old()) };
    };
    // The poll may open a new connection, which takes longer than a call may wait.
    tokio::time::timeout(PATIENCE, poll(app, now)).await.unwrap_or_else(|_| Err(too_old()))
}

/// Whether the family is revoked, as far as this process knows.
pub(crate) fn is_revoked(app: &App, family: GrantId) -> bool {
    app.memory.is_revoked(family)
}

fn too_old() -> Error {
    Error::unavailable("the revocations have not been read for too long")
}

fn is_fresh(app: &App, now: UnixTime) -> bool {
    now <= app.memory.polled_at() + app.settings.max_staleness
}

/// Revokes a family. The guard of this process knows before the request is answered, other replicas after their next poll.
pub(crate) async fn revoke(app: &App, family: GrantId, why: &'static str, now: UnixTime) -> Result<(), Error> {
    let ending = Ending::new(app, now);
    to_the_end(async move { ending.family(family, why).await }).await.map_err(Error::server)?
}

/// Deletes a registered client. Revokes its grants first, and once more afterwards for what a person allowed meanwhile. A
/// code that is issued later cannot be redeemed, since its client is gone.
pub(crate) async fn delete_client(app: &App, client: &Client, now: UnixTime) -> Result<(), Error> {
    let (ending, client) = (Ending::new(app, now), client.clone());
    let deletion = async move {
        ending.all_of(&client.id).await?;
        ending.store.delete_client(&client).await?;
        ending.all_of(&client.id).await
    };
    to_the_end(deletion).await.map_err(Error::server)?
}

/// Revokes in the database and in this process's memory. Both must happen, even if the request is dropped.
struct Ending {
    store: Store,
    memory: Arc<Memory>,
    now: UnixTime,
    /// Memory keeps a family at least until then.
    least: UnixTime,
}

impl Ending {
    fn new(app: &App, now: UnixTime) -> Self {
        let least = now + app.grant_lifetimes().access;
        Ending { store: app.store.clone(), memory: app.memory.clone(), now, least }
    }

    async fn family(&self, family: GrantId, why: &'static str) -> Result<(), Error> {
        let until = self.store.revoke_family(family, why, self.now).await.inspect_err(|error| {
            // If the request is over, no other code logs this.
            tracing::error!(%family, why, error = error as &dyn std::error::Error, "a family could not be revoked");
        })?;
        if until.is_some() {
            tracing::info!(%family, why, "revoked");
        }
        // For a whole lifetime of an access token, since a request that redeemed earlier may still sign. Also if the family
        // was revoked before, since this process may not know of it.
        self.memory.revoke([self.for_memory(Revoked { family, until: until.unwrap_or(self.now) })]);
        Ok(())
    }

    async fn all_of(&self, client: &ClientId) -> Result<(), Error> {
        loop {
            let revoked = self.store.revoke_some_of_client(client, "client_deleted", self.now).await?;
            if revoked.is_empty() {
                return Ok(());
            }
            self.memory.revoke(revoked.into_iter().map(|revoked| self.for_memory(revoked)));
        }
    }

    fn for_memory(&self, revoked: Revoked) -> Revoked {
        Revoked { until: revoked.until.max(self.least), ..revoked }
    }
}
