//! Dynamic client registration (RFC 7591), and the clients that the operator wrote into `jean.toml`.

use std::time::Duration;

use axum::http::StatusCode;
use jean_testing::browser::Page;
use serde_json::{Value, json};

use crate::support::browsing::asks;
use crate::support::log::Log;
use crate::support::tokens::{assert_error, assert_no_store, header_of, json_of};
use crate::support::{BOTH, World, code_of};

const REDIRECT_URI: &str = "https://client.example/callback";

async fn register(world: &World, request: &Value) -> Page {
    world.stranger().post_json("/oauth/register", request).await
}

/// The answer to a registration that must succeed, id, secret and token replaced once they are checked.
async fn registered(world: &World, request: Value) -> Value {
    let page = register(world, &request).await;
    assert_eq!(page.status, 201, "{request}: {}", page.body);
    assert_no_store(&page);
    let mut json = json_of(&page);
    let managed_at = format!("{}/oauth/register/{}", world.public_url, json["client_id"].as_str().unwrap_or_default());
    assert_eq!(json["registration_client_uri"], managed_at);
    json["registration_client_uri"] = json!("[registration_client_uri]");
    for (name, prefix, length) in
        [("client_id", "jci_", 26), ("client_secret", "jcs1_", 48), ("registration_access_token", "ja1_", 47)]
    {
        if let Some(value) = json.get_mut(name) {
            let text = value.as_str().expect("a text");
            assert!(text.starts_with(prefix) && text.len() == length, "{name}: {text}");
            *value = json!(format!("[{name}]"));
        }
    }
    json
}

async fn clients_kept(world: &World) -> i64 {
    world.database().await.number("SELECT COUNT(*) FROM clients").await
}

/// RFC 7591 section 2: `client_secret_basic`, `authorization_code` and `code` where nothing is said, and section 3.2.1:
/// the answer says so.
#[tokio::test]
async fn a_registration_is_answered_with_every_default() {
    let world = World::new().await;
    assert_eq!(
        registered(&world, json!({ "redirect_uris": [REDIRECT_URI] })).await,
        json!({
            "client_id": "[client_id]",
            "client_id_issued_at": 1_800_000_000,
            "client_secret": "[client_secret]",
            "client_secret_expires_at": 0,
            "registration_access_token": "[registration_access_token]",
            "registration_client_uri": "[registration_client_uri]",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "application_type": "web",
        })
    );
}

