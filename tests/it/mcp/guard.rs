//! The guard in front of MCP servers: which tokens pass, and how the others are answered (RFC 6750, RFC 9728, RFC 9068).

use axum::http::Request;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::forge::{Forge, claims, unsigned, with};
use crate::support::wire::{ask, json_of, text, tokens_of, whoami};
use crate::support::{BOTH, ORIGIN, RESOURCE, World};

const METADATA: &str = "resource_metadata=\"http://localhost:8080/.well-known/oauth-protected-resource/mcp\"";

/// Asserts that the token is refused as `invalid_token`.
async fn assert_refused(world: &World, token: &str, why: &str) {
    let page = world.stranger().whoami(token).await;
    assert_eq!(page.status, 401, "{why}: {}", page.body);
    assert_eq!(json_of(&page)["error"], "invalid_token", "{why}");
    let challenge = text(&page, "www-authenticate");
    assert!(challenge.starts_with("Bearer error=\"invalid_token\", error_description=\""), "{why}: {challenge}");
    assert!(challenge.ends_with(&format!("\", {METADATA}, scope=\"read\"")), "{why}: {challenge}");
}

/// RFC 6750 section 3: "the resource server SHOULD NOT include an error code" where no authentication was tried.
#[tokio::test]
async fn a_call_without_a_token_is_told_where_to_get_one_and_no_error() {
    let world = World::new().await;
    let page = world.stranger().call("/mcp", None, &json!({})).await;
    assert_eq!(page.status, 401);
    assert_eq!(text(&page, "www-authenticate"), format!("Bearer {METADATA}, scope=\"read\""));
    assert_eq!(text(&page, "cache-control"), "no-store");
    assert!(page.body.contains("Unauthorized"), "old versions of MCP Inspector wait for this word: {}", page.body);
    let basic = ask(&world.router, "POST /mcp", &[("authorization", "Basic YTpi")], "").await;
    assert_eq!(text(&basic, "www-authenticate"), format!("Bearer {METADATA}, scope=\"read\""));
    let query = ask(&world.router, "POST /mcp?access_token=x", &[], "").await;
    assert_eq!(text(&query, "www-authenticate"), format!("Bearer {METADATA}, scope=\"read\""));
}

/// <https://github.com/advisories/GHSA-p2fr-6hmx-4528>, <https://www.cve.org/CVERecord?id=CVE-2025-69196>, fastmcp #3419
/// and #3430: each of these is signed with jean's own key and differs from a good token in one thing.
#[tokio::test]
async fn a_token_signed_with_our_key_still_needs_every_claim_right() {
    let world = World::new().await;
    let (_, tokens) = world.tokens().await;
    let good = claims(tokens.access());
    let forge = Forge::of(&world).await;
    assert_eq!(whoami(&world.router, &forge.sign(&good)).await, 200, "the forge itself works");
    for (name, value) in [
        ("aud", json!("http://localhost:8080/other")),
        ("aud", json!("http://localhost:8080")),
        ("aud", json!([RESOURCE, "http://localhost:8080/other"])),
        ("aud", json!([RESOURCE])),
        ("aud", Value::Null),
        ("iss", json!("http://localhost:8080/")),
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("exp", json!(good["iat"])),
        ("exp", Value::Null),
        ("sub", json!("u_somebody")),
        ("client_id", json!("another")),
        ("fam", json!("1")),
        ("fam", json!(1)),
        ("fam", Value::Null),
        ("scope", Value::Null),
    ] {
        assert_refused(&world, &forge.sign(&with(&good, name, value.clone())), &format!("{name} = {value}")).await;
    }
}

/// RFC 9068 section 4: `typ` keeps ID tokens and other JWTs out. RFC 8725 section 3.11.
#[tokio::test]
async fn a_jwt_of_another_type_is_no_access_token() {
    let world = World::new().await;
    let (_, tokens) = world.tokens().await;
    let good = claims(tokens.access());
    let forge = Forge::of(&world).await;
    for typ in [Some("JWT"), Some("jwt"), Some("id_token+jwt"), Some("at"), Some(""), None] {
        let header = Header { typ: typ.map(str::to_owned), ..forge.header() };
        assert_refused(&world, &forge.sign_as(&header, &good), &format!("typ {typ:?}")).await;
    }
    for typ in ["application/at+jwt", "AT+JWT"] {
        let header = Header { typ: Some(typ.into()), ..forge.header() };
        assert_eq!(whoami(&world.router, &forge.sign_as(&header, &good)).await, 200, "{typ}");
    }
}

