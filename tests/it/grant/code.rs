//! The authorization code at the token endpoint (RFC 6749 section 4.1.3, RFC 7636 section 4.6, OAuth 2.1 section 4.1.3).

use axum::http::StatusCode;
use jean_testing::client::Client;
use serde_json::json;

use crate::support::tokens::{assert_alive, assert_dead, assert_error, forged};
use crate::support::{BOTH, World};

/// The code is still good: it is redeemed, and what it gives works.
async fn assert_usable(client: &Client, code: &str) {
    let tokens = client.redeem(code, &[]).await;
    assert_eq!(tokens.status, 200, "the code is still good: {}", tokens.json);
    assert_eq!(client.whoami(tokens.access()).await.status, 200);
}

/// RFC 6749 section 4.1.2: a code that is used twice is refused, and what it gave is revoked.
#[tokio::test]
async fn a_code_works_once_and_its_replay_revokes_what_it_gave() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, code) = world.code().await;
        let first = client.redeem(&code, &[]).await;
        assert_eq!(first.status, 200, "{}", first.json);
        let tokens = assert_alive(&client, &first).await;

        let replay = client.redeem(&code, &[]).await;
        assert_eq!((replay.status.as_u16(), replay.error()), (400, "invalid_grant"));
        assert_dead(&client, &first).await;
        assert_dead(&client, &tokens).await;
        assert_eq!(client.redeem(&code, &[]).await.error(), "invalid_grant", "and once more");
        assert_eq!(
            world.database().await.number("SELECT COUNT(*) FROM grants WHERE revoked_why = 'code_replay'").await,
            1
        );
    }
}

/// workers-oauth-provider 0.3.0 and 0.8.0: only the right code, from the right client, with the right verifier, shows that
/// the code was stolen. Anything else would let a stranger sign people out.
#[tokio::test]
async fn a_replay_that_is_not_the_clients_own_revokes_nothing() {
    let world = World::new().await;
    let (client, code) = world.code().await;
    let tokens = client.redeem(&code, &[]).await;
    let mut thief = world.client().await;
    thief.verifier.clone_from(&client.verifier);
    let other_verifier = "v".repeat(43);
    for (who, code, changes) in [
        (&client, forged(&code, 0), vec![]),
        (&client, forged(&code, 31), vec![]),
        (&thief, code.clone(), vec![]),
        (&thief, forged(&code, 0), vec![]),
        (&client, code.clone(), vec![("code_verifier", other_verifier.as_str())]),
    ] {
        let refused = who.redeem(&code, &changes).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (400, "invalid_grant"), "{}", refused.json);
    }
    assert_alive(&client, &tokens).await;
}

/// workers-oauth-provider #246: a rejected request burned the code.
#[tokio::test]
async fn a_refused_request_leaves_the_code_usable() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client_with(json!({ "token_endpoint_auth_method": "client_secret_post" })).await;
        let mut other = world.client().await;
        other.verifier.clone_from(&client.verifier);
        let code = world.code_for(&client, &[]).await;
        let other_verifier = "v".repeat(43);
        for (change, value, status, error) in [
            ("resource", "http://localhost:8080/other", 400, "invalid_target"),
            ("resource", "not a URL", 400, "invalid_target"),
            ("redirect_uri", "https://client.example/Callback", 400, "invalid_grant"),
            ("redirect_uri", "https://client.example/callback/", 400, "invalid_grant"),
            ("redirect_uri", "https://evil.example/callback", 400, "invalid_grant"),
            ("redirect_uri", "\0", 400, "invalid_request"),
            ("code_verifier", &other_verifier, 400, "invalid_grant"),
            ("code_verifier", "", 400, "invalid_request"),
            ("client_secret", "jcs1_another", 401, "invalid_client"),
            ("client_secret", "", 401, "invalid_client"),
            ("grant_type", "", 400, "invalid_request"),
            ("grant_type", "password", 400, "unsupported_grant_type"),
            ("code", &forged(&code, 5), 400, "invalid_grant"),
            ("code", &format!("{code}A"), 400, "invalid_grant"),
            ("code", "", 400, "invalid_request"),
        ] {
            let refused = client.redeem(&code, &[(change, value)]).await;
            assert_eq!((refused.status.as_u16(), refused.error()), (status, error), "{db:?} {change}={value:?}");
        }
        let refused = other.redeem(&code, &[]).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (400, "invalid_grant"), "another client");
        assert_usable(&client, &code).await;
    }
}

