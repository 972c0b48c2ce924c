//! The client configuration endpoint, by which a client manages its registration: RFC 7592.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::row::Row;
use crate::source::rfc;
use crate::subject::{CALLBACK, ISSUER};
use crate::wire::{header, json, problem, require_refusal};
use jean_testing::browser::Page;
use jean_testing::client::Client;

/// A registration as its client knows it.
struct Registration {
    client: Client,
    /// The server's response.
    told: Value,
    path: String,
    authorization: String,
}

impl Registration {
    async fn at(bench: &Bench) -> Result<Self> {
        let mut client = bench.stranger();
        let told = client.register().await;
        let uri = told["registration_client_uri"].as_str().context("no registration_client_uri")?;
        let path = uri.strip_prefix(ISSUER).context("it is elsewhere")?.to_owned();
        let token = told["registration_access_token"].as_str().context("no registration_access_token")?;
        Ok(Registration { client, path, authorization: format!("Bearer {token}"), told: told.clone() })
    }

    async fn send(&self, bench: &Bench, method: &str, body: &Value) -> Page {
        let headers = [("authorization", self.authorization.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        bench.send(&format!("{method} {}", self.path), &headers, &body).await
    }

    async fn get(&self, bench: &Bench) -> Page {
        self.send(bench, "GET", &Value::Null).await
    }

    /// An update that changes one field; null leaves it out.
    async fn update(&self, bench: &Bench, name: &str, value: Value) -> Page {
        let mut metadata = self.client.metadata();
        metadata["client_id"] = self.client.id.as_str().into();
        metadata[name] = value;
        self.send(bench, "PUT", &metadata).await
    }
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(7592, "3").must("told", "A registration tells where it is managed, and by which token.", async |bench| {
            let registration = Registration::at(bench).await?;
            ensure!(registration.path.starts_with("/oauth/"), "{}", registration.path);
            ensure!(registration.authorization.len() > 32);
            Ok(())
        }),
        rfc(7592, "2.1").must("read", "A client reads its registration, which no cache keeps.", async |bench| {
            let registration = Registration::at(bench).await?;
            let page = registration.get(bench).await;
            ensure!(page.status == 200, "the status is {}", page.status);
            ensure!(header(&page, "cache-control") == "no-store");
            let read = json(&page)?;
            for name in ["client_id", "redirect_uris", "client_name", "grant_types", "client_id_issued_at"] {
                ensure!(read[name] == registration.told[name], "{name} is {}", read[name]);
            }
            Ok(())
        }),
        rfc(7592, "2").must(
            "token-needed",
            "Nobody comes in without the token of that very registration.",
            async |bench| {
                let (registration, mut other) = (Registration::at(bench).await?, Registration::at(bench).await?);
                let (_, tokens) = bench.tokens().await?;
                let own = other.authorization.clone();
                for authorization in ["", "Bearer x", &own, &format!("Bearer {}", tokens.access())] {
                    other.path.clone_from(&registration.path);
                    other.authorization = authorization.to_owned();
                    for method in ["GET", "PUT", "DELETE"] {
                        let page = other.send(bench, method, &Value::Null).await;
                        ensure!([401, 403].contains(&page.status.as_u16()), "{method}: {}", page.status);
                    }
                }
                ensure!(registration.get(bench).await.status == 200);
                Ok(())
            },
        ),
        rfc(7592, "2.2").must("update", "An update replaces everything: what is left out is gone.", async |bench| {
            let registration = Registration::at(bench).await?;
            let page = registration.update(bench, "client_name", Value::Null).await;
            ensure!(page.status == 200, "{}", page.body);
            ensure!(json(&page)?.get("client_name").is_none() && json(&page)?["client_id"] == registration.client.id);
            let moved = json!(["http://127.0.0.1:7777/moved"]);
            ensure!(registration.update(bench, "redirect_uris", moved.clone()).await.status == 200);
            ensure!(json(&registration.get(bench).await)?["redirect_uris"] == moved);
            crate::wire::dead_end(&bench.refusal(&registration.client, &[("redirect_uri", CALLBACK)]).await)
        }),
        rfc(7592, "2.2").must(
            "update-refused",
            "An update that breaks a rule is refused, and changes nothing.",
            async |bench| {
                let registration = Registration::at(bench).await?;
                let before = registration.get(bench).await.body;
                for (name, value) in [
                    ("client_id", json!("another")),
                    ("client_id", Value::Null),
                    ("registration_access_token", json!("mine")),
                    ("client_id_issued_at", json!(1)),
                    ("client_secret", json!("mine")),
                ] {
                    let page = registration.update(bench, name, value).await;
                    ensure!(page.status == 400, "{name} is answered with {}", page.status);
                }
                let uris = json!(["javascript:alert(1)"]);
                problem(&registration.update(bench, "redirect_uris", uris).await, 400, "invalid_redirect_uri")?;
                ensure!(registration.get(bench).await.body == before, "something changed");
                Ok(())
            },
        ),
        rfc(7592, "2.3").must("delete", "A deleted client is gone, and all that it was granted.", async |bench| {
            let registration = Registration::at(bench).await?;
            let client = &registration.client;
            let tokens = bench.tokens_for(client, &[]).await?;
            let page = registration.send(bench, "DELETE", &Value::Null).await;
            ensure!(page.status == 204 && page.body.is_empty(), "{} {}", page.status, page.body);
            ensure!(client.whoami(tokens.access()).await.status == 401, "the access token lives on");
            require_refusal(&client.refresh(tokens.refresh(), &[]).await, 401, "invalid_client")?;
            ensure!(registration.get(bench).await.status == 401, "the registration access token lives on");
            crate::wire::dead_end(&bench.refusal(client, &[]).await)
        }),
    ]
}
