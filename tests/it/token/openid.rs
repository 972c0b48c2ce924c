//! jean as an OpenID provider for its clients: ID tokens, UserInfo, and what an RP's library makes of them (OpenID Connect
//! Core, Discovery).

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jean_testing::browser::Page;
use jean_testing::client::{Client, Tokens};
use jean_testing::issuer::Account;
use openidconnect::core::{CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeVerifier,
    RedirectUrl, RefreshToken, Scope, TokenResponse as _,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::browsing::{UPSTREAM, asks, assert_page, consent_page, error_to, knows_who};
use crate::support::forge::{Forge, claims, kid, with};
use crate::support::tokens::{assert_no_store, jwt_part, moved};
use crate::support::wire::{ask, get_json, json_of, text, tokens_of, whoami};
use crate::support::{BOTH, ORIGIN, RESOURCE, World, code_of};

const ALL: (&str, &str) = ("scope", "openid email profile read");

/// Asks the UserInfo endpoint.
async fn userinfo(router: &Router, method: &str, token: &str) -> Page {
    ask(router, &format!("{method} /oauth/userinfo"), &[("authorization", &format!("Bearer {token}"))], "").await
}

/// Tokens of a new client that asked for these scopes, and the claims of its ID token; null without one.
async fn signed_in(world: &World, scope: &str) -> (Client, Tokens, Value) {
    let (client, tokens) = tokens_of(ORIGIN, &world.router, &[("scope", scope)]).await;
    let id_token = tokens.text("id_token");
    let claims = if id_token.is_empty() { Value::Null } else { claims(id_token) };
    (client, tokens, claims)
}

/// A library that nobody here wrote takes jean for what it is: discovery, code, ID token with nonce and `at_hash`, refresh,
/// UserInfo.
#[tokio::test]
async fn a_relying_partys_library_signs_in_with_jean() {
    let world = World::new().await;
    let router = world.router.clone();
    let http = move |request: openidconnect::HttpRequest| {
        let router = router.clone();
        async move {
            let (mut parts, body) = request.into_parts();
            parts.headers.insert(header::HOST, "localhost:8080".parse().expect("a host"));
            let response = router.oneshot(Request::from_parts(parts, Body::from(body))).await.expect("an answer");
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, 1 << 20).await.expect("a body").to_vec();
            Ok::<_, std::io::Error>(openidconnect::HttpResponse::from_parts(parts, body))
        }
    };
    let issuer = IssuerUrl::new(ORIGIN.into()).expect("a URL");
    let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.expect("discovery");
    assert!(metadata.id_token_signing_alg_values_supported().contains(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256));

    let ours = world.client().await;
    let redirect = RedirectUrl::new(ours.redirect_uri.clone()).expect("a URL");
    let party =
        CoreClient::from_provider_metadata(metadata, ClientId::new(ours.id.clone()), None).set_redirect_uri(redirect);
    let nonce = Nonce::new("n-0S6_WzA2Mj".into());
    let code = world.code_for(&ours, &[ALL, ("nonce", nonce.secret())]).await;
    let tokens = party
        .exchange_code(AuthorizationCode::new(code))
        .expect("a token endpoint")
        .set_pkce_verifier(PkceCodeVerifier::new(ours.verifier.clone()))
        .request_async(&http)
        .await
        .expect("tokens");
    let now = world.clock.clone();
    let verifier = party.id_token_verifier().set_time_fn(move || {
        let seconds = u64::try_from(jean::Clock::now(&*now).0).expect("a time");
        (std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).into()
    });
    let id_token = tokens.id_token().expect("an ID token");
    let claims = id_token.claims(&verifier, &nonce).expect("a valid ID token");
    let hash = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg().expect("an algorithm"),
        id_token.signing_key(&verifier).expect("the key"),
    );
    assert_eq!(claims.access_token_hash(), Some(&hash.expect("a hash")));
    assert_eq!(claims.email().map(|email| email.as_str()), Some("ada-lovelace@example.com"));
    assert_eq!(claims.email_verified(), Some(true));
    assert!(id_token.claims(&verifier, &Nonce::new("another".into())).is_err());

    let info: CoreUserInfoClaims = party
        .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        .expect("a userinfo endpoint")
        .request_async(&http)
        .await
        .expect("userinfo");
    assert_eq!(info.email(), claims.email());

    world.clock.advance(3000);
    let refresh = RefreshToken::new(tokens.refresh_token().expect("a refresh token").secret().clone());
    let again = party.exchange_refresh_token(&refresh).expect("a token endpoint");
    let again = again.add_scopes(["openid", "read"].map(|scope| Scope::new(scope.into()))).request_async(&http).await;
    let again = again.expect("tokens");
    let fresh = again.id_token().expect("an ID token").claims(&verifier, |nonce: Option<&Nonce>| match nonce {
        None => Ok(()),
        Some(_) => Err("a nonce at refresh".into()),
    });
    assert_eq!(fresh.expect("a valid ID token").subject(), claims.subject());
}

