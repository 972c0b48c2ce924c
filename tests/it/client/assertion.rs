//! Clients that sign a JWT to show who they are: `private_key_jwt` (RFC 7523, OpenID Connect Core section 9).
//!
//! GHSA-3p3g-vpw6-4w66 (hydra): an assertion worked more than once. fastmcp #4659: one for another audience was taken.

use axum::http::StatusCode;
use jean::Clock as _;
use jean_testing::browser::Page;
use jean_testing::client::Client;
use jean_testing::document::{Answer, DocumentHost};
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

use crate::support::forge::{Forge, unsigned, with};
use crate::support::tokens::{assert_error, json_of, moved};
use crate::support::{BOTH, ORIGIN, World};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client with a key of its own, and a code to present.
async fn keyed(world: &World) -> (Client, Forge, String) {
    let forge = Forge::foreign("client-key");
    let client = world
        .client_with(json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [forge.public] } }))
        .await;
    assert_eq!(client.secret, None, "there is no secret to be told");
    let code = world.code_for(&client, &[]).await;
    (client, forge, code)
}

/// The claims of a good assertion.
fn claims(world: &World, client: &Client, jti: &str) -> Value {
    let now = world.clock.now().0;
    json!({ "iss": client.id, "sub": client.id, "aud": ORIGIN, "iat": now, "exp": now + 300, "jti": jti })
}

fn header() -> Header {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("client-key".into());
    header
}

async fn redeem(client: &Client, code: &str, assertion: &str, changes: &[(&str, &str)]) -> Page {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("code_verifier", client.verifier.as_str()),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    let changes: Vec<_> = [("client_id", "")].iter().chain(changes).copied().collect();
    client.post_form("/oauth/token", &fields, &changes).await
}

#[tokio::test]
async fn a_client_comes_in_by_its_own_signature_with_and_without_client_id() {
    let world = World::new().await;
    for (audience, named) in
        [(json!(ORIGIN), true), (json!(format!("{ORIGIN}/oauth/token")), false), (json!([ORIGIN]), false)]
    {
        let (client, forge, code) = keyed(&world).await;
        let assertion = forge.sign_as(&header(), &with(&claims(&world, &client, "1"), "aud", audience.clone()));
        let id = if named { client.id.clone() } else { String::new() };
        let page = redeem(&client, &code, &assertion, &[("client_id", &id)]).await;
        assert_eq!(page.status, 200, "{audience}: {}", page.body);
    }
}

/// RFC 7519 section 2: a NumericDate may have a fraction.
#[tokio::test]
async fn a_time_may_have_a_fraction() {
    let world = World::new().await;
    let (client, forge, code) = keyed(&world).await;
    let good = with(&claims(&world, &client, "1"), "iat", json!(world.clock.now().0 as f64 + 0.25));
    let good = with(&good, "exp", json!(world.clock.now().0 as f64 + 299.75));
    let page = redeem(&client, &code, &forge.sign_as(&header(), &good), &[]).await;
    assert_eq!(page.status, 200, "{}", page.body);
}

