//! Bearer tokens at the MCP endpoint: RFC 6750.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::row::Row;
use crate::source::rfc;
use crate::wire::{challenge, header};

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(6750, "2.1").must(
            "header",
            "A token in the Authorization header opens; the scheme has no case.",
            async |bench| {
                let (_, tokens) = bench.tokens().await?;
                for scheme in ["Bearer", "bearer", "BEARER"] {
                    let authorization = format!("{scheme} {}", tokens.access());
                    let page = bench.call(&[("authorization", &authorization)], &ping()).await;
                    ensure!(page.status == 200, "{scheme}: {}", page.status);
                }
                Ok(())
            },
        ),
        rfc(6750, "2.3").should("not-in-query", "A token in the query opens nothing.", async |bench| {
            let (_, tokens) = bench.tokens().await?;
            let path = format!("/mcp?access_token={}", tokens.access());
            let headers = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
            let page = bench.send(&format!("POST {path}"), &headers, &ping().to_string()).await;
            ensure!(page.status == 401, "the status is {}", page.status);
            Ok(())
        }),
        rfc(6750, "2.2").may("not-in-body", "A token in a form opens nothing.", async |bench| {
            let (_, tokens) = bench.tokens().await?;
            let headers = [("content-type", "application/x-www-form-urlencoded")];
            let page = bench.send("POST /mcp", &headers, &format!("access_token={}", tokens.access())).await;
            ensure!(page.status == 401, "the status is {}", page.status);
            Ok(())
        }),
        rfc(6750, "3").must(
            "challenge",
            "A call without a token gets 401 with a challenge of Bearer.",
            async |bench| {
                for method in ["POST", "GET", "DELETE"] {
                    let page = bench.send(&format!("{method} /mcp"), &[], "").await;
                    ensure!(page.status == 401, "{method} is answered with {}", page.status);
                    challenge(&page)?;
                }
                Ok(())
            },
        ),
        rfc(6750, "3.1").should("no-error-without-token", "A call without a token is told no error.", async |bench| {
            for headers in [&[][..], &[("authorization", "Basic YTpi")]] {
                let page = bench.call(headers, &ping()).await;
                ensure!(page.status == 401);
                ensure!(!challenge(&page)?.contains_key("error"), "{}", header(&page, "www-authenticate"));
            }
            Ok(())
        }),
        rfc(6750, "3.1").must("invalid-token", "A bad token gets 401 invalid_token.", async |bench| {
            let (client, tokens) = bench.tokens().await?;
            for token in ["x", "a.b.c", &format!("{}x", tokens.access()), tokens.refresh()] {
                let page = client.whoami(token).await;
                ensure!(page.status == 401, "the status is {}", page.status);
                ensure!(challenge(&page)?.get("error").map(String::as_str) == Some("invalid_token"));
            }
            ensure!(client.whoami(tokens.access()).await.status == 200);
            Ok(())
        }),
        rfc(6750, "3.1").must(
            "malformed",
            "A malformed Authorization header gets 400 invalid_request.",
            async |bench| {
                let (_, tokens) = bench.tokens().await?;
                let good = format!("Bearer {}", tokens.access());
                for headers in [
                    &[("authorization", "Bearer")][..],
                    &[("authorization", "Bearer a b")],
                    &[("authorization", &good), ("authorization", &good)],
                ] {
                    let page = bench.call(headers, &ping()).await;
                    ensure!(page.status == 400, "the status is {}", page.status);
                    ensure!(challenge(&page)?.get("error").map(String::as_str) == Some("invalid_request"));
                }
                Ok(())
            },
        ),
        rfc(6750, "3.1").must(
            "insufficient-scope",
            "A token that may too little gets 403 insufficient_scope.",
            async |bench| {
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[("scope", "write")]).await?;
                let page = client.whoami(tokens.access()).await;
                ensure!(page.status == 403, "the status is {}", page.status);
                let challenge = challenge(&page)?;
                ensure!(challenge.get("error").map(String::as_str) == Some("insufficient_scope"));
                ensure!(challenge.get("scope").is_some_and(|scope| scope.split(' ').any(|scope| scope == "read")));
                Ok(())
            },
        ),
        rfc(6750, "5.3").should(
            "short-lived",
            "An access token lives an hour at most, and then opens nothing.",
            async |bench| {
                let bench = bench.fresh().await?;
                let (client, tokens) = bench.tokens().await?;
                let lifetime = tokens.json["expires_in"].as_i64().unwrap_or(i64::MAX);
                ensure!(lifetime <= 3600, "it lives {lifetime} seconds");
                ensure!(client.whoami(tokens.access()).await.status == 200);
                bench.clock.advance(lifetime);
                ensure!(client.whoami(tokens.access()).await.status == 401, "it lives on");
                bench.close().await;
                Ok(())
            },
        ),
    ]
}

/// A message that any revision of the transport answers.
pub(super) fn ping() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} })
}
