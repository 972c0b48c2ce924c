//! Browser sessions, for the session layer of `http`; keyed by the hash of their id.
//!
//! What a session holds is the id of a sign-in, which has an end of its own: nothing that security hangs on rests on the
//! session's.

use crate::flow::app::App;
use crate::flow::person::sign_in::SESSION_LIFETIME;
use crate::oauth::token::TokenHash;
pub(crate) use crate::store::Error;

/// Keeps a new session; `false` where the id is taken.
pub(crate) async fn create(app: &App, id: &str, data: &str) -> Result<bool, Error> {
    app.store.insert_session(&hash(id), data, app.clock.now() + SESSION_LIFETIME).await
}

/// Keeps a session in place of what it held.
pub(crate) async fn save(app: &App, id: &str, data: &str) -> Result<(), Error> {
    app.store.save_session(&hash(id), data, app.clock.now() + SESSION_LIFETIME).await
}

/// What a session holds, unless it has expired.
pub(crate) async fn load(app: &App, id: &str) -> Result<Option<String>, Error> {
    app.store.find_session(&hash(id), app.clock.now()).await
}

/// Ends a session.
pub(crate) async fn delete(app: &App, id: &str) -> Result<(), Error> {
    app.store.delete_session(&hash(id)).await
}

fn hash(id: &str) -> TokenHash {
    TokenHash::of(id.as_bytes())
}