/// RFC 7591 section 3.2.1: all that was registered, with what was changed; section 2: what is unknown is ignored.
#[tokio::test]
async fn a_registration_echoes_all_that_it_keeps_and_nothing_else() {
    let world = World::new().await;
    let kept = json!({
        "redirect_uris": [REDIRECT_URI, "http://127.0.0.1:33418/"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "native",
        "client_name": "Scripted client",
        "scope": "read write",
        "client_uri": "https://client.example",
        "logo_uri": "https://client.example/logo.svg",
        "tos_uri": "https://client.example/terms",
        "policy_uri": "https://client.example/privacy",
        "contacts": ["ada@client.example"],
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "software_version": "1.0",
    });
    let mut request = kept.clone();
    request["client_name"] = json!("Scripted\u{202e}\n client");
    request["grant_types"] =
        json!(["refresh_token", "urn:ietf:params:oauth:grant-type:device_code", "authorization_code"]);
    request["response_types"] = json!(["code", "token"]);
    request["client_id"] = json!("mine");
    request["client_secret"] = json!("hunter2hunter2hunter2");
    request["client_name#de"] = json!("Klient");
    request["x"] = json!({ "y": [null] });
    let mut expected = kept;
    expected["client_id"] = json!("[client_id]");
    expected["client_id_issued_at"] = json!(1_800_000_000);
    for name in ["registration_access_token", "registration_client_uri"] {
        expected[name] = json!(format!("[{name}]"));
    }
    assert_eq!(registered(&world, request).await, expected);
}

/// RFC 7591 section 3.2.1: `client_secret_expires_at` is required beside a secret, and means nothing without.
#[tokio::test]
async fn a_secret_and_its_expiry_come_together_or_not_at_all() {
    let world = World::new().await;
    for (method, secret) in [("none", false), ("client_secret_basic", true), ("client_secret_post", true)] {
        let request = json!({ "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": method });
        let answer = registered(&world, request).await;
        assert_eq!(answer.get("client_secret").is_some(), secret, "{method}");
        assert_eq!(answer.get("client_secret_expires_at"), secret.then_some(&json!(0)), "{method}");
        assert_eq!(answer["token_endpoint_auth_method"], method);
    }
}

/// Clients send `null` and empty texts for what they do not have; claude-code cannot read a `null` that comes back.
#[tokio::test]
async fn nulls_and_empty_texts_count_as_left_out() {
    let world = World::new().await;
    let names = [
        "token_endpoint_auth_method",
        "grant_types",
        "response_types",
        "application_type",
        "client_name",
        "scope",
        "client_uri",
        "logo_uri",
        "tos_uri",
        "policy_uri",
        "contacts",
        "software_id",
        "software_version",
        "jwks_uri",
    ];
    let bare = registered(&world, json!({ "redirect_uris": [REDIRECT_URI] })).await;
    let mut request = json!({ "redirect_uris": [REDIRECT_URI] });
    for name in names {
        request[name] = Value::Null;
    }
    assert_eq!(registered(&world, request).await, bare);
    let empty =
        json!({ "redirect_uris": [REDIRECT_URI], "client_name": "", "scope": "", "client_uri": "", "contacts": [] });
    assert_eq!(registered(&world, empty).await, bare);
}

#[tokio::test]
async fn each_registration_is_a_client_of_its_own() {
    let world = World::new().await;
    let request = json!({ "redirect_uris": [REDIRECT_URI] });
    let (one, other) = (json_of(&register(&world, &request).await), json_of(&register(&world, &request).await));
    assert_ne!(one["client_id"], other["client_id"]);
    assert_ne!(one["client_secret"], other["client_secret"]);
}

/// fastmcp #3418, #3963, #3098; RFC 9700 section 4.1, RFC 8252 section 8.4: what a browser would run, or could be read in
/// two ways, is no place for a code.
#[tokio::test]
async fn a_dangerous_redirect_uri_is_refused() {
    let world = World::new().await;
    let long = format!("https://a.example/{}", "x".repeat(2048));
    for bad in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "javascript://a.example/%0aalert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "blob:https://a.example/1",
        "file:///etc/passwd",
        "about:blank",
        "view-source:https://a.example",
        "https://a.example/ok/../evil",
        "https://a.example/ok/%2e%2e/evil",
        "https://a.example/ok/%2E./evil",
        "https://user@a.example/cb",
        "https://user:word@a.example/cb",
        "https://@a.example/cb",
        "https://a.example/cb#fragment",
        "https://a.example/cb#",
        "http://localhost.example.com/cb",
        "http://127.0.0.1.example.com/cb",
        "https://A.example/cb",
        "https://a.example./cb",
        "http://a.example/cb",
        "http://127.0.0.2/cb",
        "http://10.0.0.1/cb",
        "http://[::2]/cb",
        "/callback",
        "callback",
        "",
        "https://",
        "https://a.example/ cb",
        "https://a.example/\u{202e}cb",
        "https://a.example\\@b.example/cb",
        "*",
        "https://*.example/cb/\n",
        &long,
    ] {
        for uris in [json!([bad]), json!([REDIRECT_URI, bad])] {
            let page = register(&world, &json!({ "redirect_uris": uris })).await;
            assert_error(&page, StatusCode::BAD_REQUEST, "invalid_redirect_uri");
        }
    }
    for uris in [json!([]), json!(null), json!(vec![REDIRECT_URI; 33])] {
        let page = register(&world, &json!({ "redirect_uris": uris })).await;
        assert_error(&page, StatusCode::BAD_REQUEST, "invalid_redirect_uri");
    }
    assert_error(&register(&world, &json!({})).await, StatusCode::BAD_REQUEST, "invalid_redirect_uri");
    assert_eq!(clients_kept(&world).await, 0);
}

