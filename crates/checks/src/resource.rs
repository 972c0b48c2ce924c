//! Which resource a token is for: RFC 8707.

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::row::Row;
use crate::source::rfc;
use crate::subject::RESOURCE;
use crate::wire::{granted, jwt_part, require_redirect_error, require_refusal};
use jean_testing::client::Client;

/// Two resources on one server.
pub(super) const TWO: &str = "[mcp.default]\nscopes = { read = \"Read your data\" }\n\
                              [mcp.notes]\nscopes = { note = \"Write notes\" }\n";

/// The second one.
pub(super) const NOTES: &str = "http://localhost:8080/notes";

/// The status of a call of `path` with this token.
async fn call(bench: &Bench, path: &str, token: &str) -> Result<u16> {
    let authorization = format!("Bearer {token}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    Ok(bench.send(&format!("POST {path}"), &headers, &crate::bearer::ping().to_string()).await.status.as_u16())
}

/// A code for both resources.
async fn code_for_both(bench: &Bench) -> Result<(Client, String)> {
    let client = bench.client().await?;
    let url = format!("{}&resource={RESOURCE}&resource={NOTES}", client.authorization_url(&[]));
    let page = client.authorize_at(&mut bench.browser(), &url).await;
    let code = crate::wire::redirect_params(&page, &client)?.remove("code").unwrap_or_default();
    Ok((client, code))
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(8707, "2").must("audience", "The token is for the resource that was asked for.", async |bench| {
            let client = bench.client().await?;
            let tokens = bench.tokens_for(&client, &[("resource", RESOURCE)]).await?;
            ensure!(jwt_part(tokens.access(), 1)?["aud"] == RESOURCE);
            Ok(())
        }),
        rfc(8707, "2.1").must(
            "unknown-asked",
            "A resource that is not served is invalid_target, told to the client.",
            async |bench| {
                let client = bench.client().await?;
                for resource in ["https://evil.example/mcp", "http://localhost:8080/other", "http://localhost:8080"] {
                    let page = bench.refusal(&client, &[("resource", resource)]).await;
                    require_redirect_error(&page, &client, "invalid_target")?;
                }
                Ok(())
            },
        ),
        rfc(8707, "2").must("absolute", "A resource is an absolute URI without a fragment.", async |bench| {
            let client = bench.client().await?;
            for resource in ["/mcp", "localhost:8080/mcp", "http://localhost:8080/mcp#x", "mcp"] {
                require_redirect_error(
                    &bench.refusal(&client, &[("resource", resource)]).await,
                    &client,
                    "invalid_target",
                )?;
            }
            Ok(())
        }),
        rfc(8707, "2.2").must(
            "at-token-wrong",
            "A token request cannot change the resource, and trying costs nothing.",
            async |bench| {
                let (client, code) = bench.code().await?;
                for resource in ["https://evil.example/mcp", "http://localhost:8080/other", "x"] {
                    require_refusal(&client.redeem(&code, &[("resource", resource)]).await, 400, "invalid_target")?;
                }
                let tokens = granted(client.redeem(&code, &[("resource", RESOURCE)]).await)?;
                let wrong = [("resource", "https://evil.example/mcp")];
                require_refusal(&client.refresh(tokens.refresh(), &wrong).await, 400, "invalid_target")?;
                granted(client.refresh(tokens.refresh(), &[]).await)?;
                Ok(())
            },
        ),
        rfc(8707, "2").must(
            "several",
            "resource may come more than once; each token is then for one of them.",
            async |bench| {
                let bench = bench.with(TWO).await?;
                let (client, code) = code_for_both(&bench).await?;
                require_refusal(&client.redeem(&code, &[]).await, 400, "invalid_target")?;
                let notes = granted(client.redeem(&code, &[("resource", NOTES)]).await)?;
                ensure!(jwt_part(notes.access(), 1)?["aud"] == NOTES);
                let mcp = granted(client.refresh(notes.refresh(), &[("resource", RESOURCE)]).await)?;
                ensure!(jwt_part(mcp.access(), 1)?["aud"] == RESOURCE);
                ensure!(call(&bench, "/notes", notes.access()).await? == 200);
                ensure!(call(&bench, "/mcp", mcp.access()).await? == 200);
                bench.close().await;
                Ok(())
            },
        ),
        rfc(8707, "2.2").must(
            "not-widened",
            "What was granted for one resource never becomes good for another.",
            async |bench| {
                let bench = bench.with(TWO).await?;
                let client = bench.client().await?;
                let code = bench.code_for(&client, &[("resource", RESOURCE)]).await?;
                require_refusal(&client.redeem(&code, &[("resource", NOTES)]).await, 400, "invalid_target")?;
                let tokens = granted(client.redeem(&code, &[]).await)?;
                require_refusal(
                    &client.refresh(tokens.refresh(), &[("resource", NOTES)]).await,
                    400,
                    "invalid_target",
                )?;
                ensure!(call(&bench, "/mcp", tokens.access()).await? == 200);
                ensure!(call(&bench, "/notes", tokens.access()).await? == 401, "it opens the other one");
                bench.close().await;
                Ok(())
            },
        ),
        rfc(8707, "2").should("spelling", "Case of the host and a last slash make no other resource.", async |bench| {
            for spelled in ["HTTP://LOCALHOST:8080/mcp", "http://localhost:8080/mcp/"] {
                let client = bench.client().await?;
                let code = bench.code_for(&client, &[("resource", spelled)]).await?;
                let tokens = granted(client.redeem(&code, &[("resource", spelled)]).await)?;
                ensure!(jwt_part(tokens.access(), 1)?["aud"] == RESOURCE, "{spelled}");
            }
            let client = bench.client().await?;
            require_redirect_error(
                &bench.refusal(&client, &[("resource", "http://localhost:8080/MCP")]).await,
                &client,
                "invalid_target",
            )
        }),
        rfc(8707, "2").may(
            "left-out",
            "Without resource the token is for the only one that is served.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                ensure!(jwt_part(tokens.access(), 1)?["aud"] == RESOURCE);
                ensure!(client.whoami(tokens.access()).await.status == 200);
                Ok(())
            },
        ),
    ]
}
