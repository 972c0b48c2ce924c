//! Redirect URIs: exact but for the port of loopback ones (RFC 8252 section 7.3, RFC 9700 section 4.1), as the clients in
//! the field register them and as attackers write them; at the registration and at the authorization request.

use axum::http::StatusCode;
use jean_testing::client::Client;
use serde_json::json;

use crate::support::browsing::{assert_page, consent_page};
use crate::support::tokens::{assert_error, json_of};
use crate::support::{World, code_of};

/// What a client registers, and what it asks with.
struct Real {
    name: &'static str,
    application_type: Option<&'static str>,
    registered: &'static [&'static str],
    asked: &'static [&'static str],
}

const REAL: &[Real] = &[
    Real {
        name: "Claude",
        application_type: None,
        registered: &["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
        asked: &["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
    },
    Real {
        name: "Claude Code",
        application_type: None,
        registered: &["http://localhost:54213/callback"],
        asked: &["http://localhost:54213/callback", "http://localhost:3118/callback"],
    },
    Real {
        name: "ChatGPT",
        application_type: Some("web"),
        registered: &[
            "https://chatgpt.com/connector/oauth/a1B2c3",
            "https://chatgpt.com/connector_platform_oauth_redirect",
        ],
        asked: &["https://chatgpt.com/connector/oauth/a1B2c3", "https://chatgpt.com/connector_platform_oauth_redirect"],
    },
    Real {
        name: "Cursor",
        application_type: Some("web"),
        registered: CURSOR,
        asked: &[CURSOR[0], CURSOR[1], CURSOR[2], "http://localhost:61000/callback"],
    },
    Real { name: "Cursor, untyped", application_type: None, registered: CURSOR, asked: CURSOR },
    Real {
        name: "VS Code",
        application_type: Some("native"),
        registered: &[
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
        ],
        asked: &[
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
            "http://127.0.0.1:49731/",
        ],
    },
    Real {
        name: "Inspector",
        application_type: None,
        registered: &["http://localhost:6274/oauth/callback", "http://localhost:6274/oauth/callback/debug"],
        asked: &[
            "http://localhost:6274/oauth/callback",
            "http://localhost:6274/oauth/callback/debug",
            "http://localhost:6275/oauth/callback/debug",
        ],
    },
    Real {
        name: "mcp-remote",
        application_type: None,
        registered: &["http://localhost:3334/oauth/callback"],
        asked: &["http://localhost:3334/oauth/callback", "http://localhost:19283/oauth/callback"],
    },
    Real {
        name: "portless, and by every name of this computer",
        application_type: Some("native"),
        registered: &["http://localhost/cb", "http://127.0.0.1/cb", "http://[::1]/cb"],
        asked: &["http://localhost:1/cb", "http://127.0.0.1:65535/cb", "http://[::1]:8080/cb", "http://[::1]/cb"],
    },
];

const CURSOR: &[&str] = &[
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "http://localhost:8787/callback",
];

/// The whole way with each address: registered in one set, asked with, and named once more at the token endpoint.
#[tokio::test]
async fn every_client_in_the_field_comes_back_to_the_address_that_it_asked_with() {
    let world = World::new().await;
    for Real { name, application_type, registered, asked } in REAL {
        let mut metadata = json!({ "redirect_uris": registered });
        if let Some(application_type) = application_type {
            metadata["application_type"] = json!(application_type);
        }
        let mut client = world.client_with(metadata).await;
        for asked in *asked {
            client.redirect_uri = (*asked).to_owned();
            let page = client.authorize(&mut world.browser(), &[]).await;
            let answer = page.leads_to().unwrap_or_else(|| panic!("{name}, {asked}: {page:?}"));
            assert!(answer.starts_with(&format!("{asked}?code=")), "{name}: {answer}");
            let tokens = client.redeem(&code_of(&page), &[]).await;
            assert_eq!(tokens.status, 200, "{name}, {asked}: {}", tokens.json);
        }
    }
}

/// The answer names the set as it was sent, in its order: clients compare it.
#[tokio::test]
async fn the_set_is_kept_as_it_was_sent() {
    let world = World::new().await;
    for Real { name, registered, .. } in REAL {
        let request = json!({ "redirect_uris": registered, "token_endpoint_auth_method": "none" });
        let page = world.stranger().post_json("/oauth/register", &request).await;
        assert_eq!(json_of(&page)["redirect_uris"], json!(registered), "{name}: {}", page.body);
    }
}

/// Refused wherever it comes: fastmcp #3963 (patterns passed by dot segments), #3098 (the same by a metadata document).
const TWO_FACED: &[&str] = &[
    "https://client.example/../callback",
    "https://client.example/callback/../evil",
    "https://client.example/callback/..",
    "https://client.example/./callback",
    "https://client.example/%2e%2e/callback",
    "https://client.example/%2E%2e/callback",
    "https://client.example/.%2e/callback",
    "https://client.example/%2e/callback",
    "https://client.example@evil.example/callback",
    "https://user:word@client.example/callback",
    "https://@client.example/callback",
    "https://client.example/callback#",
    "https://client.example/callback#fragment",
    "https://CLIENT.example/callback",
    "HTTPS://client.example/callback",
    "https://client.example./callback",
    "https://client.example\\.evil.example/callback",
    "https://client.example\t/callback",
    "https://clie\u{301}nt.example/callback",
    "https:\\\\client.example/callback",
    "https:client.example/callback",
    "https:/client.example/callback",
    "https:///client.example/callback",
    "http://client.example/callback",
    "http://localhost.example.com/callback",
    "http://127.0.0.1.example.com/callback",
    "http://localhost./callback",
    "http://LOCALHOST/callback",
    "http://localhost@evil.example/callback",
    "http://127.0.0.1@evil.example/callback",
    "http://127.0.0.2/callback",
    "http://127.1/callback",
    "http://0/callback",
    "http://0.0.0.0/callback",
    "http://0x7f000001/callback",
    "http://017700000001/callback",
    "http://[::ffff:127.0.0.1]/callback",
    "http://[0:0:0:0:0:0:0:1]/callback",
    "http://[::]/callback",
    "http://localhost:/callback",
    "http://localhost:99999/callback",
    "http://localhost:+1/callback",
    "http://localhost:1:2/callback",
    "http://localhost:8787/../callback",
];

/// The scheme runs, reads or opens something else than one app, whatever stands behind it.
const FOREIGN: &[&str] = &[
    "javascript:alert(1)",
    "JavaScript:alert(1)//https://client.example/callback",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "blob:https://client.example/1",
    "file:///etc/passwd",
    "about:blank",
    "view-source:https://client.example/callback",
    "filesystem:https://client.example/callback",
    "ftp://client.example/callback",
    "ws://client.example/callback",
    "intent://client.example/#Intent;scheme=https;end",
    "ms-msdt:/id",
    "mailto:ada@client.example",
];

fn all_bad() -> impl Iterator<Item = &'static str> {
    TWO_FACED.iter().chain(FOREIGN).copied()
}

#[tokio::test]
async fn an_address_that_could_be_read_in_two_ways_is_not_registered() {
    let world = World::new().await;
    for bad in all_bad() {
        for uris in [json!([bad]), json!(["https://client.example/callback", bad])] {
            let page = world.stranger().post_json("/oauth/register", &json!({ "redirect_uris": uris })).await;
            assert_error(&page, StatusCode::BAD_REQUEST, "invalid_redirect_uri");
        }
    }
    assert_eq!(world.database().await.number("SELECT COUNT(*) FROM clients").await, 0);
}

#[tokio::test]
async fn an_address_that_was_not_registered_gets_a_page_and_never_a_redirect() {
    let world = World::new().await;
    let uris = ["https://client.example/callback", "http://localhost/callback", "http://127.0.0.1/callback"];
    let client = world.client_at(&uris).await;
    let near = [
        "https://client.example/callback/",
        "https://client.example/Callback",
        "https://client.example/callback?x=1",
        "https://client.example/callback?",
        "https://client.example:443/callback",
        "https://client.example:8443/callback",
        "https://client.example/callback%20",
        "http://[::1]/callback",
        "https://localhost/callback",
        "http://localhost:8787/callback/",
        "http://localhost:8787/callback?x=1",
        "http://localhost:8787/",
        "http://localhost:8787",
    ];
    for wrong in all_bad().chain(near) {
        let page = world.browser().get(&client.authorization_url(&[("redirect_uri", wrong)])).await;
        assert_page(&page, 400, "What to do next");
        assert!(!page.body.contains("<script"), "{}", page.body);
    }
    consent_page(&client, &mut world.browser(), &[]).await;
}

/// A loopback port is free, and nothing else is: neither for a web address nor for an app's own scheme.
#[tokio::test]
async fn only_a_loopback_port_is_free() {
    let world = World::new().await;
    for (registered, asked, allowed) in [
        ("http://localhost:1/cb", "http://localhost:2/cb", true),
        ("http://localhost:1/cb", "http://localhost/cb", true),
        ("http://127.0.0.1/cb?app=1", "http://127.0.0.1:9/cb?app=1", true),
        ("http://127.0.0.1/cb?app=1", "http://127.0.0.1:9/cb?app=2", false),
        ("http://127.0.0.1:1/cb", "http://localhost:1/cb", false),
        ("http://localhost:1/cb", "http://[::1]:1/cb", false),
        ("https://client.example:1/cb", "https://client.example:2/cb", false),
        ("https://localhost:1/cb", "https://localhost:2/cb", false),
        ("com.example.app://host:1/cb", "com.example.app://host:2/cb", false),
        ("com.example.app:/cb", "com.example.app:/cb/", false),
    ] {
        let client: Client = world.client_at(&[registered]).await;
        let page = world.browser().get(&client.authorization_url(&[("redirect_uri", asked)])).await;
        assert_eq!(page.status.as_u16(), if allowed { 200 } else { 400 }, "{registered} as {asked}: {}", page.body);
    }
}

/// The answer adds `code`, `state` and `iss`, or the error, to the query: a URI that has one of these already would carry two.
#[tokio::test]
async fn a_redirect_uri_with_a_parameter_of_the_answer_is_not_registered() {
    let world = World::new().await;
    let client = world.stranger();
    let metadata = |uri: &str| json!({ "redirect_uris": [uri] });
    let good = client.post_json("/oauth/register", &metadata("https://client.example/cb?tenant=1&codec=x")).await;
    assert_eq!(good.status, 201, "{}", good.body);
    let (id, token) = (json_of(&good)["client_id"].clone(), json_of(&good)["registration_access_token"].clone());
    let (id, token) = (id.as_str().expect("an id"), token.as_str().expect("a token"));
    for name in ["code", "state", "iss", "error", "error_description", "error_uri", "%63ode"] {
        for uri in [
            format!("https://client.example/cb?{name}=x"),
            format!("https://client.example/cb?a=b&{name}"),
            format!("http://localhost/cb?{name}="),
            format!("com.example.app:/cb?{name}=x"),
        ] {
            let page = client.post_json("/oauth/register", &metadata(&uri)).await;
            assert_error(&page, StatusCode::BAD_REQUEST, "invalid_redirect_uri");
            let update = json!({ "client_id": id, "redirect_uris": [uri] });
            let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/json".into())];
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let path = format!("/oauth/register/{id}");
            let page = world.send(&format!("PUT {path}"), &headers, update.to_string()).await;
            assert_error(&page, StatusCode::BAD_REQUEST, "invalid_redirect_uri");
        }
    }
}

/// What was registered before there was this rule goes on as it was.
#[tokio::test]
async fn a_stored_redirect_uri_with_such_a_parameter_still_works() {
    let world = World::new().await;
    let uri = "https://client.example/cb?state=theirs";
    let mut client =
        world.document("https://host.example/client.json", Some("Old"), &["https://client.example/cb"]).await;
    world.sql("UPDATE clients SET metadata = replace(metadata, '/cb', '/cb?state=theirs')").await;
    client.redirect_uri = uri.to_owned();
    consent_page(&client, &mut world.browser(), &[]).await;
}