#[tokio::test]
async fn an_assertion_that_breaks_a_rule_is_invalid_client_and_burns_neither_code_nor_jti() {
    let world = World::new().await;
    let (client, forge, code) = keyed(&world).await;
    let good = claims(&world, &client, "once");
    let now = world.clock.now().0;
    let changed = |name: &str, value: Value| forge.sign_as(&header(), &with(&good, name, value));
    let named = |name: &str, value: &str| {
        let mut header = header();
        match name {
            "kid" => header.kid = Some(value.into()),
            _ => header.crit = Some(vec![value.into()]),
        }
        header
    };
    let signed = forge.sign_as(&header(), &good);
    let bad = [
        ("another issuer", changed("iss", json!("jci_another"))),
        ("another subject", changed("sub", json!("jci_another"))),
        ("no subject", changed("sub", Value::Null)),
        ("another audience", changed("aud", json!("https://other.example"))),
        ("the audience with a slash", changed("aud", json!(format!("{ORIGIN}/")))),
        ("the protected resource", changed("aud", json!(format!("{ORIGIN}/mcp")))),
        ("two audiences", changed("aud", json!([ORIGIN, "https://other.example"]))),
        ("no audience", changed("aud", Value::Null)),
        ("an expired one", changed("exp", json!(now - 61))),
        ("one that never expires", changed("exp", Value::Null)),
        ("one for a day", changed("exp", json!(now + 86_400))),
        ("the largest number", changed("exp", json!(i64::MAX))),
        ("a larger one", changed("exp", json!(1e300))),
        ("a text", changed("exp", json!((now + 300).to_string()))),
        ("one from the future", changed("nbf", json!(now + 120))),
        ("one made in the future", changed("iat", json!(now + 120))),
        ("no jti", changed("jti", Value::Null)),
        ("an empty jti", changed("jti", json!(""))),
        ("a foreign key", Forge::foreign("client-key").sign_as(&header(), &good)),
        ("a key that is not there", forge.sign_as(&named("kid", "other"), &good)),
        ("something critical", forge.sign_as(&named("crit", "b64"), &good)),
        ("no signature", unsigned("client-key", &good)),
        ("a changed signature", format!("{}AAAA", &signed[..signed.len() - 4])),
        ("no JWT", "a.b.c".to_owned()),
        ("a long one", "a".repeat(9000)),
    ];
    for (what, assertion) in bad {
        let page = redeem(&client, &code, &assertion, &[]).await;
        assert_eq!(page.status, 401, "{what}: {}", page.body);
        assert_eq!(json_of(&page)["error"], "invalid_client", "{what}");
    }
    let page = redeem(&client, &code, &signed, &[("client_assertion_type", "urn:example:other")]).await;
    assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
    let page = redeem(&client, &code, &signed, &[("client_secret", "jcs1_x")]).await;
    assert_error(&page, StatusCode::BAD_REQUEST, "invalid_request");
    let page = redeem(&client, &code, &signed, &[("client_id", "jci_another")]).await;
    assert_error(&page, StatusCode::BAD_REQUEST, "invalid_request");
    let page = redeem(&client, &code, &signed, &[]).await;
    assert_eq!(page.status, 200, "after all that was refused: {}", page.body);
}

/// The HMAC of the public key's text, once taken for a signature.
#[tokio::test]
async fn a_public_key_is_not_taken_for_a_shared_secret() {
    let world = World::new().await;
    let (client, forge, code) = keyed(&world).await;
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("client-key".into());
    let key = jsonwebtoken::EncodingKey::from_secret(forge.public.to_string().as_bytes());
    let assertion = jsonwebtoken::encode(&header, &claims(&world, &client, "1"), &key).expect("it signs");
    assert_error(&redeem(&client, &code, &assertion, &[]).await, StatusCode::UNAUTHORIZED, "invalid_client");
}

#[tokio::test]
async fn an_assertion_works_once_on_all_replicas_and_after_a_restart() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, forge, code) = keyed(&world).await;
        let assertion = forge.sign_as(&header(), &claims(&world, &client, "once"));
        let tokens = redeem(&client, &code, &assertion, &[]).await;
        assert_eq!(tokens.status, 200, "{db:?}: {}", tokens.body);
        let refresh = json_of(&tokens)["refresh_token"].as_str().expect("a refresh token").to_owned();

        let elsewhere = moved(&client, &world.replica().await);
        for at in [&client, &elsewhere] {
            let fields = [
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh.as_str()),
                ("client_assertion_type", TYPE),
                ("client_assertion", &assertion),
            ];
            let page = at.post_form("/oauth/token", &fields, &[("client_id", "")]).await;
            assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
            let page = at.post_form("/oauth/revoke", &[("token", &refresh), fields[2], fields[3]], &[]).await;
            assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
        }
        let again = forge.sign_as(&header(), &claims(&world, &client, "twice"));
        let fields = [("client_assertion_type", TYPE), ("client_assertion", again.as_str())];
        let tokens = elsewhere.refresh(&refresh, &fields).await;
        assert_eq!(tokens.status, 200, "{db:?}: {}", tokens.json);
    }
}