/// OpenID Connect Core section 2: these claims, no more and no less.
#[tokio::test]
async fn an_id_token_says_exactly_what_was_granted() {
    let world = World::new().await;
    let person = json!({ "email": "ada-lovelace@example.com", "email_verified": true, "name": "Ada Lovelace" });
    for (scope, told) in [
        ("openid", &[][..]),
        ("openid email", &["email", "email_verified"]),
        ("openid profile read", &["name"]),
        ("openid email profile", &["email", "email_verified", "name"]),
    ] {
        let (client, tokens, mut claims) = signed_in(&world, scope).await;
        let sub = crate::support::forge::claims(tokens.access())["sub"].clone();
        let half = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, tokens.access().as_bytes());
        assert_eq!(claims["at_hash"], URL_SAFE_NO_PAD.encode(&half.as_ref()[..16]), "{scope}");
        claims.as_object_mut().expect("an object").remove("at_hash");
        let now = 1_800_000_000;
        let mut expected =
            json!({ "iss": ORIGIN, "sub": sub, "aud": client.id, "iat": now, "exp": now + 3600, "auth_time": now });
        for name in told {
            expected[*name] = person[*name].clone();
        }
        assert_eq!(claims, expected, "{scope}");
        let header = jwt_part(tokens.text("id_token"), 0);
        assert_eq!((&header["typ"], &header["alg"]), (&json!("JWT"), &json!("RS256")), "{scope}");
    }
}

/// Known words they are, but without `openid` nothing is told of the person (OpenID Connect Core section 3.1.2.1).
#[tokio::test]
async fn without_openid_there_is_neither_id_token_nor_userinfo() {
    let world = World::new().await;
    for scope in ["", "read", "email profile", "email profile read", "offline_access"] {
        let (_, tokens, claims) = signed_in(&world, scope).await;
        assert_eq!(claims, Value::Null, "{scope}");
        assert!(tokens.json.get("id_token").is_none(), "left out, never null: {scope}");
        let page = userinfo(&world.router, "GET", tokens.access()).await;
        assert_eq!(page.status, 403, "{scope}: {}", page.body);
        assert_eq!(json_of(&page)["error"], "insufficient_scope", "{scope}");
        let challenge = text(&page, "www-authenticate");
        assert!(challenge.starts_with("Bearer error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.ends_with("scope=\"openid\""), "{challenge}");
    }
}

/// OpenID Connect Core section 12.2: the same `iss`, `sub`, `aud` and `auth_time`, a new `iat`, and no nonce.
#[tokio::test]
async fn a_refreshed_id_token_is_of_the_same_sign_in() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let client = world.client().await;
        let tokens = world.tokens_for(&client, &[ALL, ("nonce", "the nonce")]).await;
        let first = claims(tokens.text("id_token"));
        assert_eq!(first["nonce"], "the nonce");
        world.clock.advance(100);
        let refreshed = client.refresh(tokens.refresh(), &[ALL]).await;
        let second = claims(refreshed.text("id_token"));
        for same in ["iss", "sub", "aud", "auth_time", "email", "name"] {
            assert_eq!(second[same], first[same], "{db:?}: {same}");
        }
        assert_eq!((&second["iat"], second.get("nonce")), (&json!(1_800_000_100), None), "{db:?}");
        assert_ne!(second["at_hash"], first["at_hash"], "{db:?}");
        // Again within the grace, and narrower: what is not asked for is not told.
        let narrow = client.refresh(tokens.refresh(), &[("scope", "openid read")]).await;
        assert!(claims(narrow.text("id_token")).get("email").is_none(), "{db:?}");
        let none = client.refresh(narrow.refresh(), &[("scope", "read")]).await;
        assert_eq!((none.status.as_u16(), none.text("id_token")), (200, ""), "{db:?}");
    }
}

