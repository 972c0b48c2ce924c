//! Sessions of the MCP revisions before 2026-07-28: each belongs to the person and the client that opened it.
//!
//! The backend issues a session id. The guard sends it to the client as `ID.MAC`, with a MAC over mount, person, client and
//! id. So any replica can verify the owner of a session, also after a restart and without memory. The backend sees only its
//! own ids, and never one with a wrong MAC (MCP security best practices, "Session Hijacking").
//!
//! The client counts, not only the person: a backend may remember things about the first caller, such as its scopes, and
//! another client of the same person may have been allowed less. A client that registers again loses its session and opens
//! another, which costs a handshake.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::denied::Denied;
use crate::flow::app::{App, Verified};
use crate::flow::token::mcp_session;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// The first revision without sessions. Revisions are dates, so their text order is their order in time.
const STATELESS: &str = "2026-07-28";

/// The owner of a request's sessions.
pub(super) struct Owner {
    app: Arc<App>,
    verified: Arc<Verified>,
}

impl Owner {
    pub(super) fn new(app: Arc<App>, verified: Arc<Verified>) -> Self {
        Owner { app, verified }
    }

    pub(super) fn into_verified(self) -> Arc<Verified> {
        self.verified
    }

    /// Replaces the session id of a request by the backend's. Requests of revision 2026-07-28 have no session, so the header
    /// is removed, as that revision says.
    pub(super) fn unwrap_id(&self, headers: &mut HeaderMap) -> Result<(), Denied> {
        let is_stateless =
            headers.get(PROTOCOL_VERSION).is_some_and(|version| version.as_bytes() >= STATELESS.as_bytes());
        let inner = {
            let mut ids = headers.get_all(SESSION_ID).iter();
            match (ids.next(), ids.next()) {
                (None, _) => return Ok(()),
                _ if is_stateless => None,
                (Some(id), None) => Some(self.inner(id).ok_or(Denied::Session)?),
                _ => return Err(Denied::Session),
            }
        };
        headers.remove(SESSION_ID);
        headers.extend(inner.map(|inner| (SESSION_ID, inner)));
        Ok(())
    }

    /// Replaces the backend's session id in a response by the one for the client.
    pub(super) fn wrap_id(&self, headers: &mut HeaderMap) {
        let Some(inner) = headers.remove(SESSION_ID) else { return };
        let mac = mcp_session::mac(&self.app, &self.verified, inner.as_bytes());
        if let Ok(outer) = HeaderValue::from_bytes(&[inner.as_bytes(), b".", mac.as_bytes()].concat()) {
            headers.insert(SESSION_ID, outer);
        }
    }

    fn inner(&self, outer: &HeaderValue) -> Option<HeaderValue> {
        let (inner, mac) = outer.to_str().ok()?.rsplit_once('.')?;
        let is_theirs = mcp_session::is_theirs(&self.app, &self.verified, inner.as_bytes(), mac);
        is_theirs.then(|| HeaderValue::from_str(inner).ok()).flatten()
    }
}
