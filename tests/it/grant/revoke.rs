//! Revocation (RFC 7009): any token of a family, by its own client, ends the family, and nothing else does.

use std::time::Duration;

use axum::http::StatusCode;
use jean_testing::client::Tokens;
use serde_json::json;

use crate::support::tokens::{FORM, assert_alive, assert_dead, assert_error, assert_no_store, forged, moved};
use crate::support::{BOTH, World};

/// RFC 7009 section 2.1: the refresh token and all access tokens of the same grant. Any generation will do, since a client
/// may not know which answer it missed.
#[tokio::test]
async fn any_token_of_a_family_revokes_the_whole_family() {
    for db in BOTH {
        let world = World::on(db, "").await;
        type Pick = fn(&[Tokens; 3]) -> &str;
        let picks: [(&str, Pick); 5] = [
            ("the current refresh token", |t| t[2].refresh()),
            ("the previous refresh token", |t| t[1].refresh()),
            ("the first refresh token", |t| t[0].refresh()),
            ("the current access token", |t| t[2].access()),
            ("the first access token", |t| t[0].access()),
        ];
        for (which, pick) in picks {
            let (client, first) = world.tokens().await;
            let second = client.refresh(first.refresh(), &[]).await;
            let third = client.refresh(second.refresh(), &[]).await;
            let all = [first, second, third];
            for tokens in &all {
                assert_eq!(client.whoami(tokens.access()).await.status, 200, "the guard knows it");
            }
            let page = client.revoke(pick(&all)).await;
            assert_eq!((page.status.as_u16(), page.body.as_str()), (200, ""), "{db:?}: {which}");
            assert_no_store(&page);
            for tokens in &all {
                assert_dead(&client, tokens).await;
            }
            assert_eq!(client.revoke(pick(&all)).await.status, 200, "once more: {which}");
        }
    }
}

/// workers-oauth-provider #188: any client could revoke another's tokens. RFC 7009 section 2.1: the answer does not tell.
#[tokio::test]
async fn another_clients_token_is_not_revoked_and_the_answer_is_the_same() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, first) = world.tokens().await;
        let tokens = client.refresh(first.refresh(), &[]).await;
        let thief = world.client().await;
        for token in [tokens.refresh(), tokens.access(), first.refresh(), first.access(), "unknown"] {
            let page = thief.revoke(token).await;
            assert_eq!((page.status.as_u16(), page.body.as_str()), (200, ""), "{db:?}");
        }
        assert_alive(&client, &tokens).await;
    }
}

/// RFC 7009 section 2.2: what is no token is no error either; a hint is only a hint (section 2.1).
#[tokio::test]
async fn what_is_no_token_changes_nothing() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let (refresh, access) = (tokens.refresh(), tokens.access());
    let (signed, _) = access.rsplit_once('.').expect("three parts");
    for garbage in
        ["x", "jr1_1.x", &forged(refresh, 0), &format!("{signed}."), &format!("{signed}.AAAA"), signed, "\u{1f}"]
    {
        let page = client.revoke(garbage).await;
        assert_eq!((page.status.as_u16(), page.body.as_str()), (200, ""), "{garbage}");
    }
    let missing = client.post_form("/oauth/revoke", &[("token_type_hint", "refresh_token")], &[]).await;
    assert_error(&missing, StatusCode::BAD_REQUEST, "invalid_request");
    let tokens = assert_alive(&client, &tokens).await;

    let fields = [("token", tokens.refresh()), ("token_type_hint", "access_token"), ("unknown", "x")];
    assert_eq!(client.post_form("/oauth/revoke", &fields, &[]).await.status, 200);
    assert_dead(&client, &tokens).await;
}

/// Demanding a secret of a public client is what revocation endpoints get wrong most often.
#[tokio::test]
async fn a_public_client_revokes_with_its_id_alone_and_a_confidential_one_needs_its_secret() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let form = [("content-type", FORM)];
    let body = |id: &str, tokens: &Tokens| format!("client_id={id}&token={}", tokens.refresh());
    let page = world.send("POST /oauth/revoke", &form, body(&client.id, &tokens)).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_dead(&client, &tokens).await;

    let client = world.client_with(json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
    let tokens = world.tokens_for(&client, &[]).await;
    let page = world.send("POST /oauth/revoke", &form, body(&client.id, &tokens)).await;
    assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
    let page = world.send("POST /oauth/revoke", &form, format!("token={}", tokens.refresh())).await;
    assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
    let tokens = assert_alive(&client, &tokens).await;
    assert_eq!(client.revoke(tokens.refresh()).await.status, 200);
    assert_dead(&client, &tokens).await;
}

/// workers-oauth-provider #299: revoking one device signed out all devices that share a client id.
#[tokio::test]
async fn revoking_one_grant_of_a_client_leaves_its_others() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client().await;
        let laptop = world.tokens_for(&client, &[]).await;
        let phone = world.tokens_for(&client, &[]).await;
        assert_eq!(client.revoke(laptop.refresh()).await.status, 200);
        assert_dead(&client, &laptop).await;
        assert_alive(&client, &phone).await;
    }
}

/// A revocation deleted the row, and the token that nobody knew any more was good again.
#[tokio::test]
async fn a_grant_that_is_gone_never_reads_as_not_revoked() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        let (_, seen) = world.tokens().await;
        assert_eq!(client.whoami(seen.access()).await.status, 200);
        let fresh = moved(&client, &world.replica().await);
        world.database().await.run("DELETE FROM grants").await;
        assert_eq!(fresh.whoami(tokens.access()).await.status, 401, "{db:?}");
        assert_eq!(fresh.whoami(seen.access()).await.status, 401, "{db:?}");
        assert_eq!(fresh.refresh(tokens.refresh(), &[]).await.error(), "invalid_grant", "{db:?}");
        assert_eq!(fresh.revoke(tokens.refresh()).await.status, 200, "{db:?}");
    }
}

/// What one process revokes, another learns within its next poll, for tokens that it had let in before too; and one that
/// starts later knows at once.
#[tokio::test]
async fn a_revocation_reaches_every_process() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        let replica = world.replica().await;
        let there = moved(&client, &replica);
        assert_eq!(there.whoami(tokens.access()).await.status, 200);
        assert_eq!(client.revoke(tokens.refresh()).await.status, 200);
        assert_eq!(client.whoami(tokens.access()).await.status, 401, "here at once");
        assert_eq!(there.refresh(tokens.refresh(), &[]).await.error(), "invalid_grant", "there at once");
        let later = moved(&client, &world.replica().await);
        assert_eq!(later.whoami(tokens.access()).await.status, 401, "{db:?}");
        let mut patience = 60;
        while there.whoami(tokens.access()).await.status != 401 {
            patience -= 1;
            assert!(patience > 0, "{db:?}: the other process never learns");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
