//! Refresh tokens: RFC 6749 section 6, OAuth 2.1 section 4.3, RFC 9700 section 4.14.

use anyhow::ensure;
use serde_json::json;

use crate::row::Row;
use crate::source::{oauth21, rfc};
use crate::wire::{granted, jwt_part, require_refusal};

pub(super) fn rows() -> Vec<Row> {
    vec![
        oauth21("4.3.1").must(
            "rotation",
            "Each refresh of a public client gives another refresh token.",
            async |bench| {
                let (client, first) = bench.tokens().await?;
                let second = granted(client.refresh(first.refresh(), &[]).await)?;
                ensure!(!second.refresh().is_empty() && second.refresh() != first.refresh());
                ensure!(client.whoami(second.access()).await.status == 200);
                Ok(())
            },
        ),
        oauth21("4.3.1").must("reuse", "A refresh token that comes back revokes all that came of it.", async |bench| {
            let (client, first) = bench.tokens().await?;
            let second = granted(client.refresh(first.refresh(), &[]).await)?;
            let third = granted(client.refresh(second.refresh(), &[]).await)?;
            require_refusal(&client.refresh(first.refresh(), &[]).await, 400, "invalid_grant")?;
            require_refusal(&client.refresh(third.refresh(), &[]).await, 400, "invalid_grant")?;
            ensure!(client.whoami(third.access()).await.status == 401, "the access token lives on");
            Ok(())
        }),
        rfc(6749, "6").must("refresh-of-client", "A refresh token works for its own client only.", async |bench| {
            let (client, tokens) = bench.tokens().await?;
            let other = bench.client().await?;
            require_refusal(&other.refresh(tokens.refresh(), &[]).await, 400, "invalid_grant")?;
            granted(client.refresh(tokens.refresh(), &[]).await)?;
            Ok(())
        }),
        rfc(6749, "6").must(
            "refresh-authenticated",
            "A confidential client authenticates to refresh.",
            async |bench| {
                let client = bench.confidential("client_secret_basic").await?;
                let tokens = bench.tokens_for(&client, &[]).await?;
                let mut thief = client.clone();
                thief.secret = None;
                require_refusal(&thief.refresh(tokens.refresh(), &[]).await, 401, "invalid_client")?;
                granted(client.refresh(tokens.refresh(), &[]).await)?;
                Ok(())
            },
        ),
        rfc(6749, "6").must(
            "refresh-scope-omitted",
            "Without scope a refresh keeps the scope of the grant.",
            async |bench| {
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[("scope", "read write")]).await?;
                let next = granted(client.refresh(tokens.refresh(), &[]).await)?;
                ensure!(next.text("scope") == "read write");
                Ok(())
            },
        ),
        rfc(6749, "6").must(
            "refresh-scope-wider",
            "A refresh cannot widen the scope, and trying costs nothing.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                require_refusal(
                    &client.refresh(tokens.refresh(), &[("scope", "read write")]).await,
                    400,
                    "invalid_scope",
                )?;
                let next = granted(client.refresh(tokens.refresh(), &[]).await)?;
                ensure!(next.text("scope") == "read");
                Ok(())
            },
        ),
        rfc(6749, "6").must(
            "refresh-scope-narrower",
            "A narrower scope narrows the access token, not the refresh token.",
            async |bench| {
                let client = bench.client().await?;
                let tokens = bench.tokens_for(&client, &[("scope", "read write")]).await?;
                let narrow = granted(client.refresh(tokens.refresh(), &[("scope", "read")]).await)?;
                ensure!(jwt_part(narrow.access(), 1)?["scope"] == "read");
                let wide = granted(client.refresh(narrow.refresh(), &[]).await)?;
                ensure!(jwt_part(wide.access(), 1)?["scope"] == "read write");
                Ok(())
            },
        ),
        rfc(6749, "1.5").must(
            "refresh-is-no-bearer",
            "A refresh token opens nothing but the token endpoint.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                ensure!(client.whoami(tokens.refresh()).await.status == 401);
                require_refusal(&client.refresh(tokens.access(), &[]).await, 400, "invalid_grant")?;
                granted(client.refresh(tokens.refresh(), &[]).await)?;
                Ok(())
            },
        ),
        rfc(7591, "2").must(
            "refresh-not-registered",
            "A client gets refresh tokens where it registered for them.",
            async |bench| {
                let client = bench.client_with(json!({ "grant_types": ["authorization_code"] })).await?;
                let tokens = bench.tokens_for(&client, &[]).await?;
                ensure!(tokens.refresh().is_empty(), "a refresh token that nobody asked for");
                Ok(())
            },
        ),
        rfc(9700, "4.14.2").must("refresh-expires", "A refresh token that is not used expires.", async |bench| {
            let bench = bench.fresh().await?;
            let (client, tokens) = bench.tokens().await?;
            bench.clock.advance(400 * 24 * 3600);
            require_refusal(&client.refresh(tokens.refresh(), &[]).await, 400, "invalid_grant")?;
            bench.close().await;
            Ok(())
        }),
    ]
}
