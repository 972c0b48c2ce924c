//! The transport of the four revisions, behind the guard: handshake and stateless calls, versions, Host, Origin, CORS.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::bearer::ping;
use crate::bench::Bench;
use crate::row::Row;
use crate::source::Revision::{self, V2025_03_26, V2025_06_18, V2025_11_25, V2026_07_28};
use crate::source::mcp;
use crate::wire::{header, json};
use jean_testing::browser::Page;

/// A person's token at a bench.
struct Caller<'a> {
    bench: &'a Bench,
    authorization: String,
}

impl<'a> Caller<'a> {
    async fn at(bench: &'a Bench) -> Result<Self> {
        let (_, tokens) = bench.tokens().await?;
        Ok(Caller { bench, authorization: format!("Bearer {}", tokens.access()) })
    }

    /// Posts a message with these headers.
    async fn post(&self, headers: &[(&str, &str)], message: &Value) -> Page {
        let mut all = vec![("authorization", self.authorization.as_str())];
        all.extend_from_slice(headers);
        self.bench.call(&all, message).await
    }

    /// The error code of the answer to a message of 2026-07-28 with these headers.
    async fn error(&self, headers: &[(&str, &str)], message: &Value) -> Result<(u16, i64)> {
        let page = self.post(headers, message).await;
        Ok((page.status.as_u16(), json(&page)?["error"]["code"].as_i64().unwrap_or_default()))
    }
}

/// A message of 2026-07-28, which says about itself what a session used to know.
fn modern(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "conformance", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

/// A client of an older revision shakes hands, says so, and calls.
async fn handshake(bench: &Bench, revision: Revision) -> Result<()> {
    let caller = Caller::at(bench).await?;
    let params = json!({
        "protocolVersion": revision.as_str(),
        "capabilities": {},
        "clientInfo": { "name": "conformance", "version": "1" },
    });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let page = caller.post(&[], &hello).await;
    ensure!(page.status == 200, "initialize is answered with {}", page.status);
    let answer = json(&page)?;
    ensure!(answer["result"]["protocolVersion"] == revision.as_str(), "{answer}");
    // The header is there since 2025-06-18, the session where the server gave one.
    let mut headers = Vec::new();
    if revision >= V2025_06_18 {
        headers.push(("mcp-protocol-version", revision.as_str()));
    }
    let session = header(&page, "mcp-session-id").to_owned();
    if !session.is_empty() {
        headers.push(("mcp-session-id", &session));
    }
    let page = caller.post(&headers, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    ensure!(page.status == 202, "a notification is answered with {}", page.status);
    let call =
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "whoami", "arguments": {} } });
    let page = caller.post(&headers, &call).await;
    ensure!(page.status == 200 && page.body.contains("Ada Lovelace"), "tools/call: {} {}", page.status, page.body);
    Ok(())
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = for_all();
    rows.extend(of_2026_07_28());
    rows
}

