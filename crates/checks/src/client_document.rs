//! Clients with a metadata document: draft-ietf-oauth-client-id-metadata-document. The documents are on loopback, which a
//! server on loopback accepts. If a host must not be asked, the check verifies that no request arrives.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bench::Bench;
use crate::row::Row;
use crate::source::cimd;
use crate::subject::CALLBACK;
use crate::wire::{dead_end, granted, jwt_part, redirect_params, require_refusal};
use jean_testing::client::Client;
use jean_testing::document::{Answer, DocumentHost};

/// The web site of clients.
struct Site(DocumentHost);

impl Site {
    async fn start() -> Result<Self> {
        Ok(Site(DocumentHost::start().await?))
    }

    /// How often a path was requested.
    fn request_count(&self, path: &str) -> usize {
        self.0.requests_to(path).len()
    }

    /// A good document for a path.
    fn document(&self, path: &str) -> Value {
        json!({
            "client_id": self.0.url(path),
            "client_name": "Documented",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        })
    }

    /// Serves this answer at a path from now on. Returns the client whose id that path is.
    fn serve(&self, bench: &Bench, path: &str, answer: Answer) -> Client {
        self.0.serve(path, answer);
        let mut client = bench.stranger();
        client.id = self.0.url(path);
        client
    }

    /// Serves a good document.
    fn publish(&self, bench: &Bench, path: &str) -> Client {
        self.serve(bench, path, Answer::json(&self.document(path)))
    }

    /// Serves a document that differs in one field.
    fn publish_with(&self, bench: &Bench, path: &str, (name, value): (&str, Value)) -> Client {
        let mut document = self.document(path);
        document[name] = value;
        self.serve(bench, path, Answer::json(&document))
    }
}

/// Requires that the client's authorization request reaches the consent page.
async fn require_consent_page(bench: &Bench, client: &Client) -> Result<()> {
    let page = bench.refusal(client, &[]).await;
    ensure!(
        page.status == 200 && page.form().action.ends_with("/oauth/consent"),
        "it is answered with {}",
        page.status
    );
    Ok(())
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = documents();
    rows.extend(fetching());
    rows
}

