//! The authorization endpoint: RFC 6749 sections 3.1 and 4.1, and what OAuth 2.1 adds. What is wrong with client or
//! redirect URI ends on a page; all else is told to the client.

use anyhow::ensure;
use serde_json::json;

use crate::row::Row;
use crate::source::{oauth21, rfc};
use crate::subject::CALLBACK;
use crate::wire::{dead_end, granted, header, redirect_params, require_redirect_error, require_refusal};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = whom_to_tell();
    rows.extend(parameters());
    rows.extend(codes());
    rows
}

/// Page or redirect.
fn whom_to_tell() -> Vec<Row> {
    vec![
        rfc(6749, "4.1.2.1").must(
            "unknown-client",
            "An unknown client ends on a page, never in a redirect.",
            async |bench| {
                let mut client = bench.client().await?;
                client.id = "nobody-knows-this-client".into();
                dead_end(&bench.refusal(&client, &[]).await)?;
                dead_end(&bench.refusal(&client, &[("client_id", "")]).await)
            },
        ),
        rfc(6749, "3.1.2.4").must(
            "unregistered-redirect-uri",
            "An unregistered redirect URI ends on a page, never in a redirect.",
            async |bench| {
                let client = bench.client().await?;
                for uri in ["https://evil.example/callback", "https://127.0.0.1:7777/callback", "javascript:alert(1)"] {
                    dead_end(&bench.refusal(&client, &[("redirect_uri", uri)]).await)?;
                    dead_end(&bench.refusal(&client, &[("redirect_uri", uri), ("response_type", "token")]).await)?;
                }
                Ok(())
            },
        ),
        rfc(6749, "3.1.2.3").must("exact-redirect-uri", "A redirect URI is compared as a whole.", async |bench| {
            let client = bench.client_with(json!({ "redirect_uris": ["https://client.example/callback"] })).await?;
            for uri in ["", "/", "/x", "?x=1", "/../callback", "/%2e%2e/callback", "#x"] {
                let uri = format!("https://client.example/callback{uri}");
                let page = bench.refusal(&client, &[("redirect_uri", &uri)]).await;
                ensure!((page.status == 200) == (uri == client.redirect_uri), "{uri} is answered with {}", page.status);
            }
            for uri in ["https://client.example/Callback", "https://CLIENT.example/callback"] {
                dead_end(&bench.refusal(&client, &[("redirect_uri", uri)]).await)?;
            }
            Ok(())
        }),
        rfc(6749, "3.1.2.3").must(
            "redirect-uri-of-several",
            "A client with several redirect URIs has to name one.",
            async |bench| {
                let uris = json!([CALLBACK, "http://127.0.0.1:7777/other"]);
                let client = bench.client_with(json!({ "redirect_uris": uris })).await?;
                dead_end(&bench.refusal(&client, &[("redirect_uri", "")]).await)?;
                let second = [("redirect_uri", "http://127.0.0.1:7777/other")];
                ensure!(bench.refusal(&client, &second).await.status == 200);
                Ok(())
            },
        ),
        rfc(6749, "3.1.1").must(
            "response-type-missing",
            "A missing response_type is invalid_request.",
            async |bench| {
                let client = bench.client().await?;
                require_redirect_error(
                    &bench.refusal(&client, &[("response_type", "")]).await,
                    &client,
                    "invalid_request",
                )
            },
        ),
        rfc(6749, "4.1.2.1").must(
            "response-type-unknown",
            "An unknown response_type is unsupported_response_type.",
            async |bench| {
                let client = bench.client().await?;
                for unknown in ["codex", "code foo", "Code"] {
                    let page = bench.refusal(&client, &[("response_type", unknown)]).await;
                    require_redirect_error(&page, &client, "unsupported_response_type")?;
                }
                Ok(())
            },
        ),
        oauth21("10.1").must(
            "no-implicit",
            "There is no implicit grant: response_type=token is refused.",
            async |bench| {
                let client = bench.client().await?;
                for implicit in ["token", "id_token token", "code token"] {
                    let page = bench.refusal(&client, &[("response_type", implicit)]).await;
                    require_redirect_error(&page, &client, "unsupported_response_type")?;
                }
                Ok(())
            },
        ),
        rfc(6749, "4.1.2.1").must(
            "denied",
            "The client of a person who says no is told access_denied.",
            async |bench| {
                let client = bench.client().await?;
                let mut browser = bench.browser();
                let page = browser.get(&client.authorization_url(&[])).await;
                let page = browser.press(&page, "cancel").await;
                require_redirect_error(&page, &client, "access_denied")?;
                ensure!(redirect_params(&page, &client)?.get("state") == Some(&client.state), "state is missing");
                Ok(())
            },
        ),
    ]
}

