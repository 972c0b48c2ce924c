//! What the token endpoint answers (RFC 6749 section 5.1), and the access token within (RFC 9068), read by a reader that
//! knows nothing but the published key set.

use jean_testing::browser::Page;
use jean_testing::client::Client;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::support::tokens::{assert_no_store, header_of, json_of, jwt_part};
use crate::support::{ORIGIN, RESOURCE, World};

/// The answer as a whole, headers included.
async fn redeem(client: &Client, code: &str) -> Page {
    let fields = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", &client.verifier)];
    client.post_form("/oauth/token", &fields, &[]).await
}

/// The claims, by the key that the JWKS names, and by its algorithm alone. When it expires is compared by the test's clock.
fn verified(token: &str, jwks: &JwkSet, algorithm: Algorithm) -> Value {
    let header = jsonwebtoken::decode_header(token).expect("a header");
    let jwk = jwks.find(header.kid.as_deref().expect("a kid")).expect("the key is published");
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.set_issuer(&[ORIGIN]);
    validation.set_audience(&[RESOURCE]);
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    let key = DecodingKey::from_jwk(jwk).expect("a key");
    jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a genuine token").claims
}

/// RFC 9068 section 2: `at+jwt`, an asymmetric algorithm, and these claims, no more and no less.
#[tokio::test]
async fn an_access_token_says_exactly_what_rfc_9068_asks_for_in_every_algorithm() {
    for (name, algorithm) in [("ES256", Algorithm::ES256), ("EdDSA", Algorithm::EdDSA), ("RS256", Algorithm::RS256)] {
        let world = World::with(&format!("[tokens]\nalgorithm = \"{name}\"\n")).await;
        let client = world.client().await;
        let code = world.code_for(&client, &[("scope", "write read")]).await;
        world.clock.advance(7);
        let answer = json_of(&redeem(&client, &code).await);
        let token = answer["access_token"].as_str().expect("a token");

        let page = world.send("GET /oauth/jwks", &[], "").await;
        assert_eq!(header_of(&page.headers, "content-type"), "application/json");
        let keys = json_of(&page);
        let jwks: JwkSet = serde_json::from_value(keys.clone()).expect("a key set");
        let key = &keys["keys"][0];
        assert_eq!((jwks.keys.len(), &key["alg"], &key["use"]), (2, &json!(name), &json!("sig")), "{key}");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private} is published");
        }

        assert_eq!(jwt_part(token, 0), json!({ "typ": "at+jwt", "alg": name, "kid": key["kid"] }));
        let mut claims = verified(token, &jwks, algorithm);
        let subject = claims["sub"].as_str().expect("sub").to_owned();
        assert!(subject.starts_with("u_") && subject.len() == 28, "{subject}");
        for (claim, length) in [("jti", 22), ("fam", 12)] {
            assert_eq!(claims[claim].as_str().expect(claim).len(), length, "{}", claims[claim]);
            claims[claim] = json!(format!("[{claim}]"));
        }
        assert_eq!(
            claims,
            json!({
                "iss": ORIGIN,
                "sub": subject,
                "aud": RESOURCE,
                "client_id": client.id,
                "scope": "read write",
                "iat": 1_800_000_007,
                "exp": 1_800_003_607,
                "jti": "[jti]",
                "fam": "[fam]",
                "auth_time": 1_800_000_000,
            })
        );

        let refreshed = client.refresh(answer["refresh_token"].as_str().expect("a refresh token"), &[]).await;
        let again = verified(refreshed.access(), &jwks, algorithm);
        let old = jwt_part(token, 1);
        assert_ne!(again["jti"], old["jti"]);
        for same in ["sub", "aud", "client_id", "scope", "fam", "auth_time"] {
            assert_eq!(again[same], old[same], "{same}");
        }
    }
}

/// The same person is the same `sub` for every client; another account of the same name is another person.
#[tokio::test]
async fn the_subject_is_the_person_and_not_the_client() {
    let world = World::new().await;
    let subject = |token: &str| jwt_part(token, 1)["sub"].clone();
    let (one, other) = (world.tokens().await.1, world.tokens().await.1);
    assert_eq!(subject(one.access()), subject(other.access()));
    let mut grace = jean_testing::issuer::Account::named("Ada Lovelace");
    grace.sub = "another-ada".into();
    world.issuer.sign_in_as(grace);
    assert_ne!(subject(world.tokens().await.1.access()), subject(one.access()));
}

#[track_caller]
fn assert_no_null(json: &Value) {
    match json {
        Value::Null => panic!("null"),
        Value::Array(items) => items.iter().for_each(assert_no_null),
        Value::Object(fields) => fields.values().for_each(assert_no_null),
        _ => {}
    }
}

/// RFC 6749 section 5.1; claude-code fails on a `null` where it expects a text or nothing.
#[tokio::test]
async fn a_token_response_has_no_null_and_is_kept_by_nobody() {
    let world = World::new().await;
    let with_refresh = world.client().await;
    let without = world.client_with(json!({ "grant_types": ["authorization_code"] })).await;
    for (client, names) in [
        (&with_refresh, vec!["access_token", "expires_in", "refresh_token", "scope", "token_type"]),
        (&without, vec!["access_token", "expires_in", "scope", "token_type"]),
    ] {
        let page = redeem(client, &world.code_for(client, &[]).await).await;
        let json = json_of(&page);
        let mut found: Vec<&String> = json.as_object().expect("an object").keys().collect();
        found.sort();
        assert_eq!(found, names);
        assert_eq!((&json["token_type"], &json["expires_in"]), (&json!("Bearer"), &json!(3600)));
        assert_eq!(header_of(&page.headers, "content-type"), "application/json");
        assert_eq!(header_of(&page.headers, "pragma"), "no-cache");
        assert_no_store(&page);
        assert_no_null(&json);
        assert_no_null(&jwt_part(json["access_token"].as_str().expect("a token"), 1));
    }
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/oauth/jwks",
        "/status",
    ] {
        assert_no_null(&json_of(&world.send(&format!("GET {path}"), &[("accept", "application/json")], "").await));
    }
    let registered = with_refresh.post_json("/oauth/register", &with_refresh.metadata()).await;
    assert_no_null(&json_of(&registered));
    assert_no_null(&json_of(&redeem(&with_refresh, "jc1_1.x").await));
}

/// RFC 7519 section 4.1.4.
#[tokio::test]
async fn an_access_token_ends_when_it_says() {
    let world = World::with("[tokens]\naccess_lifetime = \"10m\"\n").await;
    let (client, tokens) = world.tokens().await;
    assert_eq!(tokens.json["expires_in"], 600);
    world.clock.advance(599);
    assert_eq!(client.whoami(tokens.access()).await.status, 200);
    world.clock.advance(1);
    assert_eq!(client.whoami(tokens.access()).await.status, 401);
}