fn for_all() -> Vec<Row> {
    vec![
        mcp(V2025_03_26, "lifecycle#initialization").until(V2025_03_26).must(
            "handshake",
            "A client of 2025-03-26 shakes hands, without any header of its own, and calls.",
            async |bench| handshake(bench, V2025_03_26).await,
        ),
        mcp(V2025_06_18, "lifecycle#initialization").until(V2025_06_18).must(
            "handshake",
            "A client of 2025-06-18 shakes hands and calls.",
            async |bench| handshake(bench, V2025_06_18).await,
        ),
        mcp(V2025_11_25, "lifecycle#initialization").until(V2025_11_25).must(
            "handshake",
            "A client of 2025-11-25 shakes hands and calls.",
            async |bench| handshake(bench, V2025_11_25).await,
        ),
        mcp(V2025_03_26, "transports#security-warning").must(
            "foreign-origin",
            "A page of a foreign origin gets 403, with a good token too.",
            async |bench| {
                let caller = Caller::at(bench).await?;
                for origin in ["https://evil.example", "null", "http://localhost.evil.example"] {
                    let page = caller.post(&[("origin", origin)], &ping()).await;
                    ensure!(page.status == 403, "{origin} is answered with {}", page.status);
                }
                for origin in ["http://localhost:8080", "http://localhost:6274"] {
                    let page = caller.post(&[("origin", origin)], &ping()).await;
                    ensure!(page.status == 200, "{origin} is answered with {}", page.status);
                }
                Ok(())
            },
        ),
        mcp(V2025_03_26, "transports#security-warning").must(
            "foreign-host",
            "A Host header that is not ours gets 403: DNS rebinding ends there.",
            async |bench| {
                let caller = Caller::at(bench).await?;
                for host in ["evil.example", "localhost:8080.evil.example", "127.0.0.1:9"] {
                    let page = caller.post(&[("host", host)], &ping()).await;
                    ensure!(page.status == 403, "{host} is answered with {}", page.status);
                }
                Ok(())
            },
        ),
        mcp(V2025_06_18, "transports#protocol-version-header").must(
            "version-header-unknown",
            "A version that nobody knows is answered with 400.",
            async |bench| {
                let caller = Caller::at(bench).await?;
                for version in ["1999-01-01", "x"] {
                    let page = caller.post(&[("mcp-protocol-version", version)], &ping()).await;
                    ensure!(page.status == 400, "{version} is answered with {}", page.status);
                }
                Ok(())
            },
        ),
        mcp(V2025_06_18, "transports#protocol-version-header").until(V2025_11_25).should(
            "version-header-missing",
            "A request without MCP-Protocol-Version counts as one of 2025-03-26.",
            async |bench| {
                let page = Caller::at(bench).await?.post(&[], &ping()).await;
                ensure!(page.status == 200 && page.body.contains("whoami"), "{} {}", page.status, page.body);
                Ok(())
            },
        ),
        mcp(V2025_03_26, "transports#session-management").until(V2025_11_25).must(
            "foreign-session",
            "A session that was not given to its sender is answered with 404.",
            async |bench| {
                let caller = Caller::at(bench).await?;
                for session in ["1", "0193c0de-0000-7000-8000-000000000000", "x.y"] {
                    let headers = [("mcp-protocol-version", "2025-11-25"), ("mcp-session-id", session)];
                    let page = caller.post(&headers, &ping()).await;
                    ensure!(page.status == 404, "{session} is answered with {}", page.status);
                }
                Ok(())
            },
        ),
        mcp(V2025_11_25, "transports#security-warning").should(
            "browser-clients",
            "A client in a browser may send the headers of MCP, and read the challenge.",
            async |bench| {
                let wanted = "authorization, content-type, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name";
                let origin = ("origin", "http://localhost:6274");
                let headers =
                    [origin, ("access-control-request-method", "POST"), ("access-control-request-headers", wanted)];
                let page = bench.send("OPTIONS /mcp", &headers, "").await;
                ensure!(page.status.is_success(), "the preflight is answered with {}", page.status);
                let allowed = header(&page, "access-control-allow-headers");
                ensure!(wanted.split(", ").all(|name| allowed.contains(name)), "{allowed}");
                let page = bench.call(&[origin], &ping()).await;
                ensure!(page.status == 401 && header(&page, "access-control-allow-origin") == origin.1);
                ensure!(header(&page, "access-control-expose-headers").contains("www-authenticate"));
                Ok(())
            },
        ),
        mcp(V2025_11_25, "transports#security-warning").must(
            "no-cors-for-people",
            "No page of another origin may read what people are asked.",
            async |bench| {
                let client = bench.client().await?;
                let url = client.authorization_url(&[]);
                let path = url.strip_prefix(crate::subject::ISSUER).unwrap_or_default();
                let page = bench.send(&format!("GET {path}"), &[("origin", "https://inspector.example")], "").await;
                ensure!(header(&page, "access-control-allow-origin").is_empty());
                Ok(())
            },
        ),
    ]
}