/// How parameters are read.
fn parameters() -> Vec<Row> {
    vec![
        rfc(6749, "3.1").must("repeated", "A parameter that comes twice is invalid_request.", async |bench| {
            let client = bench.client().await?;
            for repeated in ["scope=read", "code_challenge_method=S256", "response_type=code", "x=1&x=2"] {
                let url = format!("{}&scope=read&{repeated}", client.authorization_url(&[]));
                require_redirect_error(&bench.browser().get(&url).await, &client, "invalid_request")?;
            }
            let url = format!("{}&redirect_uri=https://evil.example/", client.authorization_url(&[]));
            dead_end(&bench.browser().get(&url).await)
        }),
        rfc(6749, "3.1").must("empty", "A parameter without a value counts as left out.", async |bench| {
            let client = bench.client().await?;
            let url = format!("{}&scope=&prompt=&resource=&nonce=&max_age=", client.authorization_url(&[]));
            redirect_params(&client.authorize_at(&mut bench.browser(), &url).await, &client)?;
            let url = client.authorization_url(&[("code_challenge", "")]) + "&code_challenge=";
            require_redirect_error(&bench.browser().get(&url).await, &client, "invalid_request")
        }),
        rfc(6749, "3.1").must("unknown-parameter", "Parameters that nobody knows are ignored.", async |bench| {
            let client = bench.client().await?;
            let changes = [("display", "wap"), ("x_vendor", "<>\"'&="), ("audience", "https://evil.example")];
            let code = bench.code_for(&client, &changes).await?;
            granted(client.redeem(&code, &[]).await)?;
            Ok(())
        }),
        rfc(6749, "3.1").must("get", "The authorization endpoint answers GET, and again as often.", async |bench| {
            let client = bench.client().await?;
            let url = client.authorization_url(&[]);
            for _ in 0..3 {
                let page = bench.browser().get(&url).await;
                ensure!(page.status == 200 && page.form().action.ends_with("/oauth/consent"), "{}", page.status);
            }
            Ok(())
        }),
        rfc(6749, "4.1.2").must("state", "state comes back exactly as it was sent.", async |bench| {
            let client = bench.client().await?;
            for state in ["a b+c&d=e/f?g#h%20", "\"<script>\u{20ac}\u{1f511}", &"x".repeat(500)] {
                let page = client.authorize(&mut bench.browser(), &[("state", state)]).await;
                ensure!(
                    redirect_params(&page, &client)?.get("state").map(String::as_str) == Some(state),
                    "{state:?} is lost"
                );
            }
            let page = client.authorize(&mut bench.browser(), &[("state", "")]).await;
            ensure!(!redirect_params(&page, &client)?.contains_key("state"), "a state that nobody sent");
            Ok(())
        }),
        rfc(6749, "3.1.2").must("redirect-uri-query", "A query in the redirect URI is kept.", async |bench| {
            let uri = "http://127.0.0.1:7777/callback?tenant=a%20b";
            let client = bench.client_with(json!({ "redirect_uris": [uri] })).await?;
            let page = client.authorize(&mut bench.browser(), &[]).await;
            let answer = redirect_params(&page, &client)?;
            ensure!(answer.contains_key("code"));
            ensure!(answer.get("tenant").map(String::as_str) == Some("a b"));
            Ok(())
        }),
        rfc(6749, "3.3").must("scope-told", "A scope other than the one that was asked for is told.", async |bench| {
            let client = bench.client().await?;
            let tokens = bench.tokens_for(&client, &[("scope", "read nobody-knows-this-scope")]).await?;
            ensure!(tokens.text("scope") == "read");
            let tokens = bench.tokens_for(&client, &[("scope", "write read")]).await?;
            ensure!(tokens.text("scope") == "read write");
            Ok(())
        }),
        rfc(6749, "3.3").must("scope-default", "A request without scope gets the default one.", async |bench| {
            let (_, tokens) = bench.tokens().await?;
            ensure!(tokens.text("scope") == "read");
            Ok(())
        }),
        rfc(6749, "3.3").must(
            "scope-malformed",
            "A scope with characters outside of the grammar is refused.",
            async |bench| {
                let client = bench.client().await?;
                for scope in ["re\"ad", "re\\ad", "r\u{e9}ad"] {
                    require_redirect_error(
                        &bench.refusal(&client, &[("scope", scope)]).await,
                        &client,
                        "invalid_scope",
                    )?;
                }
                Ok(())
            },
        ),
    ]
}

