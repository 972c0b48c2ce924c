//! Token introspection (RFC 7662): whoever asks shows who they are, and learns of their own tokens only.
//!
//! workers-oauth-provider #188: a foreign token is told nothing about, and nothing happens to it.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jean_testing::browser::Page;
use jean_testing::client::Client;
use jean_testing::document::Answer;
use serde_json::{Value, json};

use crate::support::forge::{self, Forge};
use crate::support::tokens::{
    FORM, assert_alive, assert_error, assert_no_store, forged, header_of, json_of, jwt_part, moved,
};
use crate::support::{BOTH, Db, ORIGIN, World};

const SECRET: &str = "a secret of the resource server";

/// Two mounts, and a resource server for each, and one for both.
fn servers() -> String {
    let server = |id: &str, rest: &str| format!("[[resource_servers]]\nid = \"{id}\"\nsecret = \"{SECRET}\"\n{rest}\n");
    let mounts = "[mcp.default]\nscopes = { read = \"Read\", write = \"Write\" }\ndefault_scopes = [\"read\"]\n\
                  [mcp.files]\nscopes = { read = \"Read files\" }\n";
    [
        mounts,
        &server("rs default", "mounts = [\"default\"]"),
        &server("rs-files", "mounts = [\"files\"]"),
        &server("rs-all", ""),
    ]
    .concat()
}

fn resource(path: &str) -> String {
    format!("{ORIGIN}{path}")
}

/// Asks as a resource server.
async fn ask_as(world: &World, id: &str, token: &str) -> Page {
    let encoded: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let secret: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let basic = format!("Basic {}", STANDARD.encode(format!("{encoded}:{secret}")));
    let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
    let headers = [("content-type", FORM), ("authorization", basic.as_str())];
    world.send("POST /oauth/introspect", &headers, body).await
}

/// Asks as a client.
async fn ask(client: &Client, token: &str) -> Page {
    client.post_form("/oauth/introspect", &[("token", token)], &[]).await
}

/// The answer of RFC 7662 section 2.2, which is the same for every token that there is nothing to tell of.
#[track_caller]
fn assert_inactive(page: &Page, why: &str) {
    assert_eq!((page.status.as_u16(), page.body.as_str()), (200, "{\"active\":false}"), "{why}");
    assert_no_store(page);
    assert_eq!(header_of(&page.headers, "content-type"), "application/json");
}

#[track_caller]
fn assert_active(page: &Page, why: &str) -> Value {
    let json = json_of(page);
    assert_eq!((page.status.as_u16(), &json["active"]), (200, &json!(true)), "{why}: {}", page.body);
    assert_no_store(page);
    json
}

async fn confidential(world: &World, method: &str) -> Client {
    world.client_with(json!({ "token_endpoint_auth_method": method })).await
}

#[tokio::test]
async fn a_client_learns_what_its_own_tokens_are() {
    for db in BOTH {
        let world = World::on(db, "").await;
        for method in ["client_secret_basic", "client_secret_post"] {
            let client = confidential(&world, method).await;
            let tokens = world.tokens_for(&client, &[("scope", "read write")]).await;
            let claims = jwt_part(tokens.access(), 1);
            let now = 1_800_000_000;
            let told = assert_active(&ask(&client, tokens.access()).await, method);
            assert_eq!(
                told,
                json!({
                    "active": true,
                    "scope": "read write",
                    "client_id": client.id,
                    "sub": claims["sub"],
                    "aud": resource("/mcp"),
                    "iss": ORIGIN,
                    "exp": now + 3600,
                    "iat": now,
                    "jti": claims["jti"],
                    "token_type": "Bearer",
                }),
                "{db:?}: the access token"
            );
            let told = assert_active(&ask(&client, tokens.refresh()).await, method);
            assert_eq!(
                told,
                json!({
                    "active": true,
                    "scope": "read write",
                    "client_id": client.id,
                    "sub": claims["sub"],
                    "iss": ORIGIN,
                    "exp": now + 30 * 24 * 3600,
                }),
                "{db:?}: the refresh token"
            );
        }
    }
}

