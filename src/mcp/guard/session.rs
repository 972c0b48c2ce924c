//! Sessions of the MCP revisions before 2026-07-28: each belongs to the person and the client that opened it.
//!
//! The server behind the guard gives out a session id; outside of the guard it is `ID.MAC`, and the MAC is over mount,
//! person, client and id. So any replica can tell whose a session is, after a restart too, and no memory is needed. The
//! server behind sees its own ids only, and never one whose MAC is wrong (MCP security best practices, "Session
//! Hijacking").
//!
//! The client counts, not the person alone: a server may keep what it learned of the first caller, its scopes for one, and
//! another client of the same person may have been allowed less. A client that registers anew loses its session and opens
//! the next one, which costs it a handshake.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::denied::Denied;
use crate::flow::app::{App, Verified};
use crate::flow::token::mcp_session;

/// The header of a session id.
const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// The header of the revision.
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// The first revision without sessions; revisions are dates, so they are in order.
const STATELESS: &str = "2026-07-28";

/// Whose the sessions of a request are.
pub(super) struct Owner {
    app: Arc<App>,
    verified: Arc<Verified>,
}

impl Owner {
    /// The sender of a request.
    pub(super) fn new(app: Arc<App>, verified: Arc<Verified>) -> Self {
        Owner { app, verified }
    }

    /// What its token says.
    pub(super) fn into_verified(self) -> Arc<Verified> {
        self.verified
    }

    /// Turns the session id of a request into the inner one. The requests of revision 2026-07-28 have no session: the
    /// header is taken off, as that revision asks.
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

    /// Turns the session id of an answer into the outer one.
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
