//! Requests that are malformed as HTTP or as forms (workers-oauth-provider #240: they answered 500).

use axum::http::{Method, StatusCode};

use crate::support::tokens::{FORM, assert_alive, assert_error, assert_no_store, header_of};
use crate::support::{BOTH, World};

const ENDPOINTS: [&str; 3] = ["/oauth/token", "/oauth/revoke", "/oauth/register"];

/// RFC 6749 section 3.2: the token endpoint takes POST only.
#[tokio::test]
async fn the_endpoints_of_programs_take_post_only() {
    let world = World::new().await;
    for path in ENDPOINTS {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE] {
            let query = format!("{path}?grant_type=authorization_code&code=x&client_id=y");
            let page = world.send(&format!("{method} {query}"), &[("content-type", FORM)], "").await;
            assert_eq!(page.status, 405, "{method} {path}");
            assert_eq!(header_of(&page.headers, "allow"), "POST", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_415_and_one_that_is_too_large_413() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let body = format!("grant_type=refresh_token&client_id={}&refresh_token={}", client.id, tokens.refresh());
    for path in ["/oauth/token", "/oauth/revoke"] {
        for media_type in [
            "",
            "text/plain",
            "application/json",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencodedx",
            ";",
        ] {
            let page = world.send(&format!("POST {path}"), &[("content-type", media_type)], body.clone()).await;
            assert_error(&page, StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request");
        }
        let page = world.send(&format!("POST {path}"), &[], body.clone()).await;
        assert_error(&page, StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request");
        let large = format!("{body}&x={}", "y".repeat(65_536));
        let page = world.send(&format!("POST {path}"), &[("content-type", FORM)], large).await;
        assert_error(&page, StatusCode::PAYLOAD_TOO_LARGE, "invalid_request");
        let page = world.send(&format!("POST {path}"), &[("content-type", FORM)], b"token=\xff\xfe".to_vec()).await;
        assert_error(&page, StatusCode::BAD_REQUEST, "invalid_request");
    }
    for media_type in ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded ;x"] {
        let code = world.code_for(&client, &[]).await;
        let body = format!(
            "grant_type=authorization_code&client_id={}&code={code}&code_verifier={}",
            client.id, client.verifier
        );
        let page = world.send("POST /oauth/token", &[("content-type", media_type)], body).await;
        assert_eq!(page.status, 200, "{media_type}: {}", page.body);
    }
    assert_alive(&client, &tokens).await;
}

/// RFC 6749 section 3.2: parameters must not be sent more than once; without a value they count as left out, and unknown
/// ones are ignored. RFC 8707 section 2 lets `resource` repeat.
#[tokio::test]
async fn a_repeated_parameter_is_refused() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let body = format!("grant_type=refresh_token&client_id={}&refresh_token={}", client.id, tokens.refresh());
    let form = [("content-type", FORM)];
    for repeated in [
        "grant_type=refresh_token".to_owned(),
        "grant_type=authorization_code".to_owned(),
        format!("client_id={}", client.id),
        "client_id=another".to_owned(),
        format!("refresh_token={}", tokens.refresh()),
        "scope=read&scope=read".to_owned(),
        "scope=read&%73cope=write".to_owned(),
        "unknown=1&unknown=1".to_owned(),
    ] {
        let page = world.send("POST /oauth/token", &form, format!("{body}&{repeated}")).await;
        assert_error(&page, StatusCode::BAD_REQUEST, "invalid_request");
    }
    let token = format!("client_id={}&token={t}&token={t}", client.id, t = tokens.refresh());
    let page = world.send("POST /oauth/revoke", &form, token).await;
    assert_error(&page, StatusCode::BAD_REQUEST, "invalid_request");
    assert_eq!(world.database().await.generation().await, 1);

    let resource = "resource=http://localhost:8080/mcp";
    let tolerated = format!("{body}&{resource}&{resource}&scope=&grant_type=&client_secret=&unknown=1&%zz=1&&=");
    let page = world.send("POST /oauth/token", &form, tolerated).await;
    assert_eq!(page.status, 200, "{}", page.body);
}

/// What is missing is told, by name.
#[tokio::test]
async fn a_missing_parameter_is_invalid_request() {
    let world = World::new().await;
    let client = world.client().await;
    let id = format!("client_id={}", client.id);
    for (path, body, name) in [
        ("/oauth/token", String::new(), "grant_type"),
        ("/oauth/token", id.clone(), "grant_type"),
        ("/oauth/token", format!("{id}&grant_type="), "grant_type"),
        ("/oauth/token", format!("{id}&grant_type=authorization_code"), "code"),
        ("/oauth/token", format!("{id}&grant_type=refresh_token"), "refresh_token"),
        ("/oauth/revoke", id.clone(), "token"),
    ] {
        let page = world.send(&format!("POST {path}"), &[("content-type", FORM)], body.clone()).await;
        assert_error(&page, StatusCode::BAD_REQUEST, "invalid_request");
        assert!(page.body.contains(&format!("parameter {name} ")), "{body}: {}", page.body);
    }
    let body = format!("{id}&grant_type=client_credentials");
    let page = world.send("POST /oauth/token", &[("content-type", FORM)], body).await;
    assert_error(&page, StatusCode::BAD_REQUEST, "unsupported_grant_type");
}

/// PostgreSQL holds no NUL in a text; a request that brings one is the sender's fault and not the database's.
#[tokio::test]
async fn a_nul_in_a_parameter_is_invalid_request_on_either_database() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, code) = world.code().await;
        for (name, value) in [
            ("grant_type", "authorization_code%00"),
            ("redirect_uri", "https://client.example/callback%00"),
            ("code_verifier", "%00"),
            ("scope", "%00"),
            ("state", "%00"),
        ] {
            let mut body = format!("client_id={}&code={code}", client.id);
            if name != "grant_type" {
                body += "&grant_type=authorization_code";
            }
            if name != "code_verifier" {
                body += &format!("&code_verifier={}", client.verifier);
            }
            let page = world.send("POST /oauth/token", &[("content-type", FORM)], format!("{body}&{name}={value}"));
            assert_error(&page.await, StatusCode::BAD_REQUEST, "invalid_request");
        }
        assert_eq!(client.redeem(&code, &[]).await.status, 200, "{db:?}");
    }
}

