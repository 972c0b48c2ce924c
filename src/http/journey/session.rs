//! Browser sessions by tower-sessions, stored in jean's own database.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore};

use crate::flow::app::App;
use crate::flow::person::session;
use crate::flow::person::sign_in::{self, SESSION_LIFETIME, SignedIn};
use crate::http::cookies::Cookies;
use crate::http::extract::Browser;
use crate::http::web::Web;
use crate::oauth::error::Error as OAuthError;
use crate::oauth::grant::RowId;

/// The key of a session's only value: the id of a sign-in.
pub(crate) const SIGN_IN: &str = "sign_in";

/// The session layer of the browser's routes. SameSite is Lax: a browser does not send a Strict cookie when a client or an
/// upstream sends it here.
pub(crate) fn layer(app: &Arc<App>) -> SessionManagerLayer<Sessions> {
    let cookies = Cookies::new(&app.settings().issuer);
    SessionManagerLayer::new(Sessions(app.clone()))
        .with_name(cookies.session())
        .with_secure(cookies.secure())
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(Duration::seconds_f64(SESSION_LIFETIME.as_secs_f64())))
}

#[derive(Clone)]
pub(crate) struct Sessions(Arc<App>);

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// The person who is signed in, in this browser.
pub(crate) async fn signed_in(web: &Web, browser: &Browser) -> std::result::Result<Option<SignedIn>, OAuthError> {
    let id: Option<String> = browser.session.get(SIGN_IN).await.map_err(OAuthError::unavailable)?;
    sign_in::find(&web.app, id.as_deref().and_then(RowId::parse), browser.now).await
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while !session::create(&self.0, &record.id.to_string(), &encode(record)?).await.map_err(backend)? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        session::save(&self.0, &record.id.to_string(), &encode(record)?).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(data) = session::load(&self.0, &id.to_string()).await.map_err(backend)? else { return Ok(None) };
        let data: HashMap<_, _> = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(self.0.now().0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        session::delete(&self.0, &id.to_string()).await.map_err(backend)
    }
}

fn encode(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

fn backend(error: session::Error) -> Error {
    Error::Backend(error.to_string())
}
