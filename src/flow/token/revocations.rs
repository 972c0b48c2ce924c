//! What other processes changed: revocations, read every two seconds, and the clocks of the replicas.
//!
//! Each poll reads back two minutes further than the last one: inserting twice is harmless, and the overlap swallows
//! skewed clocks and late commits, which a sequence number would not.

use std::time::Duration;

use crate::app::App;
use crate::clock::UnixTime;
use crate::oauth::error::Error;

/// How often revocations are read.
pub const INTERVAL: Duration = Duration::from_secs(2);

/// How far each poll looks back beyond the last one.
const OVERLAP: Duration = Duration::from_secs(120);

/// How long a call waits for the revocations.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Reads the revocations once: those since the last good poll, or since the oldest that could matter.
pub async fn poll(app: &App, now: UnixTime) -> Result<(), Error> {
    let last = app.memory.polled_at();
    let since = match last.0 {
        0 => now - app.settings.tokens.access_lifetime - OVERLAP - OVERLAP,
        _ => last - OVERLAP,
    };
    let revoked = app.store.revoked_since(since).await?;
    // Streams outlive the token that they began with, so a family counts from now on, not only while a token of it is good.
    app.memory.revoke(revoked.into_iter().map(|(family, until)| (family, until.max(now))));
    app.memory.polled(now);
    Ok(())
}

/// Compares the clocks of the replicas: stores this process's time, and notes how far the fastest other one is ahead.
pub async fn compare_clocks(app: &App, now: UnixTime) -> Result<(), Error> {
    let ahead = app.store.newest_replica(&app.replica).await?.since(now).max(0);
    app.memory.set_skew(ahead);
    if ahead > OVERLAP.as_secs().cast_signed() {
        tracing::error!(seconds = ahead, "another replica's clock is too far ahead: revocations may come late");
    }
    Ok(app.store.upsert_replica(&app.replica, now).await?)
}

/// Refuses to judge if the revocations were not read for longer than `[guard] max_staleness`. A process that slept is
/// given the chance to read them first, by one call for all that wait.
pub async fn fresh_enough(app: &App, now: UnixTime) -> Result<(), Error> {
    if is_fresh(app, now) {
        return Ok(());
    }
    let Ok(_turn) = app.memory.polling.try_lock() else {
        // Another call is reading: its result is ours.
        let _turn = app.memory.polling.lock().await;
        return if is_fresh(app, now) { Ok(()) } else { Err(too_old()) };
    };
    // The poll may open a new connection, which takes longer than a call may wait.
    tokio::time::timeout(PATIENCE, poll(app, now)).await.unwrap_or_else(|_| Err(too_old()))
}

fn too_old() -> Error {
    Error::unavailable("the revocations have not been read for too long")
}

fn is_fresh(app: &App, now: UnixTime) -> bool {
    now <= app.memory.polled_at() + app.settings.max_staleness
}
