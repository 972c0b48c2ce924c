//! What MCP asks for since 2025-03-26, where the MCP server was its own authorization server.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::bearer::ping;
use crate::row::Row;
use crate::source::{Revision, mcp};
use crate::subject::ISSUER;
use crate::wire::{granted, header, json};

const REVISION: Revision = Revision::V2025_03_26;

pub(super) fn rows() -> Vec<Row> {
    vec![
        mcp(REVISION, "authorization#authorization-base-url").until(REVISION).must(
            "metadata-at-origin",
            "The metadata is at the origin of the MCP server, and works with MCP-Protocol-Version.",
            async |bench| {
                let headers = [("mcp-protocol-version", "2025-03-26"), ("accept", "application/json")];
                let page = bench.send("GET /.well-known/oauth-authorization-server", &headers, "").await;
                ensure!(page.status == 200, "the status is {}", page.status);
                ensure!(json(&page)?["issuer"] == ISSUER);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#server-metadata-discovery-headers").should(
            "metadata-from-page",
            "A web page may read the metadata with the header MCP-Protocol-Version.",
            async |bench| {
                let headers = [
                    ("origin", "https://inspector.example"),
                    ("access-control-request-method", "GET"),
                    ("access-control-request-headers", "mcp-protocol-version"),
                ];
                for path in ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp"] {
                    let page = bench.send(&format!("OPTIONS {path}"), &headers, "").await;
                    ensure!(page.status.is_success(), "the status is {}", page.status);
                    ensure!(header(&page, "access-control-allow-origin") == "*");
                    ensure!(header(&page, "access-control-allow-headers").contains("mcp-protocol-version"));
                }
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#authorization-flow-steps").until(REVISION).must(
            "journey",
            "A client that knows neither resources nor their metadata makes the whole journey.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                let next = granted(client.refresh(tokens.refresh(), &[]).await)?;
                ensure!(client.whoami(next.access()).await.status == 200);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#fallbacks-for-servers-without-metadata-discovery").may(
            "default-endpoints",
            "A client that does not read the metadata finds the endpoints at their default paths.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
                let page = client.post_form("/token", &fields, &[]).await;
                ensure!(page.status == 200, "/token answers {}", page.status);
                let page = client.post_json("/register", &client.metadata()).await;
                ensure!(page.status == 201, "/register answers {}", page.status);
                let url = client.authorization_url(&[]).replace("/oauth/authorize?", "/authorize?");
                let page = client.authorize_at(&mut bench.browser(), &url).await;
                ensure!(page.redirect_params().contains_key("code"), "/authorize answers {}", page.status);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#dynamic-client-registration").should(
            "registration",
            "A client may register itself, without anybody's help, and is told where.",
            async |bench| {
                let endpoint = bench.metadata().await?["registration_endpoint"].as_str().map(str::to_owned);
                let path = endpoint
                    .as_deref()
                    .and_then(|url| url.strip_prefix(ISSUER))
                    .context("no such endpoint")?
                    .to_owned();
                let client = bench.stranger();
                let page = client.post_json(&path, &client.metadata()).await;
                ensure!(page.status == 201, "the status is {}", page.status);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#token-requirements").must(
            "every-request",
            "Every request needs a token, whatever came before it.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                for path in ["/mcp", "/mcp/", "/mcp/x", "//mcp", "/mcp/../mcp", "/mcp%2f", "/MCP"] {
                    let page = bench.send(&format!("POST {path}"), &[("content-type", "application/json")], "{}").await;
                    ensure!([401, 404].contains(&page.status.as_u16()), "{path} is answered with {}", page.status);
                }
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#token-requirements").must(
            "never-in-query",
            "An access token in the query is no authorization.",
            async |bench| {
                let (_, tokens) = bench.tokens().await?;
                let headers = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
                for name in ["access_token", "token", "bearer"] {
                    let path = format!("/mcp?{name}={}", tokens.access());
                    let page = bench.send(&format!("POST {path}"), &headers, &ping().to_string()).await;
                    ensure!(page.status == 401, "{name}: {}", page.status);
                }
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#token-handling").must(
            "expired",
            "An expired token is answered with 401, and a refresh helps.",
            async |bench| {
                let bench = bench.fresh().await?;
                let (client, tokens) = bench.tokens().await?;
                bench.clock.advance(tokens.json["expires_in"].as_i64().unwrap_or_default());
                ensure!(client.whoami(tokens.access()).await.status == 401);
                let next = granted(client.refresh(tokens.refresh(), &[]).await)?;
                ensure!(client.whoami(next.access()).await.status == 200);
                bench.close().await;
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#security-considerations").must(
            "redirect-uris",
            "Redirect URIs are on this computer or on https.",
            async |bench| {
                for (uri, good) in [
                    ("http://localhost:3000/callback", true),
                    ("http://127.0.0.1:3000/callback", true),
                    ("https://client.example/callback", true),
                    ("http://client.example/callback", false),
                    ("ftp://client.example/callback", false),
                ] {
                    let page = bench.stranger().post_json("/oauth/register", &json!({ "redirect_uris": [uri] })).await;
                    ensure!((page.status == 201) == good, "{uri} is answered with {}", page.status);
                }
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#session-binding-requirements").must(
            "bound-to-third-party",
            "The answer of the identity provider counts once, and in the browser that asked.",
            async |bench| {
                let client = bench.client().await?;
                let mut browser = bench.browser();
                let page = browser.get(&client.authorization_url(&[])).await;
                let yes = page.form().answers.into_iter().find(|answer| answer.starts_with("upstream:"));
                let leaving = browser.submit(&page, &[("answer", &yes.context("no button")?)]).await;
                let provider = leaving.leads_to().context("no way to the provider")?;
                let callback = browser.get(&provider).await.leads_to().context("the provider does not answer")?;
                let mut thief = bench.browser();
                let stolen = thief.get(&callback).await;
                let stolen = thief.follow(stolen).await;
                ensure!(stolen.status == 403, "another browser is answered with {}", stolen.status);
                ensure!(!stolen.redirect_params().contains_key("code"), "another browser gets a code");
                Ok(())
            },
        ),
    ]
}