/// The `jti` is one client's own, and kept no longer than it has to be.
#[tokio::test]
async fn two_clients_may_choose_the_same_jti() {
    let world = World::new().await;
    for _ in 0..2 {
        let (client, forge, code) = keyed(&world).await;
        let assertion = forge.sign_as(&header(), &claims(&world, &client, "1"));
        assert_eq!(redeem(&client, &code, &assertion, &[]).await.status, 200);
    }
}

#[tokio::test]
async fn a_registration_for_private_key_jwt_needs_public_keys() {
    let world = World::new().await;
    let public = Forge::foreign("k").public;
    let private = with(&public, "d", json!("AAAA"));
    let refused = [
        json!({}),
        json!({ "jwks": { "keys": [] } }),
        json!({ "jwks": [public] }),
        json!({ "jwks": { "keys": [private] } }),
        json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } }),
        json!({ "jwks": { "keys": [public] }, "jwks_uri": "https://client.example/jwks" }),
        json!({ "jwks_uri": "ftp://client.example/jwks" }),
    ];
    for changes in refused {
        let mut metadata = world.stranger().metadata();
        metadata["token_endpoint_auth_method"] = json!("private_key_jwt");
        metadata.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        let page = world.stranger().post_json("/oauth/register", &metadata).await;
        assert_error(&page, StatusCode::BAD_REQUEST, "invalid_client_metadata");
    }
}

/// fastmcp 3.4.5: one key of an unknown kind in a set broke all logins.
#[tokio::test]
async fn keys_of_an_unknown_kind_are_passed_over() {
    let world = World::new().await;
    let forge = Forge::foreign("client-key");
    let strange = json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA", "kid": "client-key" });
    let encrypts = with(&Forge::foreign("client-key").public, "use", json!("enc"));
    let jwks = json!({ "keys": [strange, encrypts, forge.public] });
    let client = world.client_with(json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks })).await;
    let code = world.code_for(&client, &[]).await;
    let assertion = forge.sign_as(&header(), &claims(&world, &client, "1"));
    let page = redeem(&client, &code, &assertion, &[]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let tokens = json_of(&page);
    assert_eq!(client.whoami(tokens["access_token"].as_str().expect("one")).await.status, 200);
}

/// A client whose document says where its keys are, as ChatGPT's does.
async fn by_document(world: &World, methods: &Value) -> (DocumentHost, Client, Forge) {
    let host = DocumentHost::start().await.expect("a host");
    let forge = Forge::foreign("client-key");
    host.serve("/jwks", Answer::json(&json!({ "keys": [forge.public] })).with("cache-control", "max-age=600"));
    let mut client = world.stranger();
    let mut document = client.document(&host.url("/client.json"));
    let object = document.as_object_mut().expect("an object");
    object.extend(methods.as_object().expect("an object").clone());
    object.insert("jwks_uri".to_owned(), json!(host.url("/jwks")));
    host.serve("/client.json", Answer::json(&document));
    (host, client, forge)
}

#[tokio::test]
async fn a_document_may_offer_a_choice_and_its_keys_lie_at_its_jwks_uri() {
    let world = World::new().await;
    let both = json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
    });
    let (host, client, forge) = by_document(&world, &both).await;
    let code = world.code_for(&client, &[]).await;
    let assertion = forge.sign_as(&header(), &claims(&world, &client, "1"));
    let page = redeem(&client, &code, &assertion, &[]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let refresh = json_of(&page)["refresh_token"].as_str().expect("a refresh token").to_owned();
    assert_eq!(client.refresh(&refresh, &[]).await.status, 200, "`none` is among its methods");
    assert_eq!(host.requests_to("/jwks").len(), 1);

    let only = json!({ "token_endpoint_auth_method": "private_key_jwt" });
    let (_host, client, forge) = by_document(&world, &only).await;
    let code = world.code_for(&client, &[]).await;
    assert_eq!(client.redeem(&code, &[]).await.error(), "invalid_client", "without a proof");
    let page = redeem(&client, &code, &forge.sign_as(&header(), &claims(&world, &client, "1")), &[]).await;
    assert_eq!(page.status, 200, "{}", page.body);
}