/// CVE-2025-4144, workers-oauth-provider: what is left out is not skipped.
#[tokio::test]
async fn a_code_is_worth_nothing_without_its_verifier() {
    let world = World::new().await;
    let (client, code) = world.code().await;
    let challenge = jean_testing::client::challenge(&client.verifier);
    for (verifier, error) in [
        (String::new(), "invalid_request"),
        ("a".repeat(42), "invalid_request"),
        ("a".repeat(129), "invalid_request"),
        (format!("{}+", "a".repeat(43)), "invalid_request"),
        (format!("{} ", client.verifier), "invalid_request"),
        ("a".repeat(43), "invalid_grant"),
        ("a".repeat(128), "invalid_grant"),
        (challenge, "invalid_grant"),
        (client.verifier.to_lowercase(), "invalid_grant"),
    ] {
        let refused = client.redeem(&code, &[("code_verifier", &verifier)]).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (400, error), "{verifier:?}");
    }
    assert_usable(&client, &code).await;
}

/// RFC 7636 section 4.1: 43 to 128 characters, all of them.
#[tokio::test]
async fn a_verifier_of_any_allowed_length_and_character_works() {
    let world = World::new().await;
    for verifier in ["-._~".repeat(32), "0".repeat(43), format!("{}A", "z".repeat(42))] {
        let mut client = world.client().await;
        client.verifier = verifier;
        let code = world.code_for(&client, &[]).await;
        assert_usable(&client, &code).await;
    }
}

/// OAuth 2.1 section 4.1.3 dropped the parameter; who sends it must send the one of the authorization request.
#[tokio::test]
async fn the_redirect_uri_may_be_left_out_at_the_token_endpoint() {
    let world = World::new().await;
    let (client, code) = world.code().await;
    let tokens = client.redeem(&code, &[("redirect_uri", "")]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.json);
}

/// RFC 8252 section 7.3: the port of a loopback URI is free when it asks, and then fixed.
#[tokio::test]
async fn the_redirect_uri_is_the_one_of_the_request_to_the_port() {
    let world = World::new().await;
    let client = world.client_with(json!({ "redirect_uris": ["http://127.0.0.1:1/callback"] })).await;
    let asked = "http://127.0.0.1:49152/callback";
    let code = world.code_for(&client, &[("redirect_uri", asked)]).await;
    assert_eq!(client.redeem(&code, &[]).await.error(), "invalid_grant", "the registered port");
    let tokens = client.redeem(&code, &[("redirect_uri", asked)]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.json);
}

#[tokio::test]
async fn a_code_expires_after_its_lifetime() {
    for db in BOTH {
        let world = World::on(db, "[tokens]\ncode_lifetime = \"90s\"\n").await;
        let (client, code) = world.code().await;
        world.clock.advance(89);
        assert_usable(&client, &code).await;

        let (client, code) = world.code().await;
        world.clock.advance(90);
        let refused = client.redeem(&code, &[]).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (400, "invalid_grant"), "{db:?}");
        world.clock.advance(-1);
        assert_usable(&client, &code).await;
    }
}

#[tokio::test]
async fn a_client_without_the_grant_type_gets_no_refresh_token() {
    let world = World::new().await;
    let client = world.client_with(json!({ "grant_types": ["authorization_code"] })).await;
    let tokens = world.tokens_for(&client, &[("scope", "read offline_access")]).await;
    assert!(tokens.json.get("refresh_token").is_none(), "{}", tokens.json);
    assert_eq!(client.whoami(tokens.access()).await.status, 200);
    let other = world.tokens().await.1;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", other.refresh())];
    let page = client.post_form("/oauth/token", &fields, &[]).await;
    assert_error(&page, StatusCode::BAD_REQUEST, "unauthorized_client");
}

/// GHSA-7qjx-gp9h-65qj, dex: an allow-list that one grant type skipped.
#[tokio::test]
async fn a_person_who_may_not_come_in_any_more_gets_nothing_for_a_code() {
    let world = World::new().await;
    let (client, code) = world.code().await;
    let strict = world.replica_with("[access]\nemails = [\"grace@example.com\"]\n").await;
    let at_strict = crate::support::tokens::moved(&client, &strict);
    assert_eq!(at_strict.redeem(&code, &[]).await.error(), "invalid_grant");
    assert_eq!(client.redeem(&code, &[]).await.error(), "invalid_grant", "it is revoked everywhere");

    let (client, code) = world.code().await;
    let open = world.replica_with("[access]\nemails = [\"ada-lovelace@example.com\"]\n").await;
    let at_open = crate::support::tokens::moved(&client, &open);
    assert_eq!(at_open.redeem(&code, &[]).await.status, 200);
}
