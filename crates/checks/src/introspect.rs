//! Introspection: RFC 7662.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::resource::{NOTES, TWO};
use crate::row::Row;
use crate::source::rfc;
use crate::subject::{ISSUER, RESOURCE};
use crate::wire::{header, json, jwt_part, problem};
use jean_testing::browser::Page;
use jean_testing::client::{Client, Tokens};

/// The resource server of the notes, in `jean.toml`.
const RESOURCE_SERVER: &str =
    "[[resource_servers]]\nid = \"notes-server\"\nsecret = \"a-secret-of-its-own\"\nmounts = [\"notes\"]\n";

/// A confidential client and its tokens.
async fn confidential(bench: &Bench) -> Result<(Client, Tokens)> {
    let client = bench.confidential("client_secret_basic").await?;
    let tokens = bench.tokens_for(&client, &[]).await?;
    Ok((client, tokens))
}

async fn introspect(client: &Client, token: &str) -> Page {
    client.post_form("/oauth/introspect", &[("token", token)], &[]).await
}

/// Requires that the response says only that the token is not active.
async fn unknown(client: &Client, token: &str) -> Result<()> {
    let page = introspect(client, token).await;
    ensure!(page.status == 200, "the status is {}", page.status);
    ensure!(json(&page)? == json!({ "active": false }), "{}", page.body);
    Ok(())
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(7662, "2.2").must("active", "A client learns what its own token is good for.", async |bench| {
            let (client, tokens) = confidential(bench).await?;
            let page = introspect(&client, tokens.access()).await;
            ensure!(page.status == 200 && header(&page, "cache-control") == "no-store", "{}", page.status);
            let (told, claims) = (json(&page)?, jwt_part(tokens.access(), 1)?);
            ensure!(told["active"] == true, "{told}");
            for name in ["scope", "client_id", "sub", "aud", "iss", "exp", "iat"] {
                ensure!(told[name] == claims[name], "{name} is {}", told[name]);
            }
            ensure!(told["iss"] == ISSUER && told["aud"] == RESOURCE);
            Ok(())
        }),
        rfc(7662, "2.2").must(
            "unknown",
            "Of an unknown token it is told that it is not active, and no more.",
            async |bench| {
                let (client, tokens) = confidential(bench).await?;
                for token in ["x", "a.b.c", &format!("{}x", tokens.access()), &format!("{}x", tokens.refresh())] {
                    unknown(&client, token).await?;
                }
                Ok(())
            },
        ),
        rfc(7662, "2.2").must("foreign", "Of another client's token nothing is told.", async |bench| {
            let (client, _) = confidential(bench).await?;
            let (_, foreign) = confidential(bench).await?;
            unknown(&client, foreign.access()).await?;
            unknown(&client, foreign.refresh()).await
        }),
        rfc(7662, "2.1").must("authenticated", "Whoever asks has to authenticate.", async |bench| {
            let (client, tokens) = confidential(bench).await?;
            let mut thief = client.clone();
            thief.secret = Some("wrong".into());
            problem(&introspect(&thief, tokens.access()).await, 401, "invalid_client")?;
            thief.secret = None;
            problem(&introspect(&thief, tokens.access()).await, 401, "invalid_client")?;
            let public = bench.client().await?;
            let page = introspect(&public, tokens.access()).await;
            ensure!(page.status.is_client_error(), "a public client is answered with {}", page.status);
            Ok(())
        }),
        rfc(7662, "2.2").must("over", "A token that was revoked or expired is not active.", async |bench| {
            let bench = bench.fresh().await?;
            let (client, first) = confidential(&bench).await?;
            let second = bench.tokens_for(&client, &[]).await?;
            ensure!(json(&introspect(&client, first.access()).await)?["active"] == true);
            client.revoke(first.refresh()).await;
            unknown(&client, first.access()).await?;
            unknown(&client, first.refresh()).await?;
            ensure!(
                json(&introspect(&client, second.access()).await)?["active"] == true,
                "the other grant is over too"
            );
            bench.clock.advance(second.json["expires_in"].as_i64().unwrap_or_default());
            unknown(&client, second.access()).await?;
            bench.close().await;
            Ok(())
        }),
        rfc(7662, "4").must(
            "resource-server",
            "A resource server learns of the tokens for it, and of no others.",
            async |bench| {
                let bench = bench.with(&format!("{TWO}{RESOURCE_SERVER}")).await?;
                let client = bench.client().await?;
                let mut server = bench.stranger();
                (server.id, server.secret) = ("notes-server".into(), Some("a-secret-of-its-own".into()));
                server.auth_method = "client_secret_basic".into();
                let notes = bench.tokens_for(&client, &[("resource", NOTES)]).await?;
                let told = json(&introspect(&server, notes.access()).await)?;
                ensure!(told["active"] == true && told["client_id"] == client.id.as_str(), "{told}");
                let other = bench.tokens_for(&client, &[("resource", RESOURCE)]).await?;
                unknown(&server, other.access()).await?;
                unknown(&server, notes.refresh()).await?;
                bench.close().await;
                Ok(())
            },
        ),
        rfc(7662, "2.1").must("post", "The token comes in the body of a POST.", async |bench| {
            let (client, tokens) = confidential(bench).await?;
            let page = bench.get(&format!("/oauth/introspect?token={}", tokens.access())).await;
            ensure!(page.status == 405, "GET is answered with {}", page.status);
            problem(&client.post_form("/oauth/introspect", &[], &[]).await, 400, "invalid_request")
        }),
        rfc(8414, "2").may(
            "introspection-named",
            "The metadata names the endpoint, and methods with a secret.",
            async |bench| {
                let metadata = bench.metadata().await?;
                ensure!(metadata["introspection_endpoint"] == format!("{ISSUER}/oauth/introspect"));
                let methods = metadata["introspection_endpoint_auth_methods_supported"].clone();
                ensure!(
                    methods != Value::Null && !methods.as_array().is_some_and(|all| all.contains(&json!("none"))),
                    "{methods}"
                );
                Ok(())
            },
        ),
    ]
}