/// OpenID Connect Core section 12.2 leaves it open whether a refresh gives an ID token. Its signature is worth more than
/// all the rest of the request, and a client that wants one says so.
#[tokio::test]
async fn a_refresh_gives_an_id_token_only_if_its_request_names_openid() {
    let world = World::new().await;
    let client = world.client().await;
    let mut tokens = world.tokens_for(&client, &[ALL]).await;
    assert_ne!(tokens.text("id_token"), "");
    for (scope, expected) in [("", false), ("read", false), ("read openid", true), ("openid email profile read", true)]
    {
        tokens = client.refresh(tokens.refresh(), &[("scope", scope)]).await;
        assert_eq!((tokens.status.as_u16(), !tokens.text("id_token").is_empty()), (200, expected), "{scope:?}");
    }
    // What was granted stays granted: the UserInfo endpoint goes by the access token.
    let tokens = client.refresh(tokens.refresh(), &[]).await;
    assert_eq!(tokens.text("scope"), "email openid profile read");
    assert_eq!(userinfo(&world.router, "GET", tokens.access()).await.status, 200);
}

/// The operator turned OpenID Connect off: nothing offers it, nobody is asked for it, and a grant from before keeps what
/// was allowed for the day when it is turned on again.
#[tokio::test]
async fn without_openid_connect_nobody_learns_who_the_person_is() {
    let world = World::new().await;
    let (client, before, _) = signed_in(&world, "openid email profile read").await;
    let off = world.replica_with("[clients]\nopenid = false\n").await;
    let router = off.service();
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let metadata = get_json(&router, path).await;
        assert_eq!(metadata["scopes_supported"], json!(["offline_access", "read", "write"]), "{path}");
        assert_eq!((metadata.get("userinfo_endpoint"), metadata.get("claims_supported")), (None, None), "{path}");
    }
    assert_eq!(userinfo(&router, "GET", before.access()).await.status, 404);

    let client = moved(&client, &off);
    let mut browser = world.at_another(&mut world.browser(), &off);
    let page = consent_page(&client, &mut browser, &[ALL]).await;
    assert!(!page.body.contains("email address"), "{}", page.body);
    let tokens = client.redeem(&code_of(&client.authorize(&mut browser, &[ALL]).await), &[]).await;
    assert_eq!((tokens.text("scope"), tokens.text("id_token")), ("read", ""));

    let refreshed = client.refresh(before.refresh(), &[ALL]).await;
    assert_eq!((refreshed.text("scope"), refreshed.text("id_token")), ("read", ""), "{}", refreshed.json);
    let on = moved(&client, &world.replica().await);
    let refreshed = on.refresh(refreshed.refresh(), &[ALL]).await;
    assert_eq!(refreshed.text("scope"), "email openid profile read");
    assert_ne!(refreshed.text("id_token"), "");
}

/// An address that the upstream does not vouch for says so: ChatGPT's domain restriction reads it. GHSA-g38m-r43w-p2q7.
#[tokio::test]
async fn an_email_is_as_verified_as_the_upstream_says() {
    let world = World::new().await;
    for (verified, expected) in [(json!(true), true), (json!(false), false), (Value::Null, false)] {
        world.issuer.sign_in_as(Account::named("Bob").with("email_verified", verified.clone()));
        let (_, tokens, claims) = signed_in(&world, "openid email").await;
        assert_eq!((&claims["email"], &claims["email_verified"]), (&json!("bob@example.com"), &json!(expected)));
        let info = json_of(&userinfo(&world.router, "GET", tokens.access()).await);
        assert_eq!((&info["email"], &info["email_verified"]), (&json!("bob@example.com"), &json!(expected)));
    }
    let nobody = Account { email: None, email_verified: None, name: None, ..Account::named("Eve") };
    world.issuer.sign_in_as(nobody);
    let (_, tokens, claims) = signed_in(&world, "openid email profile").await;
    let info = json_of(&userinfo(&world.router, "GET", tokens.access()).await);
    for told in [&claims, &info] {
        for name in ["email", "email_verified", "name"] {
            assert!(told.get(name).is_none(), "left out, never null: {told}");
        }
    }
}

