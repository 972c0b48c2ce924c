//! The scopes that a call needs, by the tools that the body of its message names.
//!
//! Since revision 2026-07-28 the headers `Mcp-Method` and `Mcp-Name` repeat the tool's name, but an attacker can leave them
//! out or lie. So the body counts, and a body that two parsers could read in two ways is rejected: a key that is there twice
//! or in other letter case (some parsers ignore case), a byte order mark, another encoding, anything after the end.

use axum::body::{Body, Bytes};
use axum::http::Request;

use super::denied::Denied;
use super::strict_json::{self, Part};
use crate::config::settings::{Limits, Mount};
use crate::oauth::scope::Scopes;
use crate::wire::body::{self, Unread};

/// The largest message that is parsed, in bytes.
const MAX_MESSAGE: usize = 4 << 20;

/// The members of a JSON-RPC 2.0 message; MCP adds none.
const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// Reads the body of a request and puts it back. Returns the scopes that its calls need at a mount; none without a body.
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
        // A response to the server's own request.
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
