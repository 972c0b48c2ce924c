//! The transport of all revisions at the built-in server: the stateless one of 2026-07-28 with its headers, and the
//! handshakes before it.

use jean_testing::browser::Page;
use serde_json::json;

use crate::support::messages::{JSON, NOW, Signed, initialize, message, modern};
use crate::support::wire::{ask, json_of, text};

/// Status and code of an error.
fn error_of(page: &Page) -> (u16, i64) {
    (page.status.as_u16(), json_of(page)["error"]["code"].as_i64().unwrap_or_else(|| panic!("no code: {page:?}")))
}

#[tokio::test]
async fn a_request_of_2026_07_28_is_answered_without_a_handshake() {
    let signed = Signed::new().await;
    for (method, name, params) in [
        ("server/discover", None, json!({})),
        ("tools/list", None, json!({})),
        ("tools/call", Some("whoami"), json!({ "name": "whoami", "arguments": {} })),
        ("tools/call", Some("=?base64?d2hvYW1p?="), json!({ "name": "whoami", "arguments": {} })),
    ] {
        let mut headers = vec![("mcp-protocol-version", NOW), ("mcp-method", method)];
        headers.extend(name.map(|name| ("mcp-name", name)));
        let page = signed.post(&headers, &message(method, modern(NOW, params))).await;
        assert_eq!(page.status, 200, "{method}: {}", page.body);
        assert!(json_of(&page)["result"].is_object(), "{method}: {}", page.body);
        assert_eq!(text(&page, "mcp-session-id"), "", "{method}");
        // A session of an older revision means nothing here.
        headers.push(("mcp-session-id", "1868a90c-of-another-server"));
        let page = signed.post(&headers, &message(method, modern(NOW, json!({ "name": "whoami" })))).await;
        assert_eq!((page.status.as_u16(), text(&page, "mcp-session-id")), (200, ""), "{method}: {}", page.body);
    }
}

/// "Server Validation": the headers repeat the body, or the request is refused.
#[tokio::test]
async fn headers_that_contradict_the_body_are_refused() {
    let signed = Signed::new().await;
    let call = message("tools/call", modern(NOW, json!({ "name": "whoami", "arguments": {} })));
    let (version, method, name) = (("mcp-protocol-version", NOW), ("mcp-method", "tools/call"), ("mcp-name", "whoami"));
    assert_eq!(signed.post(&[version, method, name], &call).await.status, 200);
    for headers in [
        vec![("mcp-protocol-version", "2025-11-25"), method, name],
        vec![method, name],
        vec![version, name],
        vec![version, ("mcp-method", "tools/list"), name],
        vec![version, ("mcp-method", "Tools/Call"), name],
        vec![version, method],
        vec![version, method, ("mcp-name", "other")],
        vec![version, method, ("mcp-name", "=?base64?b3RoZXI=?=")],
        vec![version, method, ("mcp-name", "=?base64?!?=")],
    ] {
        assert_eq!(error_of(&signed.post(&headers, &call).await), (400, -32020), "{headers:?}");
    }
}

#[tokio::test]
async fn an_unknown_revision_is_told_which_ones_there_are() {
    let signed = Signed::new().await;
    for version in ["2099-01-01", "1999-01-01", "next"] {
        let headers = [("mcp-protocol-version", version), ("mcp-method", "tools/list")];
        for params in [modern(version, json!({})), json!({})] {
            let page = signed.post(&headers, &message("tools/list", params.clone())).await;
            assert_eq!(error_of(&page), (400, -32022), "{version} {params}: {}", page.body);
            let error = &json_of(&page)["error"];
            let supported = error["data"]["supported"].as_array().expect("the revisions").clone();
            for known in ["2025-03-26", "2025-06-18", "2025-11-25", NOW] {
                assert!(supported.contains(&json!(known)), "{version}: {supported:?}");
            }
            assert_eq!(error["data"]["requested"], version);
        }
    }
}

#[tokio::test]
async fn an_unknown_method_is_not_found() {
    let signed = Signed::new().await;
    for method in ["no/such", "resources/list"] {
        let headers = [("mcp-protocol-version", NOW), ("mcp-method", method)];
        let page = signed.post(&headers, &message(method, modern(NOW, json!({})))).await;
        assert_eq!(error_of(&page), (404, -32601), "{method}: {}", page.body);
        // Before 2026-07-28 errors of the protocol are answers like others.
        let page = signed.post(&[("mcp-protocol-version", "2025-11-25")], &message(method, json!({}))).await;
        assert_eq!(error_of(&page), (200, -32601), "{method}: {}", page.body);
    }
}

