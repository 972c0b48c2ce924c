//! Messages to an MCP server, and somebody who sends them.

use jean_testing::browser::Page;
use serde_json::{Value, json};

use super::World;
use super::wire::ask;

/// The headers of a message.
pub(crate) const JSON: [(&str, &str); 2] =
    [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];

/// The revision without sessions.
pub(crate) const NOW: &str = "2026-07-28";

/// The built-in server with somebody signed in.
pub(crate) struct Signed {
    pub world: World,
    pub bearer: String,
}

impl Signed {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let (_, tokens) = world.tokens().await;
        Signed { world, bearer: format!("Bearer {}", tokens.access()) }
    }

    /// Sends a message by POST as the transport asks, with more headers.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], message: &Value) -> Page {
        self.send("POST", &[&JSON[..], headers].concat(), &message.to_string()).await
    }

    /// Sends a request to `/mcp` with these headers and the token.
    pub(crate) async fn send(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let headers = [&[("authorization", self.bearer.as_str())][..], headers].concat();
        ask(&self.world.router, &format!("{method} /mcp"), &headers, body).await
    }
}

/// A JSON-RPC request.
pub(crate) fn message(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

/// The parameters of a request of 2026-07-28, which say its revision.
pub(crate) fn modern(version: &str, params: Value) -> Value {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

/// The request that opens the handshake of the older revisions.
pub(crate) fn initialize(version: &str) -> Value {
    let info = json!({ "name": "test", "version": "1" });
    message("initialize", json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": info }))
}
