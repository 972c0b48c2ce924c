//! Dynamic client registration: RFC 7591.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::row::Row;
use crate::source::rfc;
use crate::subject::CALLBACK;
use crate::wire::{header, json, problem};
use jean_testing::browser::Page;

/// Registers what is given, and nothing else.
async fn register(bench: &Bench, metadata: &Value) -> Page {
    bench.stranger().post_json("/oauth/register", metadata).await
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(7591, "3.2.1").must(
            "created",
            "A registration is answered with 201, and kept by no cache.",
            async |bench| {
                let page = register(bench, &json!({ "redirect_uris": [CALLBACK] })).await;
                ensure!(page.status == 201, "the status is {}", page.status);
                ensure!(header(&page, "content-type") == "application/json");
                ensure!(header(&page, "cache-control") == "no-store");
                ensure!(json(&page)?["client_id"].as_str().is_some_and(|id| !id.is_empty()));
                Ok(())
            },
        ),
        rfc(7591, "2").must("defaults", "What is left out has the defaults, and they are told.", async |bench| {
            let metadata = json(&register(bench, &json!({ "redirect_uris": [CALLBACK] })).await)?;
            ensure!(metadata["token_endpoint_auth_method"] == "client_secret_basic");
            ensure!(metadata["grant_types"] == json!(["authorization_code"]));
            ensure!(metadata["response_types"] == json!(["code"]));
            Ok(())
        }),
        rfc(7591, "3.2.1").must("echo", "All that is registered is told, and nothing is null.", async |bench| {
            let metadata = json!({
                "redirect_uris": [CALLBACK, "https://client.example/callback"],
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "client_name": "Scripted",
                "client_uri": "https://client.example/",
                "software_id": "4NRB1-0XZABZI9E6-5SM3R",
                "software_version": "1.2",
                "contacts": ["ada@client.example"],
            });
            let told = json(&register(bench, &metadata).await)?;
            for (name, value) in metadata.as_object().into_iter().flatten() {
                ensure!(told[name] == *value, "{name}: {}", told[name]);
            }
            ensure!(told.as_object().is_some_and(|all| all.values().all(|value| !value.is_null())), "{told}");
            Ok(())
        }),
        rfc(7591, "3.2.1").must(
            "secret-expiry",
            "A secret comes with the time of its expiry, or neither comes.",
            async |bench| {
                let mut metadata = json!({ "redirect_uris": [CALLBACK] });
                let confidential = json(&register(bench, &metadata).await)?;
                ensure!(confidential["client_secret"].as_str().is_some_and(|secret| secret.len() >= 32));
                ensure!(confidential["client_secret_expires_at"].is_u64());
                metadata["token_endpoint_auth_method"] = "none".into();
                let public = json(&register(bench, &metadata).await)?;
                ensure!(public.get("client_secret").is_none() && public.get("client_secret_expires_at").is_none());
                Ok(())
            },
        ),
        rfc(7591, "2").must("unknown-metadata", "Metadata that nobody knows is ignored.", async |bench| {
            let metadata = json!({ "redirect_uris": [CALLBACK], "x_vendor": { "a": [1, null] }, "client_id": "mine" });
            let page = register(bench, &metadata).await;
            ensure!(page.status == 201, "{}", page.body);
            ensure!(json(&page)?["client_id"] != "mine", "a client chooses its own id");
            Ok(())
        }),
        rfc(7591, "3.2.2").must(
            "invalid-redirect-uri",
            "A redirect URI that leads astray is invalid_redirect_uri.",
            async |bench| {
                for uri in [
                    "javascript:alert(1)",
                    "data:text/html,x",
                    "vbscript:x",
                    "blob:https://client.example/x",
                    "file:///etc/passwd",
                    "about:blank",
                    "https://client.example/#fragment",
                    "https://user@client.example/",
                    "/callback",
                ] {
                    problem(&register(bench, &json!({ "redirect_uris": [uri] })).await, 400, "invalid_redirect_uri")?;
                }
                problem(&register(bench, &json!({ "redirect_uris": [] })).await, 400, "invalid_redirect_uri")
            },
        ),
        rfc(7591, "3.2.2").must(
            "invalid-metadata",
            "Metadata that cannot be is invalid_client_metadata.",
            async |bench| {
                for (name, value) in [
                    ("token_endpoint_auth_method", json!("nobody-knows-this-method")),
                    ("grant_types", json!(["implicit"])),
                    ("response_types", json!(["token"])),
                    ("redirect_uris", json!("https://client.example/")),
                    ("client_name", json!(7)),
                ] {
                    let mut metadata = json!({ "redirect_uris": [CALLBACK] });
                    metadata[name] = value;
                    problem(&register(bench, &metadata).await, 400, "invalid_client_metadata")?;
                }
                Ok(())
            },
        ),
        rfc(7591, "3.1").must("json-only", "What is no JSON object is no registration.", async |bench| {
            for body in ["", "{", "[]", "null", "\"x\""] {
                let page = bench.send("POST /oauth/register", &[("content-type", "application/json")], body).await;
                ensure!(page.status == 400, "{body:?} is answered with {}", page.status);
            }
            let body = json!({ "redirect_uris": [CALLBACK] }).to_string();
            let page = bench.send("POST /oauth/register", &[("content-type", "text/plain")], &body).await;
            ensure!(page.status.is_client_error(), "text is answered with {}", page.status);
            ensure!(bench.get("/oauth/register").await.status == 405);
            Ok(())
        }),
        rfc(7591, "3").must("unique", "Each registration is a client of its own.", async |bench| {
            let metadata = json!({ "redirect_uris": [CALLBACK], "client_name": "Twin" });
            let (one, two) = (json(&register(bench, &metadata).await)?, json(&register(bench, &metadata).await)?);
            ensure!(one["client_id"] != two["client_id"]);
            ensure!(one["client_secret"] != two["client_secret"]);
            Ok(())
        }),
        rfc(7591, "2").must(
            "method-enforced",
            "A client authenticates by the method that it registered.",
            async |bench| {
                let methods = ["none", "client_secret_basic", "client_secret_post"];
                for registered in methods {
                    let client = bench.confidential(registered).await?;
                    for used in methods {
                        let mut other = client.clone();
                        other.auth_method = used.into();
                        other.secret = other.secret.or_else(|| Some("x".into()));
                        let fields =
                            [("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", &client.verifier)];
                        let found = other.token(&fields, &[]).await;
                        let wanted = if used == registered { "invalid_grant" } else { "invalid_client" };
                        ensure!(found.error() == wanted, "{registered} by {used}: {}", found.json);
                    }
                }
                Ok(())
            },
        ),
        rfc(7591, "5").should(
            "mixed-redirect-uris",
            "Web, loopback and app redirect URIs go together.",
            async |bench| {
                let uris =
                    json!(["cursor://anysphere.cursor-mcp/oauth/callback", "https://client.example/cb", CALLBACK]);
                let page = register(bench, &json!({ "redirect_uris": uris })).await;
                ensure!(page.status == 201, "{}", page.body);
                ensure!(json(&page)?["redirect_uris"] == uris);
                Ok(())
            },
        ),
    ]
}
