//! Browser sessions, for the session layer of `http`; keyed by the hash of their id.

use crate::app::App;
use crate::clock::UnixTime;
use crate::oauth::token::TokenHash;
use crate::store::Error;

/// Keeps a new session; `false` where the id is taken.
pub async fn create(app: &App, id: &str, data: &str, expires_at: UnixTime) -> Result<bool, Error> {
    app.store.insert_session(&TokenHash::of(id.as_bytes()), data, expires_at).await
}

/// Keeps a session in place of what it held.
pub async fn save(app: &App, id: &str, data: &str, expires_at: UnixTime) -> Result<(), Error> {
    app.store.save_session(&TokenHash::of(id.as_bytes()), data, expires_at).await
}

/// What a session holds, unless it has expired by jean's own clock.
pub async fn load(app: &App, id: &str) -> Result<Option<(String, UnixTime)>, Error> {
    let found = app.store.find_session(&TokenHash::of(id.as_bytes())).await?;
    Ok(found.filter(|(_, expires_at)| *expires_at > app.clock.now()))
}

/// Ends a session.
pub async fn delete(app: &App, id: &str) -> Result<(), Error> {
    app.store.delete_session(&TokenHash::of(id.as_bytes())).await
}