fn documents() -> Vec<Row> {
    vec![
        cimd("6").must("advertised", "The metadata says that clients may be known by documents.", async |bench| {
            ensure!(bench.metadata().await?["client_id_metadata_document_supported"] == true);
            Ok(())
        }),
        cimd("5").should("journey", "A client that registered nowhere makes the whole journey.", async |bench| {
            let site = Site::start().await?;
            let client = site.publish(bench, "/client.json");
            let tokens = bench.tokens_for(&client, &[]).await?;
            ensure!(jwt_part(tokens.access(), 1)?["client_id"] == client.id.as_str());
            ensure!(client.whoami(tokens.access()).await.status == 200);
            granted(client.refresh(tokens.refresh(), &[]).await)?;
            Ok(())
        }),
        cimd("4").must(
            "client-id",
            "client_id in the document is its very address, character by character.",
            async |bench| {
                let site = Site::start().await?;
                for (path, id) in [
                    ("/other", "https://other.example/client.json".to_owned()),
                    ("/port", site.0.url("/port").replace("127.0.0.1", "localhost")),
                    ("/slash", site.0.url("/slash/")),
                    ("/case", site.0.url("/CASE")),
                ] {
                    dead_end(&bench.refusal(&site.publish_with(bench, path, ("client_id", json!(id))), &[]).await)?;
                }
                require_consent_page(bench, &site.publish(bench, "/good")).await
            },
        ),
        cimd("4.1").must(
            "no-secret",
            "A document holds no secret, and names no method that needs one.",
            async |bench| {
                let site = Site::start().await?;
                for (path, change) in [
                    ("/secret", ("client_secret", json!("everybody-reads-this"))),
                    ("/expiry", ("client_secret_expires_at", json!(0))),
                    ("/basic", ("token_endpoint_auth_method", json!("client_secret_basic"))),
                    ("/post", ("token_endpoint_auth_method", json!("client_secret_post"))),
                ] {
                    dead_end(&bench.refusal(&site.publish_with(bench, path, change), &[]).await)?;
                }
                require_consent_page(bench, &site.publish(bench, "/none")).await
            },
        ),
        cimd("4.2").must("redirect-uri", "The answer goes to a redirect URI of the document only.", async |bench| {
            let site = Site::start().await?;
            let client =
                site.publish_with(bench, "/c", ("redirect_uris", json!([CALLBACK, "https://client.example/callback"])));
            require_consent_page(bench, &client).await?;
            for uri in ["https://evil.example/", "https://client.example/callback/", "http://127.0.0.1:7777/other"] {
                dead_end(&bench.refusal(&client, &[("redirect_uri", uri)]).await)?;
            }
            Ok(())
        }),
        cimd("4").must(
            "malformed",
            "What is no document is refused: no JSON, no object, no redirect URIs.",
            async |bench| {
                let site = Site::start().await?;
                for (path, body) in
                    [("/empty", ""), ("/half", "{"), ("/list", "[]"), ("/text", "\"x\""), ("/null", "null")]
                {
                    let answer = Answer { body: body.into(), ..Answer::json(&Value::Null) };
                    dead_end(&bench.refusal(&site.serve(bench, path, answer), &[]).await)?;
                }
                dead_end(&bench.refusal(&site.publish_with(bench, "/none", ("redirect_uris", json!([]))), &[]).await)?;
                let page = Answer::json(&site.document("/page")).with("content-type", "text/html");
                dead_end(&bench.refusal(&site.serve(bench, "/page", page), &[]).await)
            },
        ),
        cimd("7.1").should(
            "generated-ids",
            "No client id that is given at registration looks like a document's.",
            async |bench| {
                ensure!(!bench.client().await?.id.starts_with("http"));
                Ok(())
            },
        ),
        cimd("3").must(
            "token-endpoint",
            "At the token endpoint an id without a document is invalid_client.",
            async |bench| {
                let site = Site::start().await?;
                let client = site.serve(bench, "/nothing", Answer::status(404));
                require_refusal(&client.redeem("x", &[]).await, 401, "invalid_client")?;
                let client = site.publish(bench, "/c");
                let code = bench.code_for(&client, &[]).await?;
                let thief = site.publish_with(bench, "/thief", ("client_name", json!("Thief")));
                let stolen = thief.redeem(&code, &[("code_verifier", &client.verifier)]).await;
                require_refusal(&stolen, 400, "invalid_grant")?;
                granted(client.redeem(&code, &[]).await)?;
                Ok(())
            },
        ),
        cimd("8").should("host-shown", "The consent page shows the host of the document.", async |bench| {
            let site = Site::start().await?;
            let uris = json!(["https://client.example/callback"]);
            let mut client = site.publish_with(bench, "/c", ("redirect_uris", uris));
            client.redirect_uri = "https://client.example/callback".into();
            let page = bench.refusal(&client, &[]).await;
            ensure!(page.status == 200, "the status is {}", page.status);
            for host in ["127.0.0.1", "client.example"] {
                ensure!(page.body.contains(host), "{host} is not on the page");
            }
            Ok(())
        }),
    ]
}