fn of_2026_07_28() -> Vec<Row> {
    const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
    vec![
        mcp(V2026_07_28, "transports/streamable-http#sending-messages").must(
            "stateless",
            "A call works without a handshake, and gives no session.",
            async |bench| {
                let headers = [VERSION, ("mcp-method", "tools/call"), ("mcp-name", "whoami")];
                let call = modern("tools/call", json!({ "name": "whoami", "arguments": {} }));
                let page = Caller::at(bench).await?.post(&headers, &call).await;
                ensure!(page.status == 200 && page.body.contains("Ada Lovelace"), "{} {}", page.status, page.body);
                ensure!(header(&page, "mcp-session-id").is_empty(), "a session");
                Ok(())
            },
        ),
        mcp(V2026_07_28, "versioning#protocol-version-negotiation").must(
            "discover",
            "server/discover names all four versions.",
            async |bench| {
                let headers = [VERSION, ("mcp-method", "server/discover")];
                let page = Caller::at(bench).await?.post(&headers, &modern("server/discover", json!({}))).await;
                ensure!(page.status == 200, "the status is {}", page.status);
                let versions = json(&page)?["result"]["supportedVersions"].clone();
                for revision in Revision::ALL {
                    let known = versions.as_array().is_some_and(|all| all.contains(&json!(revision.as_str())));
                    ensure!(known, "{revision} is not among {versions}");
                }
                Ok(())
            },
        ),
        mcp(V2026_07_28, "transports/streamable-http#server-validation").must(
            "header-mismatch",
            "Headers that contradict the message get 400 and the error -32020.",
            async |bench| {
                let caller = Caller::at(bench).await?;
                let call = modern("tools/call", json!({ "name": "whoami", "arguments": {} }));
                for headers in [
                    [VERSION, ("mcp-method", "tools/call"), ("mcp-name", "other")],
                    [VERSION, ("mcp-method", "tools/list"), ("mcp-name", "whoami")],
                    [("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/call"), ("mcp-name", "whoami")],
                ] {
                    let found = caller.error(&headers, &call).await?;
                    ensure!(found == (400, -32020), "{headers:?}: {found:?}");
                }
                Ok(())
            },
        ),
        mcp(V2026_07_28, "transports/streamable-http#protocol-version-header").must(
            "version-unsupported",
            "A version that is not supported gets 400 and the error -32022 with those that are.",
            async |bench| {
                let mut call = modern("tools/list", json!({}));
                call["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01".into();
                let headers = [("mcp-protocol-version", "2099-01-01"), ("mcp-method", "tools/list")];
                let page = Caller::at(bench).await?.post(&headers, &call).await;
                let error = json(&page)?["error"].clone();
                ensure!((page.status.as_u16(), error["code"].as_i64()) == (400, Some(-32022)), "{}", page.body);
                ensure!(error["data"]["supported"].as_array().is_some_and(|all| all.contains(&json!("2026-07-28"))));
                Ok(())
            },
        ),
        mcp(V2026_07_28, "transports/streamable-http#protocol-version-header").must(
            "method-unknown",
            "A method that is not there gets 404 and the error -32601.",
            async |bench| {
                let headers = [VERSION, ("mcp-method", "no/such")];
                let found = Caller::at(bench).await?.error(&headers, &modern("no/such", json!({}))).await?;
                ensure!(found == (404, -32601), "{found:?}");
                Ok(())
            },
        ),
        mcp(V2026_07_28, "transports/streamable-http#backward-compatibility").must(
            "no-streams",
            "GET and DELETE get 405: there are no streams and no sessions to end.",
            async |bench| {
                let caller = Caller::at(bench).await?;
                for method in ["GET", "DELETE"] {
                    let headers = [("authorization", caller.authorization.as_str()), VERSION];
                    let page = bench.send(&format!("{method} /mcp"), &headers, "").await;
                    ensure!(page.status == 405, "{method} is answered with {}", page.status);
                }
                Ok(())
            },
        ),
        mcp(V2026_07_28, "transports/streamable-http#backward-compatibility").must(
            "session-ignored",
            "An Mcp-Session-Id that comes along changes nothing.",
            async |bench| {
                let headers = [VERSION, ("mcp-method", "tools/list"), ("mcp-session-id", "somebody-elses")];
                let page = Caller::at(bench).await?.post(&headers, &modern("tools/list", json!({}))).await;
                ensure!(page.status == 200 && page.body.contains("whoami"), "{} {}", page.status, page.body);
                Ok(())
            },
        ),
    ]
}
