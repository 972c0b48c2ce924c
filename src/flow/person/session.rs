//! Browser sessions, for the session layer of `http`, stored under the hash of their id.
//!
//! A session holds only the id of a sign-in, which has its own expiry. Security does not depend on the session's expiry.

use crate::flow::app::App;
use crate::flow::person::sign_in::SESSION_LIFETIME;
use crate::oauth::token::TokenHash;
pub(crate) use crate::store::Error;

/// Stores a new session; `false` if the id is taken.
pub(crate) async fn create(app: &App, id: &str, data: &str) -> Result<bool, Error> {
    app.store.insert_session(&hash(id), data, app.clock.now() + SESSION_LIFETIME).await
}

/// Replaces what a session holds.
pub(crate) async fn save(app: &App, id: &str, data: &str) -> Result<(), Error> {
    app.store.save_session(&hash(id), data, app.clock.now() + SESSION_LIFETIME).await
}

/// What a session holds, unless it has expired.
pub(crate) async fn load(app: &App, id: &str) -> Result<Option<String>, Error> {
    app.store.find_session(&hash(id), app.clock.now()).await
}

pub(crate) async fn delete(app: &App, id: &str) -> Result<(), Error> {
    app.store.delete_session(&hash(id)).await
}

fn hash(id: &str) -> TokenHash {
    TokenHash::of(id.as_bytes())
}