/// fastmcp #3419 and #3430; RFC 8725 sections 2.1 and 3.1.
#[tokio::test]
async fn only_our_keys_and_their_own_algorithm_count() {
    let world = World::new().await;
    let (_, tokens) = world.tokens().await;
    let good = claims(tokens.access());
    let ours = Forge::of(&world).await;
    assert_refused(&world, &unsigned(&ours.kid, &good), "alg none").await;
    assert_refused(&world, &Forge::foreign(&ours.kid).sign(&good), "a foreign key under our kid").await;
    assert_refused(&world, &Forge::foreign("unknown").sign(&good), "a foreign key under its own kid").await;
    let nameless = Header { kid: None, ..ours.header() };
    assert_refused(&world, &ours.sign_as(&nameless, &good), "no kid").await;
    let hmac = Header { alg: Algorithm::HS256, ..ours.header() };
    let jwk = ours.public.to_string();
    let x = ours.public["x"].as_str().expect("a coordinate").to_owned();
    for public in [jwk, x, String::new()] {
        let key = EncodingKey::from_secret(public.as_bytes());
        let token = jsonwebtoken::encode(&hmac, &good, &key).expect("it signs");
        assert_refused(&world, &token, "HS256 with the public key").await;
    }
}

#[tokio::test]
async fn a_tampered_token_is_refused_even_after_the_genuine_one_was_seen() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    assert_eq!(client.whoami(tokens.access()).await.status, 200);
    let parts: Vec<&str> = tokens.access().split('.').collect();
    let other = Forge::foreign("x").sign(&with(&claims(tokens.access()), "scope", json!("read write")));
    let payload = other.split('.').nth(1).expect("a payload");
    for (why, token) in [
        ("another payload", format!("{}.{payload}.{}", parts[0], parts[2])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("one part more", format!("{}.x", tokens.access())),
        ("no JWT", "x".into()),
    ] {
        assert_refused(&world, &token, why).await;
    }
}

/// fastmcp #3524: every other kind of token that a client holds.
#[tokio::test]
async fn only_access_tokens_are_bearer_tokens() {
    let world = World::new().await;
    let (client, code) = world.code().await;
    assert_refused(&world, &code, "the code").await;
    let tokens = client.redeem(&code, &[]).await;
    assert_refused(&world, tokens.refresh(), "the refresh token").await;
    assert_refused(&world, &client.id, "the client id").await;
    assert_refused(&world, &client.state, "the state").await;
    assert_eq!(client.whoami(tokens.access()).await.status, 200);
}

/// RFC 8707 and the MCP specification's "MUST NOT accept other tokens".
#[tokio::test]
async fn a_token_of_one_mount_does_not_open_the_other() {
    let mount = "[mcp.default]\nscopes = { read = \"Read\" }\n[mcp.notes]\nscopes = { read = \"Read notes\" }\n";
    let world = World::with(mount).await;
    let notes = "http://localhost:8080/notes";
    let (client, default) = tokens_of(ORIGIN, &world.router, &[("resource", RESOURCE)]).await;
    let (_, other) = tokens_of(ORIGIN, &world.router, &[("resource", notes)]).await;
    assert_eq!(claims(other.access())["aud"], notes);
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for (path, token, status) in [
        ("/mcp", default.access(), 200),
        ("/notes", default.access(), 401),
        ("/notes", other.access(), 200),
        ("/mcp", other.access(), 401),
    ] {
        let page = client.call(path, Some(token), &message).await;
        assert_eq!(page.status, status, "{path}: {}", page.body);
    }
}

