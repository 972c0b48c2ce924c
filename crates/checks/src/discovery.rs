//! What clients read first: RFC 8414 for the authorization server, RFC 9728 for the protected resource.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::bearer::ping;
use crate::row::Row;
use crate::source::rfc;
use crate::subject::{ISSUER, RESOURCE};
use crate::wire::{challenge, header, list};

const SERVER: &str = "/.well-known/oauth-authorization-server";
const PROTECTED: &str = "/.well-known/oauth-protected-resource";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = authorization_server();
    rows.extend(protected_resource());
    rows
}

fn authorization_server() -> Vec<Row> {
    vec![
        rfc(8414, "3.2").must("document", "The metadata is JSON, answered with 200.", async |bench| {
            let page = bench.get(SERVER).await;
            ensure!(page.status == 200, "the status is {}", page.status);
            ensure!(header(&page, "content-type") == "application/json");
            Ok(())
        }),
        rfc(8414, "3.3").must("issuer", "The issuer is the one whose address the document has.", async |bench| {
            ensure!(bench.metadata().await?["issuer"] == ISSUER);
            Ok(())
        }),
        rfc(8414, "2").must("required", "All fields that are required are there.", async |bench| {
            let metadata = bench.metadata().await?;
            for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"] {
                ensure!(metadata[name].is_string(), "{name} is missing");
            }
            ensure!(list(&metadata, "response_types_supported") == ["code"]);
            ensure!(list(&metadata, "grant_types_supported").starts_with(&["authorization_code", "refresh_token"]));
            Ok(())
        }),
        rfc(8414, "3.2").must(
            "nothing-empty",
            "What does not apply is left out: no null, no empty list.",
            async |bench| full("metadata", &bench.metadata().await?),
        ),
        rfc(8414, "2").must("endpoints-answer", "Each address in the document is ours, and answers.", async |bench| {
            for (name, value) in bench.metadata().await?.as_object().into_iter().flatten() {
                let Some(url) = value.as_str().filter(|_| name != "issuer") else { continue };
                let path = url.strip_prefix(ISSUER);
                ensure!(path.is_some(), "{name} is elsewhere: {url}");
                ensure!(bench.get(path.unwrap_or_default()).await.status != 404, "{name} is not there: {url}");
            }
            Ok(())
        }),
        rfc(8414, "2").must(
            "methods-hold",
            "The methods of authentication that are named work, none among them.",
            async |bench| {
                let metadata = bench.metadata().await?;
                let methods = list(&metadata, "token_endpoint_auth_methods_supported");
                ensure!(methods.contains(&"none"), "{methods:?}");
                ensure!(list(&metadata, "revocation_endpoint_auth_methods_supported").contains(&"none"));
                for method in
                    methods.into_iter().filter(|method| *method == "none" || method.starts_with("client_secret_"))
                {
                    let client = bench.confidential(method).await?;
                    bench.tokens_for(&client, &[]).await?;
                }
                Ok(())
            },
        ),
        rfc(8414, "3.1").must(
            "path-inserted",
            "For an issuer with a path the well-known name comes before it.",
            async |bench| {
                let issuer = "https://jean.example/team/notes";
                let bench = bench.at(issuer, "").await?;
                for path in [format!("{SERVER}/team/notes"), format!("{PROTECTED}/team/notes/mcp")] {
                    let page = bench.send(&format!("GET {path}"), &[("host", "jean.example")], "").await;
                    ensure!(page.status == 200 && page.body.contains(issuer), "{path} answers {}", page.status);
                }
                bench.close().await;
                Ok(())
            },
        ),
        rfc(8414, "6.2").must("headers-ignored", "No header of a request gets into an address.", async |bench| {
            let evil = [
                ("x-forwarded-host", "evil.example"),
                ("x-forwarded-proto", "gopher"),
                ("x-forwarded-prefix", "/evil"),
                ("forwarded", "host=evil.example;proto=gopher"),
            ];
            for path in [SERVER, PROTECTED, "/.well-known/oauth-protected-resource/mcp", "/mcp"] {
                let honest = bench.get(path).await;
                for host in ["localhost:8080", "evil.example"] {
                    let mut headers = evil.to_vec();
                    headers.push(("host", host));
                    let page = bench.send(&format!("GET {path}"), &headers, "").await;
                    let told = format!("{} {}", page.body, header(&page, "www-authenticate"));
                    ensure!(!told.contains("evil") && !told.contains("gopher"), "{path}: {told}");
                    ensure!(host != "localhost:8080" || page.body == honest.body, "{path} differs");
                }
            }
            Ok(())
        }),
        rfc(8414, "2").must(
            "key-set",
            "The key set at jwks_uri holds public keys with names, and nothing private.",
            async |bench| {
                let keys = bench.document("/oauth/jwks").await?;
                let keys = keys["keys"].as_array().cloned().unwrap_or_default();
                ensure!(!keys.is_empty(), "there are no keys");
                for key in keys {
                    ensure!(["kty", "kid", "alg"].iter().all(|name| key[*name].is_string()), "{key}");
                    ensure!(
                        ["d", "p", "q", "dp", "dq", "qi", "k"].iter().all(|name| key.get(*name).is_none()),
                        "a secret"
                    );
                }
                Ok(())
            },
        ),
    ]
}