/// Each key that is tried costs time, and whoever sends the signature chooses the set.
#[tokio::test]
async fn a_set_of_many_keys_is_not_tried_to_its_end() {
    let world = World::new().await;
    let method = json!({ "token_endpoint_auth_method": "private_key_jwt" });
    for (others, status) in [(9, 200), (10, 401)] {
        let (host, client, forge) = by_document(&world, &method).await;
        let mut keys = vec![Forge::foreign("client-key").public; others];
        keys.push(forge.public.clone());
        host.serve("/jwks", Answer::json(&json!({ "keys": keys })));
        let code = world.code_for(&client, &[]).await;
        let page = redeem(&client, &code, &forge.sign_as(&header(), &claims(&world, &client, "1")), &[]).await;
        assert_eq!(page.status, status, "{others}: {}", page.body);
    }
}

#[tokio::test]
async fn a_new_key_is_looked_for_and_an_old_one_serves_while_its_host_is_away() {
    let world = World::new().await;
    let (host, client, old) = by_document(&world, &json!({ "token_endpoint_auth_method": "private_key_jwt" })).await;
    let code = world.code_for(&client, &[]).await;
    let mut page = redeem(&client, &code, &old.sign_as(&header(), &claims(&world, &client, "1")), &[]).await;
    let refresh = async |key: &Forge, page: &Page, jti: &str| {
        let mut header = header();
        header.kid = Some(key.kid.clone());
        let assertion = key.sign_as(&header, &claims(&world, &client, jti));
        let token = json_of(page)["refresh_token"].as_str().expect("a refresh token").to_owned();
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.as_str()),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        client.post_form("/oauth/token", &fields, &[]).await
    };
    let new = Forge::foreign("new-key");
    host.serve("/jwks", Answer::json(&json!({ "keys": [new.public] })));
    assert_eq!(refresh(&new, &page, "2").await.status, 401, "asked a moment ago: nobody makes us ask without end");
    world.clock.advance(11);
    page = refresh(&new, &page, "3").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(refresh(&old, &page, "4").await.status, 401, "the old key is out of the set");
    assert_eq!(host.requests_to("/jwks").len(), 2);

    host.serve("/jwks", Answer::status(503));
    world.clock.advance(7200);
    page = refresh(&new, &page, "5").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(host.requests_to("/jwks").len(), 3);
}

/// A client by document whose session goes on: its refresh token changes with each use.
struct Session<'a> {
    world: &'a World,
    client: Client,
    forge: Forge,
    refresh: String,
    turn: u32,
}

impl<'a> Session<'a> {
    async fn begin(world: &'a World) -> (DocumentHost, Session<'a>) {
        let (host, client, forge) =
            by_document(world, &json!({ "token_endpoint_auth_method": "private_key_jwt" })).await;
        let code = world.code_for(&client, &[]).await;
        let page = redeem(&client, &code, &forge.sign_as(&header(), &claims(world, &client, "begin")), &[]).await;
        let refresh = json_of(&page)["refresh_token"].as_str().expect("a refresh token").to_owned();
        (host, Session { world, client, forge, refresh, turn: 0 })
    }

    /// Uses the refresh token; the status and the error.
    async fn go_on(&mut self) -> (u16, Value) {
        self.turn += 1;
        let jti = self.turn.to_string();
        let assertion = self.forge.sign_as(&header(), &claims(self.world, &self.client, &jti));
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", self.refresh.as_str()),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        let page = self.client.post_form("/oauth/token", &fields, &[]).await;
        let json = json_of(&page);
        if let Some(token) = json["refresh_token"].as_str() {
            self.refresh = token.to_owned();
        }
        (page.status.as_u16(), json["error"].clone())
    }
}

#[tokio::test]
async fn a_key_set_serves_for_a_day_after_its_host_gave_it_and_then_the_client_waits() {
    let day = 24 * 3600;
    let away = (503, json!("temporarily_unavailable"));
    for failing in [
        Answer::status(500),
        Answer::status(401),
        Answer::status(302).with("location", "/x"),
        Answer::json(&json!({ "keys": "none" })),
        Answer::json(&json!({})).with("content-type", "text/html"),
    ] {
        let world = World::new().await;
        let (host, mut session) = Session::begin(&world).await;
        let good = Answer::json(&json!({ "keys": [session.forge.public] }));
        host.serve("/jwks", failing.clone());
        world.clock.advance(day - 1);
        assert_eq!(session.go_on().await.0, 200, "{failing:?}");
        for pass in [1, 11, 5 * day] {
            world.clock.advance(pass);
            assert_eq!(session.go_on().await, away, "{failing:?}");
        }
        host.serve("/jwks", good);
        world.clock.advance(11);
        assert_eq!(session.go_on().await.0, 200, "{failing:?}: nothing was burnt");
    }
}