#[tokio::test]
async fn a_resource_server_learns_of_access_tokens_for_its_mounts_only() {
    for db in BOTH {
        let world = World::on(db, &servers()).await;
        let client = world.client().await;
        let tokens = world.tokens_for(&client, &[("resource", &resource("/mcp"))]).await;
        let files = world.tokens_for(&client, &[("resource", &resource("/files"))]).await;
        for id in ["rs default", "rs-all"] {
            let told = assert_active(&ask_as(&world, id, tokens.access()).await, id);
            assert_eq!(told["aud"], resource("/mcp"), "{db:?}");
            assert_eq!(told["client_id"], client.id);
        }
        for id in ["rs-files", "rs-all"] {
            let told = assert_active(&ask_as(&world, id, files.access()).await, id);
            assert_eq!((&told["aud"], &told["scope"]), (&json!(resource("/files")), &json!("read")), "{db:?}");
        }
        assert_inactive(&ask_as(&world, "rs-files", tokens.access()).await, "for another mount");
        assert_inactive(&ask_as(&world, "rs default", files.access()).await, "for another mount");
        for id in ["rs default", "rs-files", "rs-all"] {
            assert_inactive(&ask_as(&world, id, tokens.refresh()).await, "a refresh token is no resource server's");
            assert_inactive(&ask_as(&world, id, "unknown").await, "garbage");
        }
        assert_alive_of(&client, &tokens).await;
    }
}

/// The mounts of this file have other scopes than `assert_alive` needs; the refresh is what counts.
async fn assert_alive_of(client: &Client, tokens: &jean_testing::client::Tokens) {
    let next = client.refresh(tokens.refresh(), &[]).await;
    assert_eq!(next.status, 200, "{}", next.json);
}

/// Body and status are those of a token that never was, and the token is as good as before.
#[tokio::test]
async fn a_foreign_token_is_told_nothing_about_and_stays_good() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (owner, first) = world.tokens().await;
        let tokens = owner.refresh(first.refresh(), &[]).await;
        let stranger = confidential(&world, "client_secret_basic").await;
        let code = world.code_for(&owner, &[]).await;
        for (what, token) in [
            ("access", tokens.access()),
            ("refresh", tokens.refresh()),
            ("older access", first.access()),
            ("older refresh", first.refresh()),
            ("code", &code),
            ("client id", &owner.id),
            ("garbage", "x"),
        ] {
            assert_inactive(&ask(&stranger, token).await, what);
        }
        assert_alive(&owner, &tokens).await;
        assert_eq!(owner.redeem(&code, &[]).await.status, 200);
    }
}

/// Asking rotates, spends and revokes nothing: not even with a token that was used before.
#[tokio::test]
async fn a_refresh_token_that_was_rotated_is_inactive_and_asking_changes_nothing() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = confidential(&world, "client_secret_post").await;
        let first = world.tokens_for(&client, &[]).await;
        let second = client.refresh(first.refresh(), &[]).await;
        let third = client.refresh(second.refresh(), &[]).await;
        let mut database = world.database().await;
        for _ in 0..2 {
            for (what, token) in [
                ("the first", first.refresh().to_owned()),
                ("the second", second.refresh().to_owned()),
                ("one of no generation", forged(third.refresh(), 47)),
                ("one of no family", forged(third.refresh(), 0)),
            ] {
                assert_inactive(&ask(&client, &token).await, what);
            }
            assert_active(&ask(&client, third.refresh()).await, "the third");
            assert_eq!(database.generation().await, 3, "{db:?}");
            world.clock.advance(300);
        }
        assert_alive(&client, &third).await;
    }
}

#[tokio::test]
async fn a_token_that_is_over_is_inactive() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = confidential(&world, "client_secret_post").await;
        let tokens = world.tokens_for(&client, &[]).await;
        world.clock.advance(3599);
        assert_active(&ask(&client, tokens.access()).await, "one second before");
        world.clock.advance(1);
        assert_inactive(&ask(&client, tokens.access()).await, "expired");
        world.clock.advance(30 * 24 * 3600 - 3601);
        assert_active(&ask(&client, tokens.refresh()).await, "one second before");
        world.clock.advance(1);
        assert_inactive(&ask(&client, tokens.refresh()).await, "expired");

        let tokens = world.tokens_for(&client, &[]).await;
        assert_active(&ask(&client, tokens.access()).await, "new");
        assert_eq!(client.revoke(tokens.refresh()).await.status, 200);
        assert_inactive(&ask(&client, tokens.access()).await, "revoked");
        assert_inactive(&ask(&client, tokens.refresh()).await, "revoked");
        let there = moved(&client, &world.replica().await);
        assert_inactive(&ask(&there, tokens.access()).await, "revoked, at another replica");
        assert_inactive(&ask(&there, tokens.refresh()).await, "revoked, at another replica");
        // What was asked once is known without the database: the decision is made anew all the same.
        let (one, other) = (world.tokens_for(&client, &[]).await, world.tokens_for(&client, &[]).await);
        for tokens in [&one, &other] {
            assert_active(&ask(&client, tokens.access()).await, "known");
        }
        assert_eq!(client.revoke(one.access()).await.status, 200);
        assert_inactive(&ask(&client, one.access()).await, "revoked");
        assert_active(&ask(&client, other.access()).await, "another family of the same client");
    }
}