/// Two deployments on one database whose mounts have the same address, so that only `iss` keeps them apart (RFC 9068
/// section 4).
#[tokio::test]
async fn a_token_of_another_deployment_on_the_same_keys_is_foreign() {
    for db in BOTH {
        let world = World::on(db, "[mcp.default]\npath = \"/a/mcp\"\nscopes = { read = \"Read\" }\n").await;
        let (_, own) = world.tokens().await;
        let issuer = "http://localhost:8080/a";
        let config = world.config.replacen(ORIGIN, issuer, 1).replace("path = \"/a/mcp\"", "path = \"/mcp\"");
        world.issuer.allow_redirect_uri(format!("{issuer}/oauth/callback/idp"));
        let other = world.start(&config).await.expect("the other jean starts").service();
        let (_, foreign) = tokens_of(issuer, &other, &[]).await;
        assert_eq!(claims(own.access())["aud"], claims(foreign.access())["aud"]);
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        for (router, token, status) in [
            (&world.router, own.access(), 200),
            (&world.router, foreign.access(), 401),
            (&other, foreign.access(), 200),
            (&other, own.access(), 401),
        ] {
            let client = jean_testing::client::Client::new(ORIGIN, router.clone());
            let page = client.call("/a/mcp", Some(token), &message).await;
            assert_eq!(page.status, status, "{db:?}: {}", page.body);
        }
    }
}

/// RFC 6750 section 3.1 and RFC 9110 section 11.1.
#[tokio::test]
async fn the_authorization_header_is_read_by_the_letter() {
    let world = World::new().await;
    let (_, tokens) = world.tokens().await;
    let token = tokens.access();
    let send = async |headers: &[&str], path: &str| {
        let mut all = vec![("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        all.extend(headers.iter().map(|value| ("authorization", *value)));
        ask(&world.router, &format!("POST {path}"), &all, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await
    };
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        assert_eq!(send(&[&format!("{scheme} {token}")], "/mcp").await.status, 200, "{scheme}");
    }
    let good = format!("Bearer {token}");
    for malformed in [
        &[good.as_str(), good.as_str()][..],
        &[good.as_str(), "Bearer x"],
        &["Bearer"],
        &["Bearer "],
        &["Bearer a b"],
        &[&format!("{good}, Basic YTpi")],
    ] {
        let page = send(malformed, "/mcp").await;
        assert_eq!(page.status, 400, "{malformed:?}: {}", page.body);
        assert!(text(&page, "www-authenticate").starts_with("Bearer error=\"invalid_request\""), "{malformed:?}");
    }
    assert_eq!(send(&[], &format!("/mcp?access_token={token}")).await.status, 401, "in the query");
    let page = Request::builder().method("POST").header("content-type", "application/x-www-form-urlencoded");
    let page = world.stranger().send("/mcp", page, format!("access_token={token}")).await;
    assert_eq!(page.status, 401, "in the body");
}

/// RFC 6750 section 3.1, and the step-up challenge of the MCP specification: all scopes that the call needs.
#[tokio::test]
async fn a_token_that_may_too_little_is_told_which_scopes_are_needed() {
    let world = World::new().await;
    let (client, tokens) = tokens_of(ORIGIN, &world.router, &[("scope", "write")]).await;
    assert_eq!(tokens.text("scope"), "write");
    let page = client.whoami(tokens.access()).await;
    assert_eq!(page.status, 403);
    assert_eq!(json_of(&page)["error"], "insufficient_scope");
    let expected = format!(
        "Bearer error=\"insufficient_scope\", \
         error_description=\"The access token does not allow this. It lacks: read.\", {METADATA}, scope=\"read write\""
    );
    assert_eq!(text(&page, "www-authenticate"), expected);
}

/// The order of the checks: a host or a page that is not ours learns nothing about tokens.
#[tokio::test]
async fn a_good_token_does_not_open_the_door_to_a_foreign_page() {
    let world = World::new().await;
    let (_, tokens) = world.tokens().await;
    let bearer = format!("Bearer {}", tokens.access());
    for foreign in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let page = ask(&world.router, "POST /mcp", &[("authorization", &bearer), foreign], "").await;
        assert_eq!(page.status, 403, "{foreign:?}");
        assert_eq!(text(&page, "www-authenticate"), "", "a challenge would start a sign-in");
    }
}
