//! What a call needs: the tools that a message calls, read from the body itself.
//!
//! The headers `Mcp-Method` and `Mcp-Name` repeat it since revision 2026-07-28, but whoever wants more than they were
//! given would leave them out or lie. So the body counts, and one that two readers could read in two ways is refused: a
//! key twice, or in other letters (some readers do not mind their case), a byte order mark, another encoding, anything
//! behind the end.

use axum::body::{Body, Bytes};
use axum::http::Request;

use super::denied::Denied;
use super::strict_json::{self, Part};
use crate::config::settings::{Limits, Mount};
use crate::oauth::scope::Scopes;
use crate::wire::body::{self, Unread};

/// The largest message that is read, in bytes.
const MAX_MESSAGE: usize = 4 << 20;

/// The members of a JSON-RPC 2.0 message; MCP adds none.
const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// Reads the body of a request and puts it back: what the calls in it need at a mount. Without a body nothing is needed.
pub(super) async fn needs(mount: &Mount, request: &mut Request<Body>, limits: &Limits) -> Result<Scopes, Denied> {
    let body = std::mem::take(request.body_mut());
    let bytes = body::bytes(body, MAX_MESSAGE, limits).await.map_err(|unread| match unread {
        Unread::TooSlow => Denied::TooSlow,
        Unread::TooLarge(_) | Unread::BrokeOff(_) => Denied::TooLarge,
    })?;
    *request.body_mut() = Body::from(bytes.clone());
    needs_of(mount, &bytes)
}

fn needs_of(mount: &Mount, bytes: &Bytes) -> Result<Scopes, Denied> {
    if bytes.is_empty() {
        return Ok(Scopes::default());
    }
    let message = strict_json::parse(bytes).map_err(|_| Denied::NotJson)?;
    let messages = match message {
        Part::List(messages) => messages,
        message => vec![message],
    };
    let tools = messages.iter().map(called_tool).collect::<Result<Vec<_>, _>>()?;
    Ok(tools.into_iter().flatten().fold(Scopes::default(), |all, tool| all.union(&mount.needs(tool))))
}

/// The tool that a message calls, if it calls one.
fn called_tool(message: &Part) -> Result<Option<&str>, Denied> {
    let Part::Object(message) = message else { return Err(Denied::NoMessage) };
    if message.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(Denied::NoMessage);
    }
    match message.get("method") {
        // An answer to the server.
        None => return Ok(None),
        Some(Part::Text(method)) if method == "tools/call" => {}
        Some(Part::Text(_)) => return Ok(None),
        Some(_) => return Err(Denied::NoMessage),
    }
    let Some(Part::Object(params)) = message.get("params") else { return Err(Denied::NoMessage) };
    if params.keys().any(|name| name != "name" && name.eq_ignore_ascii_case("name")) {
        return Err(Denied::NoMessage);
    }
    match params.get("name") {
        Some(Part::Text(tool)) => Ok(Some(tool)),
        _ => Err(Denied::NoMessage),
    }
}