/// What a code is good for.
fn codes() -> Vec<Row> {
    vec![
        rfc(6749, "4.1.2").must("code-once", "A code works once.", async |bench| {
            let (client, code) = bench.code().await?;
            granted(client.redeem(&code, &[]).await)?;
            require_refusal(&client.redeem(&code, &[]).await, 400, "invalid_grant")
        }),
        rfc(6749, "4.1.2").should("code-replay", "A code that is used twice revokes what it gave.", async |bench| {
            let (client, code) = bench.code().await?;
            let tokens = granted(client.redeem(&code, &[]).await)?;
            ensure!(client.whoami(tokens.access()).await.status == 200, "the token does not work at all");
            require_refusal(&client.redeem(&code, &[]).await, 400, "invalid_grant")?;
            ensure!(client.whoami(tokens.access()).await.status == 401, "the access token lives on");
            require_refusal(&client.refresh(tokens.refresh(), &[]).await, 400, "invalid_grant")
        }),
        rfc(6749, "4.1.3").must("code-of-client", "A code works for the client that it was given to.", async |bench| {
            let (client, code) = bench.code().await?;
            let mut other = bench.client().await?;
            other.verifier.clone_from(&client.verifier);
            require_refusal(&other.redeem(&code, &[]).await, 400, "invalid_grant")?;
            granted(client.redeem(&code, &[]).await)?;
            Ok(())
        }),
        rfc(6749, "4.1.3").must(
            "code-of-redirect-uri",
            "A code works with its own redirect URI only.",
            async |bench| {
                let (client, code) = bench.code().await?;
                let other = [("redirect_uri", "http://127.0.0.1:7777/other")];
                require_refusal(&client.redeem(&code, &other).await, 400, "invalid_grant")?;
                granted(client.redeem(&code, &[]).await)?;
                Ok(())
            },
        ),
        oauth21("4.1.3").must(
            "redirect-uri-left-out",
            "The token request needs no redirect_uri, since PKCE binds the code.",
            async |bench| {
                let (client, code) = bench.code().await?;
                granted(client.redeem(&code, &[("redirect_uri", "")]).await)?;
                Ok(())
            },
        ),
        rfc(6749, "4.1.2").should("code-expires", "A code lives ten minutes at most.", async |bench| {
            let bench = bench.fresh().await?;
            let (client, code) = bench.code().await?;
            bench.clock.advance(600);
            require_refusal(&client.redeem(&code, &[]).await, 400, "invalid_grant")?;
            bench.close().await;
            Ok(())
        }),
        rfc(6749, "10.5").must("code-not-stored", "The answer with the code is kept by no cache.", async |bench| {
            let client = bench.client().await?;
            let page = client.authorize(&mut bench.browser(), &[]).await;
            ensure!(redirect_params(&page, &client)?.contains_key("code"));
            ensure!(header(&page, "cache-control") == "no-store");
            Ok(())
        }),
    ]
}
