//! What MCP asks for since 2026-07-28, with `iss` and without registration as the usual way.

use anyhow::ensure;
use serde_json::json;

use crate::bearer::ping;
use crate::row::Row;
use crate::source::{Revision, mcp};
use crate::subject::ISSUER;
use crate::wire::{header, list, redirect_params};

const REVISION: Revision = Revision::V2026_07_28;

pub(super) fn rows() -> Vec<Row> {
    vec![
        mcp(REVISION, "authorization#authorization-response-validation").should(
            "iss",
            "Answers with a code or an error name the issuer, and the metadata says so.",
            async |bench| {
                let client = bench.client().await?;
                let good = client.authorize(&mut bench.browser(), &[]).await;
                let bad = bench.refusal(&client, &[("scope", "\"")]).await;
                for page in [good, bad] {
                    ensure!(redirect_params(&page, &client)?.get("iss").map(String::as_str) == Some(ISSUER));
                }
                ensure!(bench.metadata().await?["authorization_response_iss_parameter_supported"] == true);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#refresh-tokens").should(
            "offline-access",
            "offline_access is the authorization server's: no challenge and no resource names it.",
            async |bench| {
                let resource = bench.document("/.well-known/oauth-protected-resource/mcp").await?;
                ensure!(!list(&resource, "scopes_supported").contains(&"offline_access"));
                ensure!(!header(&bench.call(&[], &ping()).await, "www-authenticate").contains("offline_access"));
                ensure!(list(&bench.metadata().await?, "scopes_supported").contains(&"offline_access"));
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#refresh-tokens").may(
            "offline-access-asked",
            "A client that asks for offline_access gets a refresh token.",
            async |bench| {
                let client = bench.client().await?;
                let tokens =
                    bench.tokens_for(&client, &[("scope", "read offline_access"), ("prompt", "consent")]).await?;
                ensure!(!tokens.refresh().is_empty());
                ensure!(client.whoami(tokens.access()).await.status == 200);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization/client-registration#application-type-and-redirect-uri-constraints").must(
            "application-type",
            "A client may say that it is native, with its redirect URIs on this computer.",
            async |bench| {
                let changes =
                    json!({ "application_type": "native", "redirect_uris": ["http://localhost:3000/callback"] });
                let client = bench.client_with(changes).await?;
                bench.tokens_for(&client, &[]).await?;
                Ok(())
            },
        ),
        mcp(REVISION, "authorization/client-registration#dynamic-client-registration").may(
            "registration-stays",
            "Registration is deprecated, and is there for clients that know nothing newer.",
            async |bench| {
                ensure!(bench.metadata().await?["registration_endpoint"].is_string());
                bench.client().await?;
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#error-handling").must(
            "unauthorized-on-http",
            "A missing token is a 401 of HTTP, before anything of the message is read.",
            async |bench| {
                for body in ["", "{", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no/such\"}"] {
                    let headers = [("content-type", "application/json"), ("mcp-protocol-version", "2026-07-28")];
                    let page = bench.send("POST /mcp", &headers, body).await;
                    ensure!(page.status == 401, "{body:?} is answered with {}", page.status);
                }
                Ok(())
            },
        ),
    ]
}
