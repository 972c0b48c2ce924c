//! What MCP asks for since 2025-11-25, with scopes in challenges and warnings for people.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::bearer::ping;
use crate::row::Row;
use crate::source::{Revision, mcp};
use crate::subject::{MOUNT, RESOURCE};
use crate::wire::{challenge, granted, list, redirect_params};

const REVISION: Revision = Revision::V2025_11_25;

pub(super) fn rows() -> Vec<Row> {
    vec![
        mcp(REVISION, "authorization#protected-resource-metadata-discovery-requirements").must(
            "well-known",
            "The resource's metadata is at its own path, and at the root for those who look there.",
            async |bench| {
                let at_path = bench.document("/.well-known/oauth-protected-resource/mcp").await?;
                ensure!(at_path["resource"] == RESOURCE);
                ensure!(bench.document("/.well-known/oauth-protected-resource").await? == at_path);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#protected-resource-metadata-discovery-requirements").should(
            "scope-in-challenge",
            "The challenge of a 401 names the scopes to ask for, and a token with them works.",
            async |bench| {
                let challenge = challenge(&bench.call(&[], &ping()).await)?;
                let scope = challenge.get("scope").context("no scope")?;
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[("scope", scope)]).await?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#runtime-insufficient-scope-errors").should(
            "insufficient-scope",
            "A 403 names error, all scopes that are needed, and the resource's metadata.",
            async |bench| {
                let client = bench.client().await?;
                let little = bench.tokens_for(&client, &[("scope", "write")]).await?;
                let page = client.whoami(little.access()).await;
                ensure!(page.status == 403, "the status is {}", page.status);
                let challenge = challenge(&page)?;
                ensure!(challenge.get("error").map(String::as_str) == Some("insufficient_scope"));
                ensure!(challenge.get("resource_metadata").is_some_and(|url| url.ends_with("/mcp")));
                let scope = challenge.get("scope").context("no scope")?;
                let more = bench.tokens_for(&client, &[("scope", &format!("write {scope}"))]).await?;
                ensure!(client.whoami(more.access()).await.status == 200, "the step up does not help");
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#runtime-insufficient-scope-errors").should(
            "scopes-at-once",
            "A call that needs several scopes is told all of them at once.",
            async |bench| {
                let bench = bench.with(&format!("{MOUNT}tools = {{ whoami = [\"read\", \"write\"] }}\n")).await?;
                let (client, little) = bench.tokens().await?;
                let page = client.whoami(little.access()).await;
                ensure!(page.status == 403, "the status is {}", page.status);
                let challenge = challenge(&page)?;
                let scope = challenge.get("scope").map(String::as_str).unwrap_or_default();
                ensure!(
                    ["read", "write"].iter().all(|needed| scope.split(' ').any(|named| named == *needed)),
                    "{scope}"
                );
                let list = bench.call(&[("authorization", &format!("Bearer {}", little.access()))], &ping()).await;
                ensure!(list.status == 200, "what needs less is answered with {}", list.status);
                let more = bench.tokens_for(&client, &[("scope", scope)]).await?;
                ensure!(client.whoami(more.access()).await.status == 200, "the step up does not help");
                bench.close().await;
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#step-up-authorization-flow").must(
            "step-up-shown",
            "A request for more shows all that will be granted, and nothing else is granted.",
            async |bench| {
                let client = bench.client().await?;
                let mut browser = bench.browser();
                redirect_params(&client.authorize(&mut browser, &[("scope", "read")]).await, &client)?;
                let page = browser.get(&client.authorization_url(&[("scope", "read write")])).await;
                for words in ["Read your data", "Change your data"] {
                    ensure!(page.body.contains(words), "{words:?} is not on the page");
                }
                let page = browser.get(&client.authorization_url(&[("scope", "read")])).await;
                ensure!(!page.body.contains("Change your data"), "the page shows what nobody asked for");
                let page = client.authorize_at(&mut browser, &client.authorization_url(&[("scope", "read")])).await;
                let code = redirect_params(&page, &client)?.remove("code").unwrap_or_default();
                ensure!(granted(client.redeem(&code, &[]).await)?.text("scope") == "read");
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#authorization-code-protection").must(
            "pkce-advertised",
            "The metadata names code_challenge_methods_supported with S256.",
            async |bench| {
                ensure!(list(&bench.metadata().await?, "code_challenge_methods_supported").contains(&"S256"));
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#localhost-redirect-uri-risks").must(
            "redirect-host-shown",
            "The consent page shows where the answer goes.",
            async |bench| {
                let client = bench.client_with(json!({ "redirect_uris": ["https://client.example/callback"] })).await?;
                let page = bench.browser().get(&client.authorization_url(&[])).await;
                ensure!(page.status == 200 && page.body.contains("client.example"), "the host is not on the page");
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#localhost-redirect-uri-risks").should(
            "localhost-warning",
            "The consent page warns of an app that only answers on this computer.",
            async |bench| {
                let web = json!({ "redirect_uris": ["https://client.example/callback"] });
                let web = bench.client_with(web).await?;
                let local = bench.client().await?;
                let text = async |client: &jean_testing::client::Client| {
                    bench.browser().get(&client.authorization_url(&[])).await.body
                };
                let (web, local) = (text(&web).await, text(&local).await);
                ensure!(local.contains("this computer"), "the page does not say so");
                ensure!(!web.contains("this computer"), "it says so of a web site too");
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#scope-selection-strategy").must(
            "no-scope",
            "A request without scope is granted what the resource needs.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                Ok(())
            },
        ),
        mcp(REVISION, "authorization#open-redirection").should(
            "untrusted-redirect",
            "A browser is not sent to a client's address before a person trusted it.",
            async |bench| {
                let client = bench.client_with(json!({ "redirect_uris": ["https://phishing.example/"] })).await?;
                let page = bench.refusal(&client, &[("response_type", "token")]).await;
                ensure!(page.leads_to().is_none(), "it leads to {:?}", page.leads_to());
                ensure!(page.body.contains("phishing.example"), "the person is not told");
                Ok(())
            },
        ),
    ]
}