/// RFC 7591 section 3.2.2.
#[tokio::test]
async fn metadata_that_breaks_a_rule_is_refused() {
    let world = World::new().await;
    for (name, value) in [
        ("redirect_uris", json!(REDIRECT_URI)),
        ("redirect_uris", json!([1])),
        ("redirect_uris", json!([null])),
        ("redirect_uris", json!({ "0": REDIRECT_URI })),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_method", json!(["none"])),
        ("grant_types", json!(["implicit"])),
        ("grant_types", json!(["refresh_token"])),
        ("grant_types", json!([])),
        ("grant_types", json!("authorization_code")),
        ("response_types", json!(["token"])),
        ("response_types", json!([])),
        ("application_type", json!("desktop")),
        ("client_name", json!(["Claude"])),
        ("client_name", json!("x".repeat(2049))),
        ("scope", json!(["read"])),
        ("scope", json!("read \"write\"")),
        ("client_uri", json!("javascript:alert(1)")),
        ("logo_uri", json!("data:image/svg+xml,<svg onload=alert(1)>")),
        ("tos_uri", json!("vbscript:x")),
        ("policy_uri", json!("terms")),
        ("contacts", json!("ada@client.example")),
        ("contacts", json!([1])),
        ("software_id", json!(7)),
        ("software_version", json!({})),
    ] {
        let mut request = json!({ "redirect_uris": [REDIRECT_URI] });
        request[name] = value;
        let page = register(&world, &request).await;
        assert_eq!(json_of(&page)["error"], "invalid_client_metadata", "{request}");
        assert_error(&page, StatusCode::BAD_REQUEST, "invalid_client_metadata");
    }
    assert_eq!(clients_kept(&world).await, 0);
}

/// Every address in the metadata is one that a browser opens as a page, or is refused: `javascript:` and its like on a
/// consent page (fastmcp #3418, workers-oauth-provider #218).
#[tokio::test]
async fn an_address_that_a_browser_would_run_is_refused_in_every_field() {
    let world = World::new().await;
    for name in ["client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"] {
        for bad in [
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            " javascript:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "data:image/svg+xml;base64,PHN2Zz4=",
            "vbscript:msgbox(1)",
            "blob:https://a.example/1",
            "file:///etc/passwd",
            "about:blank",
            "ftp://a.example/",
            "//a.example/",
            "a.example",
        ] {
            let mut request = json!({ "redirect_uris": [REDIRECT_URI] });
            request[name] = json!(bad);
            let page = register(&world, &request).await;
            assert_eq!(json_of(&page)["error"], "invalid_client_metadata", "{name}: {bad}");
        }
    }
    assert_eq!(clients_kept(&world).await, 0);
}