#[tokio::test]
async fn a_key_set_that_its_host_took_away_ends_at_once_and_does_not_come_back_because_the_host_fails() {
    let away = (503, json!("temporarily_unavailable"));
    for word in [404, 410] {
        let world = World::new().await;
        let (host, mut session) = Session::begin(&world).await;
        let good = Answer::json(&json!({ "keys": [session.forge.public] }));
        host.serve("/jwks", Answer::status(word));
        world.clock.advance(601);
        assert_eq!(session.go_on().await, away, "{word}");
        assert_eq!(session.go_on().await, away, "{word}: a moment later, without asking");
        assert_eq!(host.requests_to("/jwks").len(), 2);
        for later in [Answer::status(500), Answer::status(302), Answer::json(&json!({ "keys": "none" }))] {
            host.serve("/jwks", later);
            world.clock.advance(11);
            assert_eq!(session.go_on().await, away, "{word}");
        }
        host.serve("/jwks", good);
        world.clock.advance(11);
        assert_eq!(session.go_on().await.0, 200, "{word}: nothing was burnt");
    }
}

/// The keys of a client that has shown one of them are asked for, whatever else is asked of their host.
#[tokio::test]
async fn made_up_addresses_of_a_host_do_not_keep_jean_from_a_key_set_that_was_good() {
    let world = World::new().await;
    let (host, mut session) = Session::begin(&world).await;
    for passed in [0, 29 * 86_400] {
        world.clock.advance(passed);
        let mut stranger = world.stranger();
        for i in 0..200 {
            stranger.id = host.url(&format!("/{i}.json"));
            world.browser().get(&stranger.authorization_url(&[])).await;
        }
        world.clock.advance(3601);
        for i in 0..200 {
            stranger.id = host.url(&format!("/again/{i}.json"));
            world.browser().get(&stranger.authorization_url(&[])).await;
        }
        let before = host.requests_to("/jwks").len();
        assert_eq!(session.go_on().await.0, 200, "after {passed} s");
        assert_eq!(host.requests_to("/jwks").len(), before + 1);
    }
}

#[tokio::test]
async fn keys_that_cannot_be_read_burn_nothing() {
    let world = World::new().await;
    let method = json!({ "token_endpoint_auth_method": "private_key_jwt" });
    for (answer, status, error) in [
        (Answer::status(503), 503, "temporarily_unavailable"),
        (Answer::status(404), 503, "temporarily_unavailable"),
        (Answer::status(301), 401, "invalid_client"),
        (Answer::json(&json!({ "keys": "none" })), 401, "invalid_client"),
        (Answer::json(&json!({ "keys": [], "padding": "x".repeat(33 * 1024) })), 401, "invalid_client"),
    ] {
        let (host, client, forge) = by_document(&world, &method).await;
        let good = json!({ "keys": [forge.public] });
        let code = world.code_for(&client, &[]).await;
        host.serve("/jwks", answer);
        let worthless = with(&claims(&world, &client, "0"), "aud", json!("https://other.example"));
        assert_eq!(redeem(&client, &code, &forge.sign_as(&header(), &worthless), &[]).await.status, 401);
        assert_eq!(host.requests_to("/jwks").len(), 0, "for an assertion that is worth nothing nobody is asked");
        let assertion = forge.sign_as(&header(), &claims(&world, &client, "1"));
        let page = redeem(&client, &code, &assertion, &[]).await;
        assert_eq!((page.status.as_u16(), &json_of(&page)["error"]), (status, &json!(error)), "{}", page.body);
        host.serve("/jwks", Answer::json(&good));
        world.clock.advance(11);
        let page = redeem(&client, &code, &assertion, &[]).await;
        assert_eq!(page.status, 200, "{}", page.body);
    }
}