/// A person who may not come in any more could not refresh either.
#[tokio::test]
async fn a_refresh_token_of_somebody_who_may_not_come_in_is_inactive() {
    let world = World::new().await;
    let client = confidential(&world, "client_secret_post").await;
    let tokens = world.tokens_for(&client, &[]).await;
    let strict = world.replica_with("[access]\nemails = [\"grace@example.com\"]\n").await;
    assert_inactive(&ask(&moved(&client, &strict), tokens.refresh()).await, "refused");
    assert_active(&ask(&client, tokens.refresh()).await, "and nothing was revoked");
}

/// RFC 9068 section 4: what jean did not sign as an access token, or for somebody else, is none.
#[tokio::test]
async fn a_forged_access_token_is_inactive() {
    let world =
        World::with("[[resource_servers]]\nid = \"rs default\"\nsecret = \"a secret of the resource server\"\n").await;
    let (_, tokens) = world.tokens().await;
    let good = forge::claims(tokens.access());
    let own = Forge::of(&world).await;
    assert_active(&ask_as(&world, "rs default", &own.sign(&good)).await, "the forge works");
    let foreign = Forge::foreign(&own.kid);
    let mut id_token = own.header();
    id_token.typ = Some("JWT".to_owned());
    for (what, token) in [
        ("another key", foreign.sign(&good)),
        ("no signature", forge::unsigned(&own.kid, &good)),
        ("another type", own.sign_as(&id_token, &good)),
        ("another issuer", own.sign(&forge::with(&good, "iss", json!("https://evil.example")))),
        ("another audience", own.sign(&forge::with(&good, "aud", json!("http://localhost:8080/other")))),
        ("two audiences", own.sign(&forge::with(&good, "aud", json!([good["aud"], "https://evil.example"])))),
        ("another person", own.sign(&forge::with(&good, "sub", json!("u_another")))),
        ("another client", own.sign(&forge::with(&good, "client_id", json!("jci_another")))),
        ("another family", own.sign(&forge::with(&good, "fam", json!("1")))),
        ("expired", own.sign(&forge::with(&good, "exp", json!(1_799_999_999)))),
    ] {
        assert_inactive(&ask_as(&world, "rs default", &token).await, what);
    }
}

/// RFC 7662 section 2.1: the endpoint asks who is asking, in the ways that the token endpoint does.
#[tokio::test]
async fn whoever_does_not_show_who_they_are_is_401() {
    let world = World::with(&servers()).await;
    let public = world.client().await;
    let mcp = resource("/mcp");
    let own = world.tokens_for(&public, &[("resource", &mcp)]).await;
    let client = confidential(&world, "client_secret_basic").await;
    let tokens = world.tokens_for(&client, &[("resource", &mcp)]).await;
    let secret = client.secret.as_deref().expect("a secret");
    let basic = |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let send = async |authorization: Option<&str>, fields: &[(&str, &str)]| {
        let mut headers = vec![("content-type", FORM)];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", tokens.access())
            .extend_pairs(fields)
            .finish();
        world.send("POST /oauth/introspect", &headers, form).await
    };
    let unauthorized = StatusCode::UNAUTHORIZED;
    assert_error(&ask(&public, own.access()).await, unauthorized, "invalid_client");
    assert_error(&ask(&public, own.refresh()).await, unauthorized, "invalid_client");
    for (authorization, fields) in [
        (None, vec![]),
        (None, vec![("client_id", client.id.as_str())]),
        (None, vec![("client_id", client.id.as_str()), ("client_secret", secret)]),
        (None, vec![("client_id", "rs-all")]),
        (None, vec![("client_id", "rs-all"), ("client_secret", secret)]),
        (None, vec![("client_id", "unknown"), ("client_secret", SECRET)]),
        (Some(basic(&client.id, "jcs1_another")), vec![]),
        (Some(basic(&client.id, "")), vec![]),
        (Some(basic("rs-all", secret)), vec![]),
        (Some(basic("rs-all", "")), vec![]),
        (Some(basic("rs-other", SECRET)), vec![]),
        (Some(format!("Bearer {}", tokens.access())), vec![]),
        (Some("Basic !".to_owned()), vec![]),
    ] {
        assert_error(&send(authorization.as_deref(), &fields).await, unauthorized, "invalid_client");
    }
    let both = [("client_id", "rs-all"), ("client_secret", SECRET)];
    let page = send(Some(&basic("rs-all", SECRET)), &both).await;
    assert_error(&page, StatusCode::BAD_REQUEST, "invalid_request");
    assert_active(&send(None, &both).await, "in the body");
    assert_active(&send(Some(&basic("rs-all", SECRET)), &[]).await, "in the header");
}

