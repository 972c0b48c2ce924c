//! Authorization in the four revisions of MCP, as far as it goes beyond the RFCs that they name.

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::Row;
use super::bearer::ping;
use super::bench::{Bench, ISSUER, RESOURCE};
use super::source::Revision::{V2025_03_26, V2025_06_18, V2025_11_25, V2026_07_28};
use super::source::mcp;
use super::wire::{answer, challenge, dead_end, granted, header, jwt_part, list};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = of_2025_03_26();
    rows.extend(of_2025_06_18());
    rows.extend(of_2025_11_25());
    rows.extend(of_2026_07_28());
    rows
}

fn of_2025_03_26() -> Vec<Row> {
    vec![
        mcp(V2025_03_26, "authorization#authorization-base-url").until(V2025_03_26).must(
            "metadata-at-origin",
            "The metadata is at the origin of the MCP server, and works with MCP-Protocol-Version.",
            async |bench| {
                let headers = [("mcp-protocol-version", "2025-03-26"), ("accept", "application/json")];
                let page = bench.send("GET", "/.well-known/oauth-authorization-server", &headers, "").await;
                ensure!(page.status == 200, "the status is {}", page.status);
                ensure!(super::wire::json(&page)?["issuer"] == ISSUER);
                Ok(())
            },
        ),
        mcp(V2025_03_26, "authorization#server-metadata-discovery-headers").should(
            "metadata-from-page",
            "A web page may read the metadata with the header MCP-Protocol-Version.",
            async |bench| {
                let headers = [
                    ("origin", "https://inspector.example"),
                    ("access-control-request-method", "GET"),
                    ("access-control-request-headers", "mcp-protocol-version"),
                ];
                for path in ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp"] {
                    let page = bench.send("OPTIONS", path, &headers, "").await;
                    ensure!(page.status.is_success(), "the status is {}", page.status);
                    ensure!(header(&page, "access-control-allow-origin") == "*");
                    ensure!(header(&page, "access-control-allow-headers").contains("mcp-protocol-version"));
                }
                Ok(())
            },
        ),
        mcp(V2025_03_26, "authorization#authorization-flow-steps").until(V2025_03_26).must(
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
        mcp(V2025_03_26, "authorization#dynamic-client-registration").should(
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
        mcp(V2025_03_26, "authorization#token-requirements").must(
            "every-request",
            "Every request needs a token, whatever came before it.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                for path in ["/mcp", "/mcp/", "/mcp/x", "//mcp", "/mcp/../mcp", "/mcp%2f", "/MCP"] {
                    let page = bench.send("POST", path, &[("content-type", "application/json")], "{}").await;
                    ensure!([401, 404].contains(&page.status.as_u16()), "{path} is answered with {}", page.status);
                }
                Ok(())
            },
        ),
        mcp(V2025_03_26, "authorization#token-requirements").must(
            "never-in-query",
            "An access token in the query is no authorization.",
            async |bench| {
                let (_, tokens) = bench.tokens().await?;
                let headers = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
                for name in ["access_token", "token", "bearer"] {
                    let path = format!("/mcp?{name}={}", tokens.access());
                    let page = bench.send("POST", &path, &headers, &ping().to_string()).await;
                    ensure!(page.status == 401, "{name}: {}", page.status);
                }
                Ok(())
            },
        ),
        mcp(V2025_03_26, "authorization#token-handling").must(
            "expired",
            "An expired token is answered with 401, and a refresh helps.",
            async |_| {
                let bench = Bench::start().await?;
                let (client, tokens) = bench.tokens().await?;
                bench.clock.advance(tokens.json["expires_in"].as_i64().unwrap_or_default());
                ensure!(client.whoami(tokens.access()).await.status == 401);
                let next = granted(client.refresh(tokens.refresh(), &[]).await)?;
                ensure!(client.whoami(next.access()).await.status == 200);
                bench.close().await;
                Ok(())
            },
        ),
        mcp(V2025_03_26, "authorization#security-considerations").must(
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
        mcp(V2025_03_26, "authorization#session-binding-requirements").must(
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
                ensure!(!stolen.answer().contains_key("code"), "another browser gets a code");
                Ok(())
            },
        ),
    ]
}

