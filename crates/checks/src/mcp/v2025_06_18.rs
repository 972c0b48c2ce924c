//! What MCP asks for since 2025-06-18, with protected resource metadata and resource indicators.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::bearer::ping;
use crate::resource::{NOTES, TWO};
use crate::row::Row;
use crate::source::{Revision, mcp};
use crate::subject::{ISSUER, RESOURCE};
use crate::wire::{challenge, dead_end, granted, jwt_part, list, redirect_params};

const REVISION: Revision = Revision::V2025_06_18;

pub(super) fn rows() -> Vec<Row> {
    vec![
        mcp(REVISION, "authorization#authorization-server-location").must(
            "resource-metadata",
            "A 401 leads to the resource's metadata, and that to the authorization server.",
            async |bench| {
                let challenge = challenge(&bench.call(&[], &ping()).await)?;
                let url = challenge.get("resource_metadata").context("no resource_metadata")?;
                let resource = bench.document(url.strip_prefix(ISSUER).context("it is elsewhere")?).await?;
                let servers = list(&resource, "authorization_servers");
                ensure!(servers == [ISSUER], "{servers:?}");
                ensure!(bench.metadata().await?["issuer"] == servers[0]);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#authorization-flow-steps").must(
            "journey",
            "A client that names the resource in both requests makes the whole journey.",
            async |bench| {
                let client = bench.client().await?;
                let resource = [("resource", RESOURCE)];
                let code = bench.code_for(&client, &resource).await?;
                let tokens = granted(client.redeem(&code, &resource).await)?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                let next = granted(client.refresh(tokens.refresh(), &resource).await)?;
                ensure!(client.whoami(next.access()).await.status == 200);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#token-audience-binding-and-validation").must(
            "audience",
            "A token for another resource of the same server is refused.",
            async |bench| {
                let bench = bench.with(TWO).await?;
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[("resource", NOTES)]).await?;
                ensure!(jwt_part(tokens.access(), 1)?["aud"] == NOTES);
                let page = client.whoami(tokens.access()).await;
                ensure!(page.status == 401, "it is answered with {}", page.status);
                ensure!(challenge(&page)?.get("error").map(String::as_str) == Some("invalid_token"));
                bench.close().await;
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#access-token-privilege-restriction").must(
            "foreign-issuer",
            "A token that another server gave is refused, the identity provider's own too.",
            async |bench| {
                let other = bench.fresh().await?;
                let (_, foreign) = other.tokens().await?;
                let (client, tokens) = bench.tokens().await?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                ensure!(client.whoami(foreign.access()).await.status == 401, "another jean's token opens this one");
                other.close().await;
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#error-handling").must(
            "statuses",
            "401 for no good token, 403 for too little, 400 for a malformed request.",
            async |bench| {
                let client = bench.client().await?;
                let little = bench.tokens_for(&client, &[("scope", "write")]).await?;
                let little = format!("Bearer {}", little.access());
                for (authorization, status) in [("Bearer x", 401), (little.as_str(), 403), ("Bearer", 400)] {
                    let page = bench.call(&[("authorization", authorization)], &ping()).await;
                    ensure!(page.status == status, "{} instead of {status}", page.status);
                }
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#canonical-server-uri").should(
            "canonical-uri",
            "Upper case in scheme and host of the resource is accepted.",
            async |bench| {
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[("resource", "HTTP://LOCALHOST:8080/mcp")]).await?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#confused-deputy-problem").must(
            "consent-for-each-client",
            "A new client meets the consent page, also where the person is signed in everywhere.",
            async |bench| {
                let mut browser = bench.browser();
                let known = bench.client().await?;
                ensure!(redirect_params(&known.authorize(&mut browser, &[]).await, &known)?.contains_key("code"));
                let page = browser.get(&bench.client().await?.authorization_url(&[])).await;
                ensure!(page.status == 200 && page.leads_to().is_none(), "it is answered with {}", page.status);
                ensure!(page.form().action.ends_with("/oauth/consent"));
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#open-redirection").must(
            "exact-redirect-uri",
            "The redirect URI of a request is compared with those that were registered.",
            async |bench| {
                let client = bench.client_with(json!({ "redirect_uris": ["https://client.example/callback"] })).await?;
                ensure!(bench.refusal(&client, &[]).await.status == 200);
                for uri in
                    ["https://client.example/callback/", "https://client.example:444/callback", "https://evil.example/"]
                {
                    dead_end(&bench.refusal(&client, &[("redirect_uri", uri)]).await)?;
                }
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#token-theft").must(
            "rotation",
            "Refresh tokens of public clients rotate, and access tokens live shortly.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                ensure!(tokens.json["expires_in"].as_i64().is_some_and(|seconds| seconds <= 3600));
                let next = granted(client.refresh(tokens.refresh(), &[]).await)?;
                ensure!(next.refresh() != tokens.refresh());
                Ok(())
            },
        ),
    ]
}