fn fetching() -> Vec<Row> {
    vec![
        cimd("3").must(
            "address",
            "An id with userinfo, fragment or dot segments, or without a path, is none.",
            async |bench| {
                let site = Site::start().await?;
                let host = site.0.url("").replace("http://", "");
                for id in [
                    format!("http://{host}"),
                    format!("http://{host}/a/../c"),
                    format!("http://{host}/a/%2e%2e/c"),
                    format!("http://{host}/./c"),
                    format!("http://{host}/c#x"),
                    format!("http://user@{host}/c"),
                    format!("http://user:x@{host}/c"),
                    "http://client.example/client.json".to_owned(),
                    "ftp://client.example/client.json".to_owned(),
                    "https://client.example".to_owned(),
                ] {
                    for path in ["/c", "/", "/a/../c"] {
                        let mut document = site.document(path);
                        document["client_id"] = id.as_str().into();
                        site.serve(bench, path, Answer::json(&document));
                    }
                    let mut client = bench.stranger();
                    client.id = id;
                    dead_end(&bench.refusal(&client, &[]).await)?;
                }
                ensure!(site.request_count("/c") + site.request_count("/") == 0, "it was asked for");
                Ok(())
            },
        ),
        cimd("5").must("status", "Any status but 200 is a failure, whatever comes with it.", async |bench| {
            let site = Site::start().await?;
            for status in [201, 203, 206, 404, 500] {
                let path = format!("/{status}");
                let answer = Answer { status, ..Answer::json(&site.document(&path)) };
                let page = bench.refusal(&site.serve(bench, &path, answer), &[]).await;
                ensure!([400, 503].contains(&page.status.as_u16()), "{status} is answered with {}", page.status);
                ensure!(page.leads_to().is_none(), "{status} leads to {:?}", page.leads_to());
            }
            Ok(())
        }),
        cimd("5").must("redirect", "No redirect is followed.", async |bench| {
            let site = Site::start().await?;
            site.serve(bench, "/moved", Answer::json(&site.document("/start")));
            let moved = Answer::status(302).with("location", &site.0.url("/moved"));
            dead_end(&bench.refusal(&site.serve(bench, "/start", moved), &[]).await)?;
            ensure!((site.request_count("/start"), site.request_count("/moved")) == (1, 0), "it was followed");
            Ok(())
        }),
        cimd("8.7").should("size", "A document of more than 5 KB is refused.", async |bench| {
            let site = Site::start().await?;
            let large = site.publish_with(bench, "/large", ("x_filler", json!("x".repeat(5200))));
            dead_end(&bench.refusal(&large, &[]).await)?;
            require_consent_page(bench, &site.publish_with(bench, "/fits", ("x_filler", json!("x".repeat(4000))))).await
        }),
        cimd("5.2").should(
            "cached",
            "A document is kept as long as its headers say, and then asked for again.",
            async |bench| {
                let bench = bench.fresh().await?;
                let site = Site::start().await?;
                let good = Answer::json(&site.document("/c")).with("cache-control", "max-age=600");
                let client = site.serve(&bench, "/c", good);
                require_consent_page(&bench, &client).await?;
                require_consent_page(&bench, &client).await?;
                ensure!(site.request_count("/c") == 1, "it was asked for {} times", site.request_count("/c"));
                site.publish_with(&bench, "/c", ("redirect_uris", json!(["http://127.0.0.1:7777/changed"])));
                bench.clock.advance(601);
                dead_end(&bench.refusal(&client, &[]).await)?;
                ensure!(site.request_count("/c") == 2, "it was asked for {} times", site.request_count("/c"));
                bench.close().await;
                Ok(())
            },
        ),
        cimd("5.2").must(
            "failure-not-cached",
            "A failure is not kept: the document works as soon as it is there.",
            async |bench| {
                let bench = bench.fresh().await?;
                let site = Site::start().await?;
                let other = json!({ "client_id": "https://other.example/" });
                for failure in [Answer::status(404), Answer::json(&json!([])), Answer::json(&other)] {
                    let client = site.serve(&bench, "/c", failure.with("cache-control", "max-age=3600"));
                    dead_end(&bench.refusal(&client, &[]).await)?;
                    bench.clock.advance(60);
                }
                require_consent_page(&bench, &site.publish(&bench, "/c")).await?;
                bench.close().await;
                Ok(())
            },
        ),
        cimd("8.6").must("no-ssrf", "A server on the web connects to nothing on its own computer.", async |bench| {
            let bench = bench.at("https://jean.example", "").await?;
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            let port = listener.local_addr()?.port();
            for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1", "0.0.0.0", "[::1]"] {
                for scheme in ["http", "https"] {
                    let id = format!("{scheme}://{host}:{port}/client.json");
                    let mut client = bench.stranger();
                    client.id = id.clone();
                    let url = client.authorization_url(&[]);
                    let path = url.strip_prefix(crate::subject::ISSUER).unwrap_or_default();
                    let page = bench
                        .send(&format!("GET {path}"), &[("host", "jean.example"), ("accept", "text/html")], "")
                        .await;
                    ensure!(page.status == 400 && page.leads_to().is_none(), "{id} is answered with {}", page.status);
                }
            }
            let connected = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
            ensure!(connected.is_err(), "somebody connected");
            bench.close().await;
            Ok(())
        }),
        cimd("8.6").must(
            "private-addresses",
            "An address within a network is no place for a document.",
            async |bench| {
                for host in
                    ["10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]"]
                {
                    let mut client = bench.stranger();
                    client.id = format!("https://{host}/client.json");
                    dead_end(&bench.refusal(&client, &[]).await)?;
                }
                Ok(())
            },
        ),
        cimd("8").should(
            "one-of-many",
            "Revoking one grant of a document's client leaves its others.",
            async |bench| {
                let site = Site::start().await?;
                let client = site.publish(bench, "/c");
                let first = bench.tokens_for(&client, &[]).await?;
                let second = bench.tokens_for(&client, &[]).await?;
                ensure!(client.revoke(first.refresh()).await.status == 200);
                ensure!(client.whoami(first.access()).await.status == 401);
                ensure!(client.whoami(second.access()).await.status == 200, "the other one is gone too");
                ensure!(
                    redirect_params(&client.authorize(&mut bench.browser(), &[]).await, &client)?.contains_key("code")
                );
                Ok(())
            },
        ),
    ]
}
