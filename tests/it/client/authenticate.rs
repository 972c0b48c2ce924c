//! Client authentication at the token and revocation endpoints (RFC 6749 section 2.3, RFC 7591 section 2).
//!
//! workers-oauth-provider #276: the method that a client registered is the only one by which it comes in.

use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jean_testing::browser::Page;
use jean_testing::client::Client;
use serde_json::json;

use crate::support::World;
use crate::support::tokens::{FORM, assert_alive, assert_error, assert_no_store};

const METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// A form with Authorization headers of one's own, and nothing added.
async fn post(client: &Client, path: &str, fields: &[(&str, &str)], authorization: &[&str]) -> Page {
    let mut request = Request::builder().method(Method::POST).header(header::CONTENT_TYPE, FORM);
    for value in authorization {
        // Bytes outside ASCII may stand in a header.
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header");
        request = request.header(header::AUTHORIZATION, value);
    }
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    client.send(path, request, body).await
}

fn redemption<'a>(client: &'a Client, code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("grant_type", "authorization_code"), ("code", code), ("code_verifier", &client.verifier)]
}

/// By what a client authenticates.
struct Proof<'a> {
    method: &'a str,
    secret: &'a str,
}

/// Presents a client.
async fn present(client: &Client, path: &str, fields: &[(&str, &str)], proof: Proof<'_>) -> Page {
    let Proof { method, secret } = proof;
    let mut fields = fields.to_vec();
    let header = basic(&client.id, secret);
    match method {
        "client_secret_basic" => return post(client, path, &fields, &[&header]).await,
        "client_secret_post" => fields.extend([("client_id", client.id.as_str()), ("client_secret", secret)]),
        "none" => fields.push(("client_id", &client.id)),
        _ => {}
    }
    post(client, path, &fields, &[]).await
}

#[tokio::test]
async fn a_client_comes_in_by_the_method_that_it_registered_and_no_other() {
    let world = World::new().await;
    for registered in METHODS {
        let client = world.client_with(json!({ "token_endpoint_auth_method": registered })).await;
        let secret = client.secret.clone().unwrap_or_else(|| "jcs1_something".to_owned());
        let code = world.code_for(&client, &[]).await;
        let fields = redemption(&client, &code);
        for presented in ["nothing"].into_iter().chain(METHODS.into_iter().filter(|method| *method != registered)) {
            let page = present(&client, "/oauth/token", &fields, Proof { method: presented, secret: &secret }).await;
            assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
        }
        let page = present(&client, "/oauth/token", &fields, Proof { method: registered, secret: &secret }).await;
        assert_eq!(page.status, 200, "{registered}, after all else was refused: {}", page.body);
    }
}

#[tokio::test]
async fn a_wrong_secret_or_an_unknown_client_is_401_and_changes_nothing() {
    let world = World::new().await;
    for registered in ["client_secret_basic", "client_secret_post"] {
        let client = world.client_with(json!({ "token_endpoint_auth_method": registered })).await;
        let secret = client.secret.clone().expect("a secret");
        let other = world.client_with(json!({ "token_endpoint_auth_method": registered })).await;
        let mut unknown = client.clone();
        unknown.id = "jci_AAAAAAAAAAAAAAAAAAAAAA".to_owned();
        let code = world.code_for(&client, &[]).await;
        let wrong =
            [secret.to_uppercase(), secret[..47].to_owned(), format!("{secret} "), other.secret.clone().expect("one")];
        let attempts = wrong.iter().map(|wrong| (&client, wrong)).chain([(&unknown, &secret)]);
        let attempts: Vec<(&Client, &String)> = attempts.collect();
        for (who, secret) in &attempts {
            let page =
                present(who, "/oauth/token", &redemption(&client, &code), Proof { method: registered, secret }).await;
            assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
        }
        let tokens = client.redeem(&code, &[]).await;
        assert_eq!(tokens.status, 200, "the code is still good: {}", tokens.json);
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
        for (who, secret) in &attempts {
            for (path, fields) in [("/oauth/token", &refresh[..]), ("/oauth/revoke", &[("token", tokens.refresh())])] {
                let page = present(who, path, fields, Proof { method: registered, secret }).await;
                assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
            }
        }
        assert_alive(&client, &tokens).await;
    }
}