/// Cursor registers its own scheme, a web page and loopback at once.
#[tokio::test]
async fn a_set_of_all_kinds_of_redirect_uri_is_accepted() {
    let world = World::new().await;
    let uris = json!([
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "http://localhost:8787/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:1/callback",
        "com.example.app:/callback",
    ]);
    let answer = registered(&world, json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none" })).await;
    assert_eq!(answer["redirect_uris"], uris);
}

#[tokio::test]
async fn registration_that_is_turned_off_is_refused_and_not_advertised() {
    let world = World::with("[clients]\nregistration = false\n").await;
    let page = register(&world, &json!({ "redirect_uris": [REDIRECT_URI] })).await;
    assert_error(&page, StatusCode::BAD_REQUEST, "access_denied");
    assert_eq!(clients_kept(&world).await, 0);
    let metadata = world.send("GET /.well-known/oauth-authorization-server", &[], "").await;
    assert!(json_of(&metadata).get("registration_endpoint").is_none());
}

/// workers-oauth-provider #240: a malformed body answered 500.
#[tokio::test]
async fn a_body_that_is_no_registration_is_refused_and_breaks_nothing() {
    let world = World::new().await;
    let good = json!({ "redirect_uris": [REDIRECT_URI] }).to_string();
    let deep = format!("{{\"redirect_uris\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let json = "application/json";
    let bad = StatusCode::BAD_REQUEST;
    let cases: [(&str, Vec<u8>, StatusCode, &str); 13] = [
        (json, b"".into(), bad, "invalid_client_metadata"),
        (json, b"redirect_uris=https://a.example".into(), bad, "invalid_client_metadata"),
        (json, b"{\"redirect_uris\":".into(), bad, "invalid_client_metadata"),
        (json, format!("{good}{good}").into(), bad, "invalid_client_metadata"),
        (json, deep.into(), bad, "invalid_client_metadata"),
        (json, b"[]".into(), bad, "invalid_client_metadata"),
        (json, b"\"text\"".into(), bad, "invalid_client_metadata"),
        (json, b"null".into(), bad, "invalid_client_metadata"),
        (json, b"{\"client_name\":\"\xff\"}".into(), bad, "invalid_request"),
        (json, vec![b' '; 65_537], StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
        ("", good.clone().into(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request"),
        ("text/plain", good.clone().into(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request"),
        (
            "application/x-www-form-urlencoded",
            good.clone().into(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "invalid_request",
        ),
    ];
    for (media_type, body, status, error) in cases {
        let page = world.send("POST /oauth/register", &[("content-type", media_type)], body).await;
        assert_error(&page, status, error);
    }
    assert_error(
        &world.send("POST /oauth/register", &[], good.clone()).await,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "invalid_request",
    );
    for media_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let page = world.send("POST /oauth/register", &[("content-type", media_type)], good.clone()).await;
        assert_eq!(page.status, 201, "{media_type}: {}", page.body);
    }
    assert_eq!(clients_kept(&world).await, 2);
}

/// A client of the operator's own goes the same way, without having registered, and with nothing in the database.
#[tokio::test]
async fn a_client_of_the_configuration_makes_the_whole_journey() {
    let secret = "a secret of the operator's own";
    let world = World::with(&format!(
        "[clients]\nregistration = false\n\
         [[clients.preregistered]]\nid = \"public app\"\nname = \"Public\"\nredirect_uris = [\"{REDIRECT_URI}\"]\n\
         [[clients.preregistered]]\nid = \"basic\"\nsecret = \"{secret}\"\nredirect_uris = [\"{REDIRECT_URI}\"]\n\
         [[clients.preregistered]]\nid = \"post\"\nsecret = \"{secret}\"\nauth_method = \"client_secret_post\"\n\
         redirect_uris = [\"{REDIRECT_URI}\"]\nscopes = [\"read\"]\n"
    ))
    .await;
    for (id, secret, method) in [
        ("public app", None, "none"),
        ("basic", Some(secret), "client_secret_basic"),
        ("post", Some(secret), "client_secret_post"),
    ] {
        let mut client = world.stranger();
        client.id = id.to_owned();
        client.auth_method = method.to_owned();
        client.secret = secret.map(|_| "not the secret, but long enough".to_owned());
        let page = client.authorize(&mut world.browser(), &[("scope", "read write")]).await;
        let code = code_of(&page);
        if secret.is_some() {
            assert_eq!(client.redeem(&code, &[]).await.error(), "invalid_client", "{id}");
        }
        client.secret = secret.map(str::to_owned);
        let tokens = client.redeem(&code, &[]).await;
        assert_eq!(tokens.status, 200, "{id}: {}", tokens.json);
        assert_eq!(
            tokens.text("scope"),
            if id == "post" { "read" } else { "read write" },
            "what the operator allows {id}"
        );
        assert_eq!(client.whoami(tokens.access()).await.status, 200, "{id}");
        let tokens = client.refresh(tokens.refresh(), &[]).await;
        assert_eq!(tokens.status, 200, "{id}: {}", tokens.json);
        assert_eq!(client.revoke(tokens.refresh()).await.status, 200, "{id}");
        assert_eq!(client.whoami(tokens.access()).await.status, 401, "{id}");
    }
    assert_eq!(clients_kept(&world).await, 0);
}

/// The metadata of a client that takes so many bytes as it is kept.
fn of_size(size: usize) -> Value {
    let mut metadata = json!({
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "application_type": "web",
    });
    let padded = ["client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id"];
    padded.iter().for_each(|name| metadata[*name] = json!("https://a.example/"));
    for name in padded {
        let missing = size.saturating_sub(metadata.to_string().len()).min(2000);
        metadata[name] = json!(format!("https://a.example/{}", "x".repeat(missing)));
    }
    metadata
}

#[tokio::test]
async fn a_registration_takes_at_most_8_kilobytes_as_it_is_kept() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let fits = register(&world, &of_size(8192)).await;
        assert_eq!(fits.status, 201, "{db:?}: {}", fits.body);
        let kept = "SELECT LENGTH(metadata) FROM clients";
        assert_eq!(world.database().await.number(kept).await, 8192, "{db:?}");
        let told = |page: &Page, largest: &str| {
            assert_error(page, StatusCode::BAD_REQUEST, "invalid_client_metadata");
            let description = json_of(page)["error_description"].as_str().unwrap_or_default().to_owned();
            assert!(description.contains("and 8192 is the most"), "{description}");
            assert!(description.contains(&format!("The largest part is {largest}, with ")), "{description}");
        };
        told(&register(&world, &of_size(8193)).await, "tos_uri");
        let uris: Vec<String> = (0..32).map(|i| format!("https://a.example/{i}{}", "x".repeat(900))).collect();
        told(&register(&world, &json!({ "redirect_uris": uris })).await, "redirect_uris");
        assert_eq!(clients_kept(&world).await, 1, "{db:?}");

        // An update is bounded as a registration is (RFC 7592 section 2.2).
        let registered = json_of(&fits);
        let text = |name: &str| registered[name].as_str().expect("a text").to_owned();
        let path = format!("/oauth/register/{}", text("client_id"));
        let token = format!("Bearer {}", text("registration_access_token"));
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let mut update = of_size(8193);
        update["client_id"] = json!(text("client_id"));
        told(&world.send(&format!("PUT {path}"), &headers, update.to_string()).await, "tos_uri");
        assert_eq!(world.database().await.number(kept).await, 8192, "{db:?}: as it was");
        update = of_size(8000);
        update["client_id"] = json!(text("client_id"));
        assert_eq!(world.send(&format!("PUT {path}"), &headers, update.to_string()).await.status, 200, "{db:?}");
    }
}

/// A flood of registrations ends before the disk does; apps with a document still come in.
#[tokio::test]
async fn with_very_many_unused_registrations_nobody_can_register_for_a_while() {
    for db in BOTH {
        let world = World::bounded(db, 3, 3).await;
        let log = Log::new();
        let request = json!({ "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none" });
        let full = async || {
            let page = register(&world, &request).await;
            if page.status == 201 {
                return false;
            }
            assert_error(&page, StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
            assert_eq!(header_of(&page.headers, "retry-after"), "600");
            assert!(page.body.contains("metadata document"), "{}", page.body);
            true
        };
        let first = world.client().await;
        let second = json_of(&register(&world, &request).await);
        assert!(!full().await, "{db:?}: the third");
        for _ in 0..5 {
            assert!(full().await, "{db:?}");
        }
        assert_eq!(clients_kept(&world).await, 3, "{db:?}");
        assert_eq!(log.lines_with("no app can register").len(), 1, "{db:?}: once");
        assert_eq!(log.lines_with("ERROR").len(), 0, "{db:?}: nothing else of it");
        let (_host, document) = world.document_client().await;
        assert!(asks(&world.browser().get(&document.authorization_url(&[])).await), "{db:?}");

        // Another process counts what there is when it starts.
        let other = world.replica().await;
        let asked = async {
            let stranger = first.at(&world.public_url, other.service());
            loop {
                let page = stranger.post_json("/oauth/register", &request).await;
                if page.status == 503 {
                    break;
                }
                let id = json_of(&page)["client_id"].as_str().expect("an id").to_owned();
                world.sql(&format!("DELETE FROM clients WHERE id = '{id}'")).await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), asked).await.expect("it counts at its start");
        other.close().await;
        let lines = log.lines_with("no app can register").len();

        // A minute later it is counted again: here one was deleted, and there is room for one.
        let path = format!("/oauth/register/{}", second["client_id"].as_str().expect("an id"));
        let token = format!("Bearer {}", second["registration_access_token"].as_str().expect("a token"));
        let headers = [("authorization", token.as_str())];
        assert_eq!(world.send(&format!("DELETE {path}"), &headers, "").await.status, 204, "{db:?}");
        assert!(full().await, "{db:?}: not counted yet");
        world.clock.advance(60);
        assert!(!full().await && full().await, "{db:?}");
        assert_eq!(
            log.lines_with("no app can register").len(),
            lines,
            "{db:?}: once in a minute it is counted and said"
        );
        world.clock.advance(60);
        assert!(full().await, "{db:?}");
        assert_eq!(log.lines_with("no app can register").len(), lines + 1, "{db:?}");
    }
}