#[tokio::test]
async fn the_handshakes_of_all_older_revisions_work() {
    let signed = Signed::new().await;
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        for header in [&[][..], &[("mcp-protocol-version", version)]] {
            let page = signed.post(header, &initialize(version)).await;
            assert_eq!(page.status, 200, "{version}: {}", page.body);
            assert_eq!(json_of(&page)["result"]["protocolVersion"], version);
            assert_eq!(text(&page, "mcp-session-id"), "", "{version}: nothing that could be taken over");
            // The header came with 2025-06-18; without it a request is of 2025-03-26.
            let header = if version == "2025-03-26" { &[][..] } else { &[("mcp-protocol-version", version)] };
            let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
            let page = signed.post(header, &initialized).await;
            assert_eq!((page.status.as_u16(), page.body.as_str()), (202, ""), "{version}");
            let call = message("tools/call", json!({ "name": "whoami", "arguments": {} }));
            let page = signed.post(header, &call).await;
            assert_eq!(page.status, 200, "{version}: {}", page.body);
            let email = &json_of(&page)["result"]["structuredContent"]["email"];
            assert_eq!(email, "ada-lovelace@example.com", "{version}");
        }
    }
    // A revision that nobody knows is answered with one that both may know.
    let page = signed.post(&[], &initialize("2024-01-01")).await;
    let agreed = json_of(&page)["result"]["protocolVersion"].clone();
    assert!(["2025-03-26", "2025-06-18", "2025-11-25"].iter().any(|version| agreed == *version), "{agreed}");
}

/// Revision 2025-03-26: "MCP implementations MUST support receiving JSON-RPC batches"; 2025-06-18 took them away.
/// "Sending Messages to the Server": clients name both media types. Claude's own servers were seen to name one, and others name
/// none; all of them can read the JSON that they get.
#[tokio::test]
async fn whoever_accepts_one_of_the_media_types_or_anything_is_answered() {
    let signed = Signed::new().await;
    let json = ("content-type", "application/json");
    let list = message("tools/list", modern("2026-07-28", json!({})));
    let modern = [json, ("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")];
    for (headers, message) in [(&[json][..], message("tools/list", json!({}))), (&modern, list)] {
        assert_eq!(signed.send("POST", headers, &message.to_string()).await.status, 200, "none is named");
        for (accept, status) in [
            ("*/*", 200),
            ("application/json", 200),
            ("text/event-stream", 200),
            ("Application/JSON;q=0.9, text/html", 200),
            ("application/*", 200),
            ("text/html", 406),
            ("application/jsonp", 406),
            ("", 406),
        ] {
            let page = signed.send("POST", &[headers, &[("accept", accept)]].concat(), &message.to_string()).await;
            assert_eq!(page.status.as_u16(), status, "{accept:?}: {}", page.body);
        }
        let both = [headers, &[("accept", "text/html"), ("accept", "application/json")]].concat();
        assert_eq!(signed.send("POST", &both, &message.to_string()).await.status, 200, "the header may come in parts");
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_the_one_revision_that_has_them() {
    let signed = Signed::new().await;
    let call =
        |id: i64, name: &str| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": name } });
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    for headers in [&[][..], &[("mcp-protocol-version", "2025-03-26")]] {
        let batch = json!([call(1, "whoami"), initialized, call(2, "none"), { "jsonrpc": "2.0", "id": 3 }, 4]);
        let page = signed.post(headers, &batch).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let answers = json_of(&page);
        let ids: Vec<_> = answers.as_array().expect("a list").iter().map(|answer| answer["id"].as_i64()).collect();
        assert_eq!(ids, [Some(1), Some(2), Some(3), None], "{answers}");
        assert_eq!(answers[0]["result"]["structuredContent"]["email"], "ada-lovelace@example.com");
        assert_eq!(answers[1]["error"]["code"], -32602);
        assert_eq!((&answers[2]["error"]["code"], &answers[3]["error"]["code"]), (&json!(-32600), &json!(-32600)));
        let page = signed.post(headers, &json!([initialized, initialized])).await;
        assert_eq!((page.status.as_u16(), page.body.as_str()), (202, ""));
        for wrong in [json!([]), json!([initialize("2025-03-26")]), json!([initialized, initialize("2025-03-26")])] {
            assert_eq!(error_of(&signed.post(headers, &wrong).await), (400, -32600), "{wrong}");
        }
        let page = signed.post(&[headers, &[("accept", "text/html")]].concat(), &batch).await;
        assert_eq!(page.status, 200, "the first Accept counts as well: {}", page.body);
    }
    for version in ["2025-06-18", "2025-11-25", NOW, "next"] {
        let page = signed.post(&[("mcp-protocol-version", version)], &json!([call(1, "whoami")])).await;
        assert_eq!(error_of(&page), (400, -32600), "{version}");
    }
}

/// JSON-RPC 2.0 section 5.1, so that a client knows whom it has met.
#[tokio::test]
async fn what_is_no_message_is_answered_with_an_error_of_json_rpc() {
    let signed = Signed::new().await;
    let headers = [&JSON, &[("authorization", signed.bearer.as_str())][..]].concat();
    for (body, status, code) in [
        ("", 400, -32700),
        ("{", 400, -32700),
        ("{}{}", 400, -32700),
        ("\u{feff}{}", 400, -32700),
        ("null", 400, -32600),
        ("{}", 400, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#, 400, -32600),
        (&format!("\"{}\"", "x".repeat(65_535)), 413, -32600),
    ] {
        let page = ask(&signed.world.router, "POST /mcp", &headers, body).await;
        assert_eq!(error_of(&page), (status, code), "{body:.20}: {}", page.body);
        assert_eq!(text(&page, "content-type"), "application/json", "{body:.20}");
    }
}
