//! The owner of an MCP session: each id carries a MAC over mount, person, client and id.

use crate::flow::app::{App, Verified};

/// The MAC for a session of this caller, by the id that the backend gave it.
pub(crate) fn mac(app: &App, caller: &Verified, id: &[u8]) -> String {
    app.root.session_mac(&parts(caller, id))
}

/// Verifies that this caller opened the session.
pub(crate) fn is_theirs(app: &App, caller: &Verified, id: &[u8], mac: &str) -> bool {
    app.root.verify_session_mac(&parts(caller, id), mac)
}

fn parts<'a>(caller: &'a Verified, id: &'a [u8]) -> [&'a [u8]; 4] {
    let Verified { audience, person, client, .. } = caller;
    [audience.as_str().as_bytes(), person.id.as_str().as_bytes(), client.as_str().as_bytes(), id]
}
