//! Revocation: RFC 7009.

use anyhow::ensure;

use crate::row::Row;
use crate::source::rfc;
use crate::wire::{granted, header, problem, require_refusal};

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(7009, "2.1").must("refresh-token", "Revoking a refresh token ends its access tokens too.", async |bench| {
            let (client, tokens) = bench.tokens().await?;
            ensure!(client.revoke(tokens.refresh()).await.status == 200);
            require_refusal(&client.refresh(tokens.refresh(), &[]).await, 400, "invalid_grant")?;
            ensure!(client.whoami(tokens.access()).await.status == 401, "the access token lives on");
            Ok(())
        }),
        rfc(7009, "2.1").may("access-token", "Revoking an access token ends its refresh token too.", async |bench| {
            let (client, tokens) = bench.tokens().await?;
            ensure!(client.revoke(tokens.access()).await.status == 200);
            ensure!(client.whoami(tokens.access()).await.status == 401, "the access token lives on");
            require_refusal(&client.refresh(tokens.refresh(), &[]).await, 400, "invalid_grant")
        }),
        rfc(7009, "2.1").must("foreign", "A client cannot revoke, nor learn of, another's token.", async |bench| {
            let (client, tokens) = bench.tokens().await?;
            let other = bench.client().await?;
            for token in [tokens.access(), tokens.refresh()] {
                let foreign = other.revoke(token).await;
                let unknown = other.revoke("nobody-gave-this-token").await;
                ensure!((foreign.status, &foreign.body) == (unknown.status, &unknown.body), "it is told apart");
            }
            ensure!(client.whoami(tokens.access()).await.status == 200);
            granted(client.refresh(tokens.refresh(), &[]).await)?;
            Ok(())
        }),
        rfc(7009, "2.2").must("unknown", "An unknown token is answered with 200.", async |bench| {
            let client = bench.client().await?;
            let page = client.revoke("nobody-gave-this-token").await;
            ensure!(page.status == 200, "the status is {}", page.status);
            ensure!(header(&page, "cache-control") == "no-store");
            Ok(())
        }),
        rfc(7009, "2.1").must(
            "wrong-hint",
            "A wrong token_type_hint does not keep a token from being found.",
            async |bench| {
                for hint in ["access_token", "refresh_token", "nobody-knows-this-hint"] {
                    let (client, tokens) = bench.tokens().await?;
                    let fields = [("token", tokens.refresh()), ("token_type_hint", hint)];
                    ensure!(client.post_form("/oauth/revoke", &fields, &[]).await.status == 200, "{hint}");
                    require_refusal(&client.refresh(tokens.refresh(), &[]).await, 400, "invalid_grant")?;
                }
                Ok(())
            },
        ),
        rfc(7009, "2.1").must(
            "authenticated",
            "A confidential client authenticates; a public one has its id.",
            async |bench| {
                let client = bench.confidential("client_secret_basic").await?;
                let tokens = bench.tokens_for(&client, &[]).await?;
                let mut thief = client.clone();
                thief.secret = None;
                problem(&thief.revoke(tokens.refresh()).await, 401, "invalid_client")?;
                ensure!(client.whoami(tokens.access()).await.status == 200);
                ensure!(client.revoke(tokens.refresh()).await.status == 200);
                ensure!(client.whoami(tokens.access()).await.status == 401);
                Ok(())
            },
        ),
        rfc(7009, "2.1").must(
            "token-missing",
            "A request without a token is invalid_request; GET revokes nothing.",
            async |bench| {
                let (client, tokens) = bench.tokens().await?;
                problem(&client.post_form("/oauth/revoke", &[], &[]).await, 400, "invalid_request")?;
                let query = format!("/oauth/revoke?token={}&client_id={}", tokens.refresh(), client.id);
                ensure!(bench.get(&query).await.status == 405);
                ensure!(client.whoami(tokens.access()).await.status == 200);
                Ok(())
            },
        ),
        rfc(7009, "2").must("one-of-many", "Revoking one grant of a client leaves its others.", async |bench| {
            let (client, first) = bench.tokens().await?;
            let second = bench.tokens_for(&client, &[]).await?;
            ensure!(client.revoke(first.refresh()).await.status == 200);
            ensure!(client.whoami(first.access()).await.status == 401);
            ensure!(client.whoami(second.access()).await.status == 200, "the other one is gone too");
            Ok(())
        }),
    ]
}
