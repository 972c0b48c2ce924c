//! What keeps a running server in order, whoever asks for nothing: the sweep, the file of the database, the providers'
//! discovery documents, and the end.

use std::path::PathBuf;

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::time;
use crate::store;

/// Deletes what has expired.
pub(crate) async fn sweep(app: &App, now: UnixTime) -> Result<(), store::Error> {
    app.store.sweep(&app.settings.clients, now).await
}

/// Whether other machines may serve from the same database.
pub(crate) fn is_shared(app: &App) -> bool {
    app.store.is_shared()
}

/// Verifies that the file of the database is still at its place.
pub(crate) async fn verify_file(app: &App) {
    app.store.verify_file().await;
}

/// Resolves with its path if the file of the database is gone, else never.
pub(crate) async fn file_is_gone(app: &App) -> PathBuf {
    app.store.gone().await
}

/// Fetches the discovery document of the provider of this name; whether it answered. The failure is logged there.
pub(crate) async fn discover(app: &App, upstream: &str) -> bool {
    match app.upstream(upstream) {
        Some(upstream) => upstream.discover().await.is_ok(),
        None => false,
    }
}

/// Stores the time, waits for what is being written, and closes the database.
pub(crate) async fn close(app: &App) {
    if let Err(error) = time::store_last(app).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the time could not be stored");
    }
    app.store.close().await;
}