/// A client whose document lists `none` too is known by its id alone, which everybody has.
#[tokio::test]
async fn a_document_that_offers_none_makes_a_public_client() {
    let world = World::new().await;
    let (host, mut client) = world.document_client().await;
    let mut document = client.document(&host.url("/client.json"));
    document["jwks_uri"] = host.url("/jwks").into();
    for named in ["private_key_jwt", "none"] {
        document["token_endpoint_auth_method"] = named.into();
        document["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt", "none"]);
        host.serve("/client.json", Answer::json(&document));
        world.clock.advance(61);
        let tokens = world.tokens_for(&client, &[]).await;
        assert_error(&ask(&client, tokens.access()).await, StatusCode::UNAUTHORIZED, "invalid_client");
        assert_error(&ask(&client, tokens.refresh()).await, StatusCode::UNAUTHORIZED, "invalid_client");
    }
}

/// A resource server is no client: it gets no tokens and revokes none.
#[tokio::test]
async fn a_resource_server_is_not_a_client() {
    let world = World::with(&servers()).await;
    let tokens = world.tokens_for(&world.client().await, &[("resource", &resource("/mcp"))]).await;
    let mut server = world.stranger();
    server.id = "rs-all".to_owned();
    server.secret = Some(SECRET.to_owned());
    server.auth_method = "client_secret_post".to_owned();
    assert_eq!(server.refresh(tokens.refresh(), &[]).await.error(), "invalid_client");
    assert_error(&server.revoke(tokens.access()).await, StatusCode::UNAUTHORIZED, "invalid_client");
    let page = world.browser().get(&server.authorization_url(&[])).await;
    assert_eq!(page.status, 400, "{}", page.body);
}

/// RFC 7662 section 2.1: POST, a form, a token; the hint is only a hint, and nothing is sent twice.
#[tokio::test]
async fn a_request_that_is_none_is_refused() {
    let world = World::new().await;
    let client = confidential(&world, "client_secret_post").await;
    let tokens = world.tokens_for(&client, &[]).await;
    for (hint, token) in
        [("refresh_token", tokens.access()), ("access_token", tokens.refresh()), ("x", tokens.access())]
    {
        let fields = [("token", token), ("token_type_hint", hint)];
        assert_active(&client.post_form("/oauth/introspect", &fields, &[]).await, hint);
    }
    let none = client.post_form("/oauth/introspect", &[], &[]).await;
    assert_error(&none, StatusCode::BAD_REQUEST, "invalid_request");
    let twice = [("token", tokens.access()), ("token", tokens.access())];
    assert_error(&client.post_form("/oauth/introspect", &twice, &[]).await, StatusCode::BAD_REQUEST, "invalid_request");
    let json = client.post_json("/oauth/introspect", &json!({ "token": tokens.access() })).await;
    assert_error(&json, StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request");
    let path = format!("/oauth/introspect?token={}", tokens.access());
    assert_eq!(world.send(&format!("GET {path}"), &[], "").await.status, 405);
    let origin = [("origin", "https://elsewhere.example"), ("access-control-request-method", "POST")];
    let preflight = world.send("OPTIONS /oauth/introspect", &origin, "").await;
    assert_eq!(header_of(&preflight.headers, "access-control-allow-origin"), "", "it is for servers");
}

/// A fault of the database is no verdict.
#[tokio::test]
async fn a_database_that_is_away_makes_no_token_inactive() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = confidential(&world, "client_secret_post").await;
        let (known, unseen) = (world.tokens_for(&client, &[]).await, world.tokens_for(&client, &[]).await);
        assert_active(&ask(&client, known.access()).await, "known");
        world.database().await.run("ALTER TABLE grants RENAME TO elsewhere").await;
        for token in [unseen.access(), unseen.refresh()] {
            let page = ask(&client, token).await;
            assert_error(&page, StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
        }
        world.database().await.run("ALTER TABLE elsewhere RENAME TO grants").await;
        assert_active(&ask(&client, unseen.access()).await, "again");
    }
}

#[tokio::test]
async fn the_metadata_names_the_endpoint_and_the_methods() {
    let world = World::at("https://jean.example/auth", Db::Sqlite, "").await;
    let path = "/.well-known/oauth-authorization-server/auth";
    let metadata = json_of(&world.send(&format!("GET {path}"), &[], "").await);
    assert_eq!(metadata["introspection_endpoint"], "https://jean.example/auth/oauth/introspect");
    assert_eq!(
        metadata["introspection_endpoint_auth_methods_supported"],
        json!(["client_secret_basic", "client_secret_post", "private_key_jwt"])
    );
}