fn protected_resource() -> Vec<Row> {
    vec![
        rfc(9728, "3.1").must(
            "at-path",
            "The document of a resource is at its path behind the well-known name.",
            async |bench| {
                let page = bench.get(&format!("{PROTECTED}/mcp")).await;
                ensure!(page.status == 200 && header(&page, "content-type") == "application/json");
                Ok(())
            },
        ),
        rfc(9728, "3.3").must("resource", "The document names the resource whose address it has.", async |bench| {
            ensure!(bench.document(&format!("{PROTECTED}/mcp")).await?["resource"] == RESOURCE);
            Ok(())
        }),
        rfc(9728, "2").must(
            "authorization-servers",
            "It names the authorization server by its exact issuer.",
            async |bench| {
                let document = bench.document(&format!("{PROTECTED}/mcp")).await?;
                let issuer = bench.metadata().await?["issuer"].clone();
                ensure!(document["authorization_servers"] == serde_json::json!([issuer]));
                Ok(())
            },
        ),
        rfc(9728, "2").must(
            "says-what-holds",
            "It tells scopes and that tokens go in the header; nothing is null.",
            async |bench| {
                let document = bench.document(&format!("{PROTECTED}/mcp")).await?;
                ensure!(list(&document, "bearer_methods_supported") == ["header"]);
                ensure!(list(&document, "scopes_supported") == ["read", "write"]);
                full("document", &document)
            },
        ),
        rfc(9728, "5.1").must(
            "in-challenge",
            "Each challenge names the document of the resource that was called.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                for page in [bench.call(&[], &ping()).await, client.whoami(&format!("{}x", tokens.access())).await] {
                    ensure!(page.status == 401, "the status is {}", page.status);
                    let challenge = challenge(&page)?;
                    let url = challenge.get("resource_metadata").map(String::as_str).unwrap_or_default();
                    ensure!(url == format!("{ISSUER}{PROTECTED}/mcp"), "{url}");
                }
                Ok(())
            },
        ),
        rfc(9728, "3.1").must("others-unknown", "There is no document for what is not served.", async |bench| {
            for path in ["/other", "/mcp/other", "/mcpx", "/"] {
                let page = bench.get(&format!("{PROTECTED}{path}")).await;
                ensure!(page.status == 404, "{path} is answered with {}", page.status);
            }
            Ok(())
        }),
        rfc(9728, "3.1").must("each-its-own", "Each of several resources has a document of its own.", async |bench| {
            let bench = bench.with(crate::resource::TWO).await?;
            for (path, resource, scope) in [("/mcp", RESOURCE, "read"), ("/notes", crate::resource::NOTES, "note")] {
                let document = bench.document(&format!("{PROTECTED}{path}")).await?;
                ensure!(document["resource"] == resource, "{}", document["resource"]);
                ensure!(list(&document, "scopes_supported") == [scope]);
                let challenge = challenge(&bench.send(&format!("POST {path}"), &[], "").await)?;
                let url = format!("{ISSUER}{PROTECTED}{path}");
                ensure!(challenge.get("resource_metadata") == Some(&url), "{challenge:?}");
            }
            bench.close().await;
            Ok(())
        }),
    ]
}

/// Checks that nothing in a document is null or an empty list.
fn full(name: &str, value: &Value) -> Result<()> {
    match value {
        Value::Null => anyhow::bail!("{name} is null"),
        Value::Array(items) => {
            ensure!(!items.is_empty(), "{name} is empty");
            items.iter().try_for_each(|item| full(name, item))
        }
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| full(name, value)),
        _ => Ok(()),
    }
}