/// RFC 6749 section 2.3: a client must not use more than one method in a request.
#[tokio::test]
async fn two_methods_at_once_are_refused_and_change_nothing() {
    let world = World::new().await;
    for registered in METHODS {
        let client = world.client_with(json!({ "token_endpoint_auth_method": registered })).await;
        let secret = client.secret.clone().unwrap_or_else(|| "jcs1_something".to_owned());
        let header = basic(&client.id, &secret);
        let code = world.code_for(&client, &[]).await;
        let with = |more: &[(&'static str, &str)]| {
            let all = redemption(&client, &code).into_iter().chain(more.iter().copied());
            all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        for (fields, headers) in [
            (with(&[("client_id", &client.id), ("client_secret", &secret)]), vec![&header]),
            (with(&[("client_secret", &secret)]), vec![&header]),
            (with(&[("client_id", "jci_another")]), vec![&header]),
            (with(&[]), vec![&header, &header]),
        ] {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let headers: Vec<&str> = headers.into_iter().map(String::as_str).collect();
            let page = post(&client, "/oauth/token", &fields, &headers).await;
            assert_error(&page, StatusCode::BAD_REQUEST, "invalid_request");
        }
        let assertion = with(&[
            ("client_id", &client.id),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", "a.b.c"),
        ]);
        let fields: Vec<_> = assertion.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = post(&client, "/oauth/token", &fields, &[]).await;
        assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
        let page = present(
            &client,
            "/oauth/token",
            &redemption(&client, &code),
            Proof { method: registered, secret: &secret },
        )
        .await;
        assert_eq!(page.status, 200, "{registered}: {}", page.body);
    }
}

/// RFC 9110 section 11.1: the scheme's case does not count. The same `client_id` in the body is no second method.
#[tokio::test]
async fn basic_is_read_in_any_case() {
    let world = World::new().await;
    let client = world.client_with(json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
    let secret = client.secret.clone().expect("a secret");
    for scheme in ["Basic", "basic", "BASIC", "bAsIc"] {
        let header = basic(&client.id, &secret).replacen("Basic", scheme, 1);
        let code = world.code_for(&client, &[]).await;
        let mut fields = redemption(&client, &code);
        if scheme == "basic" {
            fields.push(("client_id", &client.id));
        }
        let page = post(&client, "/oauth/token", &fields, &[&header]).await;
        assert_eq!(page.status, 200, "{scheme}: {}", page.body);
    }
}

/// RFC 6749 section 2.3.1: id and secret are form-urlencoded before they are joined.
#[tokio::test]
async fn basic_is_form_decoded() {
    let (id, secret) = ("my app: one+two%41", "s3cret with: + %2B & = and ü");
    let world = World::with(&format!(
        "[[clients.preregistered]]\nid = '{id}'\nsecret = '{secret}'\nredirect_uris = [\"https://client.example/callback\"]\n"
    ))
    .await;
    let mut client = world.stranger();
    client.id = id.to_owned();
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let code = world.code_for(&client, &[]).await;
    let fields = redemption(&client, &code);
    let page = post(&client, "/oauth/token", &fields, &[&basic(&encode(id), secret)]).await;
    assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
    let page = post(&client, "/oauth/token", &fields, &[&basic(&encode(id), &encode(secret))]).await;
    assert_eq!(page.status, 200, "{}", page.body);
}

/// Whoever sends an Authorization header means it: one that cannot be read is not the same as none.
#[tokio::test]
async fn a_malformed_authorization_header_is_401_even_for_a_public_client() {
    let world = World::new().await;
    let client = world.client().await;
    let code = world.code_for(&client, &[]).await;
    let mut fields = redemption(&client, &code);
    fields.push(("client_id", &client.id));
    let malformed = [
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!".to_owned(),
        "Basic \u{fc}".to_owned(),
        format!("Basic{}", STANDARD.encode(format!("{}:", client.id))),
        format!("Basic {}", STANDARD.encode(&client.id)),
        format!("Basic {}", STANDARD.encode(b"\xff\xfe:x")),
        format!("Basic {} {}", STANDARD.encode("a:b"), STANDARD.encode("a:b")),
        basic("", "secret"),
        basic("a\nb", "secret"),
        basic(&client.id, ""),
        "Bearer something".to_owned(),
        "Negotiate abc".to_owned(),
    ];
    for header in &malformed {
        for path in ["/oauth/token", "/oauth/revoke"] {
            let page = post(&client, path, &fields, &[header]).await;
            assert_eq!(page.status, 401, "{header}: {}", page.body);
            assert_error(&page, StatusCode::UNAUTHORIZED, "invalid_client");
        }
    }
    let page = post(&client, "/oauth/token", &fields, &[]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_no_store(&page);
}