/// OpenID Connect Core section 5.3: by GET and by POST, to scripts of other sites too.
#[tokio::test]
async fn userinfo_tells_what_was_granted() {
    let world = World::new().await;
    for (scope, told) in [
        ("openid", json!({})),
        ("openid email", json!({ "email": "ada-lovelace@example.com", "email_verified": true })),
        ("openid profile", json!({ "name": "Ada Lovelace" })),
    ] {
        let (_, tokens, _) = signed_in(&world, scope).await;
        let mut expected = told;
        expected["sub"] = claims(tokens.access())["sub"].clone();
        for method in ["GET", "POST"] {
            let page = userinfo(&world.router, method, tokens.access()).await;
            assert_eq!((page.status.as_u16(), json_of(&page)), (200, expected.clone()), "{method} {scope}");
            assert_no_store(&page);
        }
    }
    let preflight = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let page = ask(&world.router, "OPTIONS /oauth/userinfo", &preflight, "").await;
    assert_eq!(text(&page, "access-control-allow-origin"), "*");
    let page = ask(&world.router, "GET /oauth/userinfo", &[("origin", "https://app.example")], "").await;
    assert!(text(&page, "access-control-expose-headers").contains("www-authenticate"));
}

/// RFC 6750 section 3.1: the same checks as at the guard.
#[tokio::test]
async fn userinfo_takes_good_access_tokens_of_ours_only() {
    let world = World::new().await;
    let (client, tokens, _) = signed_in(&world, "openid email").await;
    let page = ask(&world.router, "GET /oauth/userinfo", &[], "").await;
    assert_eq!((page.status.as_u16(), text(&page, "www-authenticate")), (401, "Bearer scope=\"openid\""));
    let in_query = format!("/oauth/userinfo?access_token={}", tokens.access());
    assert_eq!(ask(&world.router, &format!("GET {in_query}"), &[], "").await.status, 401, "never in a query");
    let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    let page = ask(&world.router, "GET /oauth/userinfo", &twice, "").await;
    assert_eq!((page.status.as_u16(), json_of(&page)["error"].as_str()), (400, Some("invalid_request")));

    let forge = Forge::of(&world).await;
    let good = claims(tokens.access());
    assert_eq!(userinfo(&world.router, "GET", &forge.sign(&good)).await.status, 200, "the forge itself works");
    let refused = [
        ("garbage", "garbage".to_owned()),
        ("the ID token", tokens.text("id_token").to_owned()),
        ("the refresh token", tokens.refresh().to_owned()),
        ("another audience", forge.sign(&with(&good, "aud", json!("http://localhost:8080/other")))),
        ("the client as audience", forge.sign(&with(&good, "aud", json!(client.id)))),
        ("another issuer", forge.sign(&with(&good, "iss", json!("https://evil.example")))),
        ("expired", forge.sign(&with(&good, "exp", json!(good["iat"])))),
        ("a foreign key", Forge::foreign(&forge.kid).sign(&good)),
    ];
    for (why, token) in refused {
        let page = userinfo(&world.router, "GET", &token).await;
        assert_eq!((page.status.as_u16(), json_of(&page)["error"].as_str()), (401, Some("invalid_token")), "{why}");
        assert!(text(&page, "www-authenticate").starts_with("Bearer error=\"invalid_token\""), "{why}");
        assert_no_store(&page);
    }
    client.revoke(tokens.access()).await;
    assert_eq!(userinfo(&world.router, "GET", tokens.access()).await.status, 401, "revoked");
}

/// It is about the person, whichever of our resources the token is for.
#[tokio::test]
async fn userinfo_takes_tokens_of_every_mount() {
    let tables =
        "[mcp.default]\nscopes = { read = \"Read\" }\n[mcp.files]\npath = \"/files\"\nscopes = { files = \"Files\" }\n";
    let world = World::with(tables).await;
    for resource in [RESOURCE, "http://localhost:8080/files"] {
        let changes = [("resource", resource), ("scope", "openid")];
        let (_, tokens) = tokens_of(ORIGIN, &world.router, &changes).await;
        assert_eq!(claims(tokens.access())["aud"], resource);
        assert_eq!(userinfo(&world.router, "GET", tokens.access()).await.status, 200, "{resource}");
    }
}