/// Whatever carries a token, a secret or an error is kept by nobody on the way.
#[tokio::test]
async fn nothing_secret_and_no_error_is_cached() {
    let world = World::new().await;
    let (client, tokens) = world.tokens().await;
    let registered = client.post_json("/oauth/register", &client.metadata()).await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    let refreshed = client.post_form("/oauth/token", &fields, &[]).await;
    let revoked = client.revoke(tokens.refresh()).await;
    for (page, status) in [(registered, 201), (refreshed, 200), (revoked, 200), (client.whoami("x").await, 401)] {
        assert_eq!(page.status, status, "{}", page.body);
        assert_no_store(&page);
    }
    for path in ["/oauth/nothing", "/oauth/token/", "/nothing"] {
        let page = world.send(&format!("POST {path}"), &[("content-type", FORM)], "").await;
        assert_eq!(page.status, 404, "{path}");
        assert_no_store(&page);
    }
}

/// Media types are told in any case (RFC 9110 section 8.3.1).
#[tokio::test]
async fn a_browser_that_writes_its_media_types_in_capitals_gets_pages_too() {
    let world = World::new().await;
    for accept in ["text/html", "TEXT/HTML", "application/xhtml+xml, Text/Html;q=0.9"] {
        for path in ["/status", "/nothing"] {
            let page = world.send(&format!("GET {path}"), &[("accept", accept)], "").await;
            assert!(page.body.starts_with("<!doctype html>"), "{accept}, {path}: {}", page.body);
        }
    }
    let form = [("content-type", "Application/X-WWW-Form-Urlencoded; charset=utf-8")];
    let page = world.send("POST /oauth/token", &form, "grant_type=x").await;
    assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
}
