//! The token endpoint and client authentication: RFC 6749 sections 2.3, 3.2 and 5.

use anyhow::ensure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::row::Row;
use crate::source::{oauth21, rfc};
use crate::wire::{granted, header, json, problem, require_refusal};
use jean_testing::client::Client;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

pub(super) fn rows() -> Vec<Row> {
    let mut rows = endpoint();
    rows.extend(authentication());
    rows
}

fn endpoint() -> Vec<Row> {
    vec![
        rfc(6749, "3.2").must("post-only", "The token endpoint takes POST only.", async |bench| {
            let (client, code) = bench.code().await?;
            let query = format!(
                "grant_type=authorization_code&code={code}&client_id={}&code_verifier={}",
                client.id, client.verifier
            );
            for method in ["GET", "PUT"] {
                let page = bench.send(&format!("{method} /oauth/token?{query}"), &[FORM], &query).await;
                ensure!(page.status == 405, "{method} is answered with {}", page.status);
            }
            let page = bench.send(&format!("POST /oauth/token?{query}"), &[FORM], "").await;
            ensure!(page.status.is_client_error(), "parameters of the query are answered with {}", page.status);
            granted(client.redeem(&code, &[]).await)?;
            Ok(())
        }),
        rfc(6749, "3.2").must("token-repeated", "A parameter that comes twice is invalid_request.", async |bench| {
            let (client, code) = bench.code().await?;
            let body = format!(
                "grant_type=authorization_code&code={code}&client_id={}&code_verifier={}&code={code}",
                client.id, client.verifier
            );
            problem(&bench.send("POST /oauth/token", &[FORM], &body).await, 400, "invalid_request")?;
            granted(client.redeem(&code, &[]).await)?;
            Ok(())
        }),
        rfc(6749, "3.2").must(
            "token-unknown-parameter",
            "Unknown parameters are ignored, empty ones left out.",
            async |bench| {
                let (client, code) = bench.code().await?;
                let Client { id, verifier, .. } = &client;
                let known =
                    format!("grant_type=authorization_code&code={code}&client_id={id}&code_verifier={verifier}");
                let body = format!("{known}&x_vendor=1&scope=&client_secret=");
                let page = bench.send("POST /oauth/token", &[FORM], &body).await;
                ensure!(page.status == 200, "{}", page.body);
                Ok(())
            },
        ),
        rfc(6749, "5.1").must("no-store", "Answers of the token endpoint are kept by no cache.", async |bench| {
            let (client, code) = bench.code().await?;
            let fields = [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", &client.verifier)];
            let good = client.post_form("/oauth/token", &fields, &[]).await;
            ensure!(good.status == 200);
            let bad = client.post_form("/oauth/token", &fields, &[]).await;
            ensure!(bad.status == 400);
            for page in [good, bad] {
                ensure!(header(&page, "cache-control") == "no-store");
                ensure!(header(&page, "content-type") == "application/json");
            }
            Ok(())
        }),
        rfc(6749, "5.1").must("token-response", "A token response has token_type and expires_in.", async |bench| {
            let (_, tokens) = bench.tokens().await?;
            ensure!(tokens.text("token_type") == "Bearer");
            ensure!(tokens.json["expires_in"].as_u64().is_some_and(|seconds| seconds > 0));
            ensure!(tokens.json.as_object().is_some_and(|all| all.values().all(|value| !value.is_null())));
            Ok(())
        }),
        rfc(6749, "5.2").must("grant-type-unknown", "Another grant_type is unsupported_grant_type.", async |bench| {
            let client = bench.confidential("client_secret_post").await?;
            for unknown in ["implicit", "urn:example:nobody-knows-this", "AUTHORIZATION_CODE"] {
                let tokens = client.token(&[("grant_type", unknown)], &[]).await;
                require_refusal(&tokens, 400, "unsupported_grant_type")?;
            }
            Ok(())
        }),
        oauth21("10.2").must("no-password", "There is no password grant.", async |bench| {
            let client = bench.confidential("client_secret_post").await?;
            let fields = [("grant_type", "password"), ("username", "ada"), ("password", "x")];
            require_refusal(&client.token(&fields, &[]).await, 400, "unsupported_grant_type")
        }),
        rfc(6749, "5.2").must("parameter-missing", "A missing parameter is invalid_request.", async |bench| {
            let (client, code) = bench.code().await?;
            for missing in ["grant_type", "code", "code_verifier"] {
                require_refusal(&client.redeem(&code, &[(missing, "")]).await, 400, "invalid_request")?;
            }
            granted(client.redeem(&code, &[]).await)?;
            Ok(())
        }),
        rfc(6749, "5.2").must("error-body", "An error is JSON with a code and plain ASCII words.", async |bench| {
            let client = bench.client().await?;
            let fields = [("grant_type", "authorization_code"), ("code", "x")];
            let page = client.post_form("/oauth/token", &fields, &[]).await;
            let body = json(&page)?;
            ensure!(body["error"].is_string());
            let words = body["error_description"].as_str().unwrap_or_default();
            ensure!(words.chars().all(|c| matches!(c, ' '..='~') && c != '"' && c != '\\'), "{words}");
            Ok(())
        }),
        rfc(6749, "4.1.3").must("code-unknown", "A code that nobody gave is invalid_grant.", async |bench| {
            let (client, code) = bench.code().await?;
            for forged in ["x", &format!("{code}x"), &code[..code.len() - 2]] {
                require_refusal(&client.redeem(forged, &[]).await, 400, "invalid_grant")?;
            }
            granted(client.redeem(&code, &[]).await)?;
            Ok(())
        }),
    ]
}

fn authentication() -> Vec<Row> {
    vec![
        rfc(6749, "2.3.1").must("basic", "A client may show its secret by HTTP Basic, form-encoded.", async |bench| {
            let client = bench.confidential("client_secret_basic").await?;
            let code = bench.code_for(&client, &[]).await?;
            let secret = client.secret.clone().unwrap_or_default();
            // Every character may be escaped, and the scheme has no case.
            let escaped: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let header = format!("bAsIc {}", STANDARD.encode(format!("{}:{escaped}", client.id)));
            granted(client.redeem(&code, &[("authorization", &header)]).await)?;
            Ok(())
        }),
        rfc(6749, "2.3.1").must("post", "A client may show its secret in the body.", async |bench| {
            let client = bench.confidential("client_secret_post").await?;
            bench.tokens_for(&client, &[]).await?;
            Ok(())
        }),
        rfc(6749, "2.3").must("two-methods", "A client that authenticates twice at once is refused.", async |bench| {
            let client = bench.confidential("client_secret_basic").await?;
            let code = bench.code_for(&client, &[]).await?;
            let secret = client.secret.clone().unwrap_or_default();
            let twice = [("client_id", client.id.as_str()), ("client_secret", &secret)];
            require_refusal(&client.redeem(&code, &twice).await, 400, "invalid_request")?;
            granted(client.redeem(&code, &[]).await)?;
            Ok(())
        }),
        rfc(6749, "3.2.1").must(
            "wrong-secret",
            "A wrong or missing secret is refused, and costs nothing.",
            async |bench| {
                for method in ["client_secret_basic", "client_secret_post"] {
                    let client = bench.confidential(method).await?;
                    let code = bench.code_for(&client, &[]).await?;
                    for secret in [Some("wrong"), Some(""), None] {
                        let mut thief = client.clone();
                        thief.secret = secret.map(str::to_owned);
                        require_refusal(&thief.redeem(&code, &[]).await, 401, "invalid_client")?;
                    }
                    granted(client.redeem(&code, &[]).await)?;
                }
                Ok(())
            },
        ),
        rfc(6749, "5.2").must("www-authenticate", "invalid_client is 401 with a challenge of Basic.", async |bench| {
            let mut client = bench.confidential("client_secret_basic").await?;
            client.secret = Some("wrong".into());
            let fields = [("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", &client.verifier)];
            let page = client.post_form("/oauth/token", &fields, &[]).await;
            problem(&page, 401, "invalid_client")?;
            ensure!(header(&page, "www-authenticate").starts_with("Basic "));
            Ok(())
        }),
        rfc(6749, "5.2").must("unknown-client-id", "An unknown client_id is invalid_client.", async |bench| {
            let mut client = bench.client().await?;
            client.id = "nobody-knows-this-client".into();
            require_refusal(&client.redeem("x", &[]).await, 401, "invalid_client")?;
            client.id = String::new();
            require_refusal(&client.redeem("x", &[]).await, 401, "invalid_client")
        }),
        rfc(6749, "3.2.1").must("no-secret-in-query", "A secret in the query is no authentication.", async |bench| {
            let client = bench.confidential("client_secret_post").await?;
            let code = bench.code_for(&client, &[]).await?;
            let secret = client.secret.clone().unwrap_or_default();
            let path = format!("/oauth/token?client_id={}&client_secret={secret}", client.id);
            let body = format!("grant_type=authorization_code&code={code}&code_verifier={}", client.verifier);
            problem(&bench.send(&format!("POST {path}"), &[FORM], &body).await, 401, "invalid_client")?;
            granted(client.redeem(&code, &[]).await)?;
            Ok(())
        }),
    ]
}