/// RFC 9068 section 4, whatever key would sign it.
#[tokio::test]
async fn an_id_token_opens_nothing() {
    for tables in ["", "[tokens]\nalgorithm = \"RS256\"\n"] {
        let world = World::with(tables).await;
        let (client, tokens, _) = signed_in(&world, "openid read").await;
        let id_token = tokens.text("id_token");
        assert_eq!(whoami(&world.router, tokens.access()).await, 200);
        assert_eq!(whoami(&world.router, id_token).await, 401);
        assert_ne!(kid(id_token), kid(tokens.access()), "not even the key is the same");
        assert_eq!(client.revoke(id_token).await.status, 200);
        assert_eq!(whoami(&world.router, tokens.access()).await, 200, "and revokes nothing");
    }
}

/// What an operator allows a client is about what it may do at a resource.
#[tokio::test]
async fn a_limit_on_a_clients_scopes_leaves_the_own_words() {
    let preregistered = "[[clients.preregistered]]\nid = \"mine\"\nauth_method = \"none\"\n\
                         redirect_uris = [\"https://client.example/callback\"]\nscopes = [\"read\"]\n";
    let world = World::with(preregistered).await;
    let mut client = world.stranger();
    client.id = "mine".into();
    for (asked, granted) in [("openid email write read", "email openid read"), ("openid write", "openid read")] {
        let tokens = world.tokens_for(&client, &[("scope", asked)]).await;
        assert_eq!(tokens.text("scope"), granted, "{asked}");
    }
}

/// The page does not list them as permissions, and a remembered consent is for them too.
#[tokio::test]
async fn a_consent_without_openid_does_not_answer_for_one_with_it() {
    let world = World::with("[clients]\nremember_consent = true\n").await;
    let client = world.client().await;
    let mut browser = world.browser();
    code_of(&client.authorize(&mut browser, &[("scope", "read")]).await);
    code_of(&browser.get(&client.authorization_url(&[("scope", "read")])).await);
    let page = browser.get(&client.authorization_url(&[("scope", "openid email read")])).await;
    assert!(asks(&page), "{page:?}");
}

/// `auth_time` is when the person proved who they are, however late the client asks.
#[tokio::test]
async fn auth_time_is_that_of_the_sign_in() {
    let world = World::new().await;
    let client = world.client().await;
    let mut browser = world.signed_in().await;
    world.clock.advance(1000);
    let page = consent_page(&client, &mut browser, &[ALL]).await;
    let page = browser.submit(&page, &[("answer", "allow")]).await;
    let tokens = client.redeem(&code_of(&page), &[]).await;
    let told = claims(tokens.text("id_token"));
    assert_eq!((&told["auth_time"], &told["iat"]), (&json!(1_800_000_000), &json!(1_800_001_000)));
    // And anew where that is asked for.
    let tokens = client.redeem(&code_of(&client.authorize(&mut browser, &[ALL, ("max_age", "60")]).await), &[]).await;
    assert_eq!(claims(tokens.text("id_token"))["auth_time"], 1_800_001_000);
}

/// `max_age` with an upstream that never says when somebody signed in: nothing is wrong with its answer, it just does not
/// tell.
#[tokio::test]
async fn an_upstream_without_auth_time_is_told_apart_from_one_that_lies() {
    let world = World::new().await;
    let client = world.client().await;
    for (auth_time, status, told) in [
        (Value::Null, 403, "Acme does not say when you signed in"),
        (json!(1_700_000_000), 200, "Your sign-in with Acme was too long ago"),
    ] {
        world.issuer.sign_in_as(Account::named("Ada Lovelace").with("auth_time", auth_time));
        let mut browser = world.browser();
        let page = consent_page(&client, &mut browser, &[("max_age", "300")]).await;
        let page = browser.press(&page, UPSTREAM).await;
        assert_page(&page, status, told);
        assert_eq!(error_to(&browser.submit(&page, &[("answer", "cancel")]).await, &client), "login_required");
        // Nobody asked for an age.
        let mut browser = world.browser();
        code_of(&client.authorize(&mut browser, &[]).await);
    }
}

