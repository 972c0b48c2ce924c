//! The built-in MCP server, in the handshake of 2025-11-25 and in the stateless form of 2026-07-28.

use serde_json::json;

use crate::support::messages::{NOW, Signed, initialize, message, modern};
use crate::support::wire::{json_of, text};

#[tokio::test]
async fn a_client_of_2025_11_25_shakes_hands_lists_and_calls() {
    let signed = Signed::new().await;
    let page = signed.post(&[], &initialize("2025-11-25")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(text(&page, "mcp-session-id"), "", "no session that could be taken over");
    let answer = json_of(&page);
    assert_eq!((&answer["id"], &answer["result"]["protocolVersion"]), (&json!(7), &json!("2025-11-25")));
    assert_eq!(answer["result"]["serverInfo"]["name"], "jean");
    assert!(answer["result"]["capabilities"]["tools"].is_object());

    let version = [("mcp-protocol-version", "2025-11-25")];
    let page = signed.post(&version, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    assert_eq!(page.status, 202, "{}", page.body);

    let tools = json_of(&signed.post(&version, &message("tools/list", json!({}))).await);
    let tools = tools["result"]["tools"].as_array().expect("tools").clone();
    assert_eq!(tools.len(), 1);
    assert_eq!(tools[0]["name"], "whoami");
    assert_eq!(tools[0]["annotations"]["readOnlyHint"], true);

    let call = json!({ "name": "whoami", "arguments": {} });
    let answer = json_of(&signed.post(&version, &message("tools/call", call)).await);
    assert_eq!(answer["result"]["structuredContent"]["email"], "ada-lovelace@example.com", "{answer}");
    assert_eq!(answer["result"]["isError"], false);
}

#[tokio::test]
async fn a_client_of_2026_07_28_discovers_and_calls_without_a_handshake() {
    let signed = Signed::new().await;
    let discover = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "server/discover")];
    let page = signed.post(&discover, &message("server/discover", modern(NOW, json!({})))).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let versions = &json_of(&page)["result"]["supportedVersions"];
    assert!(versions.as_array().is_some_and(|versions| versions.contains(&json!("2026-07-28"))), "{versions}");

    let call = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "whoami")];
    let params = modern(NOW, json!({ "name": "whoami", "arguments": {} }));
    let page = signed.post(&call, &message("tools/call", params.clone())).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(json_of(&page)["result"]["structuredContent"]["name"], "Ada Lovelace");

    let contradiction = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "other")];
    let page = signed.post(&contradiction, &message("tools/call", params)).await;
    assert_eq!((page.status.as_u16(), &json_of(&page)["error"]["code"]), (400, &json!(-32020)), "{}", page.body);
    let unknown = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "no/such")];
    let page = signed.post(&unknown, &message("no/such", modern(NOW, json!({})))).await;
    assert_eq!((page.status.as_u16(), &json_of(&page)["error"]["code"]), (404, &json!(-32601)), "{}", page.body);
}

/// The transport of 2026-07-28: GET and DELETE on a server without sessions are answered with 405.
#[tokio::test]
async fn other_methods_are_answered_with_405_behind_the_guard() {
    let signed = Signed::new().await;
    for method in ["GET", "DELETE", "PUT"] {
        let page = signed.send(method, &[("accept", "text/event-stream")], "").await;
        assert_eq!((page.status.as_u16(), text(&page, "allow")), (405, "POST"), "{method}");
    }
}

/// workers-oauth-provider #240.
#[tokio::test]
async fn what_is_no_message_is_the_clients_fault() {
    let signed = Signed::new().await;
    for body in ["", "{", "null", "[]", "\"x\"", "{}", "\u{0}", r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#] {
        let headers = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        let page = signed.send("POST", &headers, body).await;
        assert!(page.status.is_client_error(), "{body:?}: {} {}", page.status, page.body);
    }
    let big = format!("{{\"x\":\"{}\"}}", "x".repeat(70_000));
    let headers = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
    assert_eq!(signed.send("POST", &headers, &big).await.status, 413);
    assert_eq!(signed.send("POST", &[("accept", "text/html")], "{}").await.status, 406);
    let form = [("content-type", "text/plain"), ("accept", "application/json, text/event-stream")];
    assert_eq!(signed.send("POST", &form, "{}").await.status, 415);
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_an_error_of_the_protocol() {
    let signed = Signed::new().await;
    let page =
        signed.post(&[("mcp-protocol-version", "2025-11-25")], &message("tools/call", json!({ "name": "rm" }))).await;
    assert_eq!(page.status, 200);
    assert_eq!(json_of(&page)["error"]["code"], -32602, "{}", page.body);
}