fn of_2025_06_18() -> Vec<Row> {
    vec![
        mcp(V2025_06_18, "authorization#authorization-server-location").must(
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
        mcp(V2025_06_18, "authorization#authorization-flow-steps").must(
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
        mcp(V2025_06_18, "authorization#token-audience-binding-and-validation").must(
            "audience",
            "A token for another resource of the same server is refused.",
            async |_| {
                let bench = Bench::with(super::resource::TWO).await?;
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[("resource", super::resource::NOTES)]).await?;
                ensure!(jwt_part(tokens.access(), 1)?["aud"] == super::resource::NOTES);
                let page = client.whoami(tokens.access()).await;
                ensure!(page.status == 401, "it is answered with {}", page.status);
                ensure!(challenge(&page)?.get("error").map(String::as_str) == Some("invalid_token"));
                bench.close().await;
                Ok(())
            },
        ),
        mcp(V2025_06_18, "authorization#access-token-privilege-restriction").must(
            "foreign-issuer",
            "A token that another server gave is refused, the identity provider's own too.",
            async |bench| {
                let other = Bench::start().await?;
                let (_, foreign) = other.tokens().await?;
                let (client, tokens) = bench.tokens().await?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                ensure!(client.whoami(foreign.access()).await.status == 401, "another jean's token opens this one");
                other.close().await;
                Ok(())
            },
        ),
        mcp(V2025_06_18, "authorization#error-handling").must(
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
        mcp(V2025_06_18, "authorization#canonical-server-uri").should(
            "canonical-uri",
            "Upper case in scheme and host of the resource is accepted.",
            async |bench| {
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[("resource", "HTTP://LOCALHOST:8080/mcp")]).await?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                Ok(())
            },
        ),
        mcp(V2025_06_18, "authorization#confused-deputy-problem").must(
            "consent-for-each-client",
            "A new client meets the consent page, also where the person is signed in everywhere.",
            async |bench| {
                let mut browser = bench.browser();
                let known = bench.client().await?;
                ensure!(answer(&known.authorize(&mut browser, &[]).await, &known)?.contains_key("code"));
                let page = browser.get(&bench.client().await?.authorization_url(&[])).await;
                ensure!(page.status == 200 && page.leads_to().is_none(), "it is answered with {}", page.status);
                ensure!(page.form().action.ends_with("/oauth/consent"));
                Ok(())
            },
        ),
        mcp(V2025_06_18, "authorization#open-redirection").must(
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
        mcp(V2025_06_18, "authorization#token-theft").must(
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

fn of_2025_11_25() -> Vec<Row> {
    vec![
        mcp(V2025_11_25, "authorization#protected-resource-metadata-discovery-requirements").must(
            "well-known",
            "The resource's metadata is at its own path, and at the root for those who look there.",
            async |bench| {
                let at_path = bench.document("/.well-known/oauth-protected-resource/mcp").await?;
                ensure!(at_path["resource"] == RESOURCE);
                ensure!(bench.document("/.well-known/oauth-protected-resource").await? == at_path);
                Ok(())
            },
        ),
        mcp(V2025_11_25, "authorization#protected-resource-metadata-discovery-requirements").should(
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
        mcp(V2025_11_25, "authorization#runtime-insufficient-scope-errors").should(
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
        mcp(V2025_11_25, "authorization#authorization-code-protection").must(
            "pkce-advertised",
            "The metadata names code_challenge_methods_supported with S256.",
            async |bench| {
                ensure!(list(&bench.metadata().await?, "code_challenge_methods_supported").contains(&"S256"));
                Ok(())
            },
        ),
        mcp(V2025_11_25, "authorization#localhost-redirect-uri-risks").must(
            "redirect-host-shown",
            "The consent page shows where the answer goes.",
            async |bench| {
                let client = bench.client_with(json!({ "redirect_uris": ["https://client.example/callback"] })).await?;
                let page = bench.browser().get(&client.authorization_url(&[])).await;
                ensure!(page.status == 200 && page.body.contains("client.example"), "the host is not on the page");
                Ok(())
            },
        ),
        mcp(V2025_11_25, "authorization#localhost-redirect-uri-risks").should(
            "localhost-warning",
            "The consent page warns of an app that only answers on this computer.",
            async |bench| {
                let web = json!({ "redirect_uris": ["https://client.example/callback"] });
                let web = bench.client_with(web).await?;
                let local = bench.client().await?;
                let text = async |client: &crate::testing::client::Client| {
                    bench.browser().get(&client.authorization_url(&[])).await.body
                };
                let (web, local) = (text(&web).await, text(&local).await);
                ensure!(local.contains("this computer"), "the page does not say so");
                ensure!(!web.contains("this computer"), "it says so of a web site too");
                Ok(())
            },
        ),
        mcp(V2025_11_25, "authorization#scope-selection-strategy").must(
            "no-scope",
            "A request without scope is granted what the resource needs.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                Ok(())
            },
        ),
        mcp(V2025_11_25, "authorization#open-redirection").should(
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

fn of_2026_07_28() -> Vec<Row> {
    vec![
        mcp(V2026_07_28, "authorization#authorization-response-validation").should(
            "iss",
            "Answers with a code or an error name the issuer, and the metadata says so.",
            async |bench| {
                let client = bench.client().await?;
                let good = client.authorize(&mut bench.browser(), &[]).await;
                let bad = bench.refusal(&client, &[("scope", "\"")]).await;
                for page in [good, bad] {
                    ensure!(answer(&page, &client)?.get("iss").map(String::as_str) == Some(ISSUER));
                }
                ensure!(bench.metadata().await?["authorization_response_iss_parameter_supported"] == true);
                Ok(())
            },
        ),
        mcp(V2026_07_28, "authorization#refresh-tokens").should(
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
        mcp(V2026_07_28, "authorization#refresh-tokens").may(
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
        mcp(V2026_07_28, "authorization/client-registration#application-type-and-redirect-uri-constraints").must(
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
        mcp(V2026_07_28, "authorization/client-registration#dynamic-client-registration").may(
            "registration-stays",
            "Registration is deprecated, and is there for clients that know nothing newer.",
            async |bench| {
                ensure!(bench.metadata().await?["registration_endpoint"].is_string());
                bench.client().await?;
                Ok(())
            },
        ),
        mcp(V2026_07_28, "authorization#error-handling").must(
            "unauthorized-on-http",
            "A missing token is a 401 of HTTP, before anything of the message is read.",
            async |bench| {
                for body in ["", "{", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no/such\"}"] {
                    let headers = [("content-type", "application/json"), ("mcp-protocol-version", "2026-07-28")];
                    let page = bench.send("POST", "/mcp", &headers, body).await;
                    ensure!(page.status == 401, "{body:?} is answered with {}", page.status);
                }
                Ok(())
            },
        ),
    ]
}