/// What an upstream does not tell when asked, a session that rests on it does not tell either.
#[tokio::test]
async fn a_session_of_unknown_age_is_not_young_enough_for_max_age() {
    let world = World::new().await;
    let client = world.client().await;
    world.issuer.sign_in_as(Account::named("Ada Lovelace").with("auth_time", Value::Null));
    let mut browser = world.browser();
    let tokens = client.redeem(&code_of(&client.authorize(&mut browser, &[ALL]).await), &[]).await;
    assert_eq!(claims(tokens.text("id_token")).get("auth_time"), None, "the provider told none");
    assert_eq!(jwt_part(tokens.access(), 1).get("auth_time"), None, "the provider told none");
    assert!(knows_who(&consent_page(&client, &mut browser, &[]).await));
    for max_age in ["300", "4294967295"] {
        let page = consent_page(&client, &mut browser, &[("max_age", max_age)]).await;
        assert!(!knows_who(&page), "{max_age}: {}", page.body);
    }
}

/// A database from before there were ID tokens: their first key is made at the start, and the other stays as it is.
#[tokio::test]
async fn an_older_database_gets_a_key_for_id_tokens_at_the_start() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (_, tokens) = world.tokens().await;
        world.sql("DELETE FROM signing_keys WHERE purpose = 'id'").await;
        let router = world.replica().await.service();
        assert_eq!(whoami(&router, tokens.access()).await, 200, "{db:?}");
        let (_, tokens) = tokens_of(ORIGIN, &router, &[ALL]).await;
        let jwks = get_json(&router, "/oauth/jwks").await;
        let kids: Vec<&Value> = jwks["keys"].as_array().expect("keys").iter().map(|key| &key["kid"]).collect();
        assert_eq!(kids, [&json!(kid(tokens.access())), &json!(kid(tokens.text("id_token")))], "{db:?}");
    }
}

/// Whatever signs access tokens, and whenever that changes, ID tokens stay with what every library knows.
#[tokio::test]
async fn id_tokens_are_signed_by_their_own_keys() {
    const DAY: i64 = 86_400;
    let world = World::with("[tokens]\nkey_rotation = \"30d\"\n").await;
    let (_, tokens, _) = signed_in(&world, "openid").await;
    let first = kid(tokens.text("id_token"));
    let config = world.config.replace("[tokens]\n", "[tokens]\nalgorithm = \"EdDSA\"\n");
    let router = world.start(&config).await.expect("jean starts").service();
    world.clock.advance(2 * DAY);
    let (_, tokens) = tokens_of(ORIGIN, &router, &[ALL]).await;
    assert_eq!(jwt_part(tokens.access(), 0)["alg"], "EdDSA");
    assert_eq!(kid(tokens.text("id_token")), first);

    // They grow old by themselves: published a day before they sign.
    world.clock.advance(27 * DAY);
    let router = world.start(&config).await.expect("jean starts").service();
    assert_eq!(kid(tokens_of(ORIGIN, &router, &[ALL]).await.1.text("id_token")), first);
    world.clock.advance(DAY);
    let (_, tokens) = tokens_of(ORIGIN, &router, &[ALL]).await;
    let header = jwt_part(tokens.text("id_token"), 0);
    assert_eq!(header["alg"], "RS256");
    assert_ne!(header["kid"], first);
    assert_eq!(whoami(&router, tokens.access()).await, 200);
}

/// Nothing is spent for a request that could not be answered.
#[tokio::test]
async fn without_a_key_for_id_tokens_the_code_stays_good() {
    let world = World::new().await;
    let client = world.client().await;
    let code = world.code_for(&client, &[ALL]).await;
    let revoked = async |at: i64| {
        world.sql(&format!("UPDATE signing_keys SET revoked_at = {at} WHERE purpose = 'id'")).await;
        // A token under an unknown key makes jean read the keys, at most once a second.
        world.clock.advance(1);
        assert_eq!(whoami(&world.router, &Forge::foreign("unknown").sign(&json!({}))).await, 401);
    };
    revoked(1_800_000_000).await;
    let refused = client.redeem(&code, &[]).await;
    assert_eq!((refused.status.as_u16(), refused.error()), (503, "temporarily_unavailable"));
    revoked(0).await;
    assert_eq!(client.redeem(&code, &[]).await.status, 200);
}
