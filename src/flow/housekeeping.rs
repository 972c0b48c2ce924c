//! Background work of a running server: the sweep, the watch over the database file, the providers' discovery documents,
//! and closing.

use std::path::PathBuf;

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::time;
use crate::store;

pub(crate) async fn sweep(app: &App, now: UnixTime) -> Result<(), store::Error> {
    app.store.sweep(&app.settings.clients, now).await
}

/// Whether other machines may use the same database.
pub(crate) fn is_shared(app: &App) -> bool {
    app.store.is_shared()
}

/// Verifies that the database file is still at its path.
pub(crate) async fn verify_file(app: &App) {
    app.store.verify_file().await;
}

/// Resolves with its path if the database file is gone, else never.
pub(crate) async fn file_is_gone(app: &App) -> PathBuf {
    app.store.gone().await
}

/// Fetches the discovery document of this provider. Returns whether that succeeded; a failure is logged there.
pub(crate) async fn discover(app: &App, upstream: &str) -> bool {
    match app.upstream(upstream) {
        Some(upstream) => upstream.discover().await.is_ok(),
        None => false,
    }
}

/// Stores the time, waits for pending writes, and closes the database.
pub(crate) async fn close(app: &App) {
    if let Err(error) = time::store_last(app).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the time could not be stored");
    }
    app.store.close().await;
}
