//! What clients read before they ask: RFC 8414, RFC 9728, RFC 7517, at every address where they look.

use serde_json::Value;

use crate::support::forge::claims;
use crate::support::wire::{ask, get_json, json_of, text, tokens_of};
use crate::support::{Db, ORIGIN, RESOURCE, World};

const SERVER: &str = "/.well-known/oauth-authorization-server";
const PROTECTED: &str = "/.well-known/oauth-protected-resource";

/// A deployment below a path of its host.
async fn below(prefix: &str) -> World {
    World::at(&format!("https://jean.example{prefix}"), Db::Sqlite, "").await
}

fn assert_no_null(path: &str, value: &Value) {
    match value {
        Value::Null => panic!("{path} is null"),
        Value::Array(items) => {
            assert!(!items.is_empty(), "{path} is empty: it has to be left out (RFC 8414 section 3.2)");
            items.iter().for_each(|item| assert_no_null(path, item));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| assert_no_null(&format!("{path}.{name}"), value))
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_authorization_server_describes_itself() {
    let world = World::new().await;
    let page = ask(&world.router, &format!("GET {SERVER}"), &[], "").await;
    assert_eq!((page.status.as_u16(), text(&page, "content-type")), (200, "application/json"));
    assert_eq!(text(&page, "cache-control"), "public, max-age=300");
    insta::assert_json_snapshot!(json_of(&page), @r#"
    {
      "authorization_endpoint": "http://localhost:8080/oauth/authorize",
      "authorization_response_iss_parameter_supported": true,
      "claims_supported": [
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "at_hash",
        "email",
        "email_verified",
        "name"
      ],
      "client_id_metadata_document_supported": true,
      "code_challenge_methods_supported": [
        "S256"
      ],
      "grant_types_supported": [
        "authorization_code",
        "refresh_token"
      ],
      "id_token_signing_alg_values_supported": [
        "RS256"
      ],
      "introspection_endpoint": "http://localhost:8080/oauth/introspect",
      "introspection_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt"
      ],
      "introspection_endpoint_auth_signing_alg_values_supported": [
        "ES256",
        "EdDSA",
        "PS256",
        "RS256",
        "ES384"
      ],
      "issuer": "http://localhost:8080",
      "jwks_uri": "http://localhost:8080/oauth/jwks",
      "prompt_values_supported": [
        "none",
        "login",
        "consent",
        "select_account"
      ],
      "protected_resources": [
        "http://localhost:8080/mcp"
      ],
      "registration_endpoint": "http://localhost:8080/oauth/register",
      "request_uri_parameter_supported": false,
      "response_modes_supported": [
        "query"
      ],
      "response_types_supported": [
        "code"
      ],
      "revocation_endpoint": "http://localhost:8080/oauth/revoke",
      "revocation_endpoint_auth_methods_supported": [
        "none",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt"
      ],
      "revocation_endpoint_auth_signing_alg_values_supported": [
        "ES256",
        "EdDSA",
        "PS256",
        "RS256",
        "ES384"
      ],
      "scopes_supported": [
        "email",
        "offline_access",
        "openid",
        "profile",
        "read",
        "write"
      ],
      "service_documentation": "http://localhost:8080/",
      "subject_types_supported": [
        "public"
      ],
      "token_endpoint": "http://localhost:8080/oauth/token",
      "token_endpoint_auth_methods_supported": [
        "none",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt"
      ],
      "token_endpoint_auth_signing_alg_values_supported": [
        "ES256",
        "EdDSA",
        "PS256",
        "RS256",
        "ES384"
      ],
      "userinfo_endpoint": "http://localhost:8080/oauth/userinfo"
    }
    "#);
}

#[tokio::test]
async fn the_protected_resource_describes_itself() {
    let world = World::new().await;
    let page = ask(&world.router, &format!("GET {PROTECTED}/mcp"), &[], "").await;
    assert_eq!((page.status.as_u16(), text(&page, "content-type")), (200, "application/json"));
    insta::assert_json_snapshot!(json_of(&page), @r#"
    {
      "authorization_servers": [
        "http://localhost:8080"
      ],
      "bearer_methods_supported": [
        "header"
      ],
      "resource": "http://localhost:8080/mcp",
      "resource_name": "localhost",
      "scopes_supported": [
        "read",
        "write"
      ]
    }
    "#);
}

/// claude-code refused a `registration_endpoint` of null: what does not apply is left out.
#[tokio::test]
async fn what_does_not_apply_is_left_out_and_never_null() {
    for tables in ["", "[clients]\nregistration = false\n", "[brand]\nprivacy_url = \"https://example.com/p\"\n"] {
        let world = World::with(tables).await;
        for path in [SERVER, PROTECTED, "/.well-known/oauth-protected-resource/mcp"] {
            assert_no_null(path, &get_json(&world.router, path).await);
        }
    }
    let world = World::with("[clients]\nregistration = false\n").await;
    assert!(get_json(&world.router, SERVER).await.get("registration_endpoint").is_none());
    let page = ask(&world.router, "POST /oauth/register", &[("content-type", "application/json")], "{}").await;
    assert!(page.status.is_client_error(), "and nobody is registered: {}", page.status);
}

/// RFC 8414 section 3.3, RFC 9207 section 2.4, RFC 9068 section 4: clients compare character by character.
#[tokio::test]
async fn the_issuer_is_the_same_text_everywhere() {
    for issuer in [ORIGIN, "https://jean.example", "https://jean.example/v2", "https://jean.example:8443/a/b"] {
        let world = World::at(issuer, Db::Sqlite, "").await;
        let prefix = issuer.strip_prefix(&world.origin).expect("a prefix");
        let server = get_json(&world.router, &format!("{SERVER}{prefix}")).await;
        assert_eq!(server["issuer"], issuer);
        let resource = get_json(&world.router, &format!("{PROTECTED}{prefix}/mcp")).await;
        assert_eq!(resource["authorization_servers"], serde_json::json!([issuer]));
        assert_eq!(resource["resource"], format!("{issuer}/mcp"));

        let mut client = jean_testing::client::Client::new(issuer, world.router.clone());
        client.register().await;
        let page = client.authorize(&mut world.browser(), &[]).await;
        assert_eq!(page.redirect_params().get("iss").map(String::as_str), Some(issuer));
        let refused = client.authorize(&mut world.browser(), &[("scope", "\u{1}")]).await;
        let iss = refused.redirect_params().get("iss").cloned();
        assert!(iss.is_none_or(|iss| iss == issuer), "in errors too");
        let (_, tokens) = tokens_of(issuer, &world.router, &[]).await;
        assert_eq!(claims(tokens.access())["iss"], issuer);
        assert_eq!(claims(tokens.access())["aud"], resource["resource"]);
    }
}

/// Every endpoint that the metadata names is there, below the prefix too.
#[tokio::test]
async fn every_address_of_the_metadata_leads_somewhere() {
    for issuer in [ORIGIN, "https://jean.example/v2"] {
        let world = World::at(issuer, Db::Sqlite, "").await;
        let prefix = issuer.strip_prefix(&world.origin).expect("a prefix");
        let server = get_json(&world.router, &format!("{SERVER}{prefix}")).await;
        for (name, value) in server.as_object().expect("an object") {
            let Some(url) = value.as_str().filter(|_| name != "issuer") else { continue };
            let path = url.strip_prefix(&world.origin).unwrap_or_else(|| panic!("{name} is elsewhere: {url}"));
            let page = ask(&world.router, &format!("GET {path}"), &[], "").await;
            assert_ne!(page.status, 404, "{name}: {url}");
        }
    }
}

/// RFC 8414 section 3.1 puts the well-known name before the issuer's path; some clients look behind it, some at the root.
#[tokio::test]
async fn below_a_prefix_the_documents_are_at_every_form_of_their_address() {
    let world = below("/v2").await;
    let server = get_json(&world.router, "/.well-known/oauth-authorization-server/v2").await;
    assert_eq!(server["token_endpoint"], "https://jean.example/v2/oauth/token");
    for path in ["/v2/.well-known/oauth-authorization-server", SERVER] {
        assert_eq!(get_json(&world.router, path).await, server, "{path}");
    }
    let resource = get_json(&world.router, "/.well-known/oauth-protected-resource/v2/mcp").await;
    assert_eq!(resource["resource"], "https://jean.example/v2/mcp");
    for path in ["/v2/.well-known/oauth-protected-resource/mcp", "/v2/.well-known/oauth-protected-resource", PROTECTED]
    {
        assert_eq!(get_json(&world.router, path).await, resource, "{path}");
    }
    let page = ask(&world.router, "POST /v2/mcp", &[("host", "jean.example")], "").await;
    let named = "resource_metadata=\"https://jean.example/.well-known/oauth-protected-resource/v2/mcp\"";
    assert!(text(&page, "www-authenticate").contains(named), "{:?}", page.headers);
}

/// Two deployments on one host, each behind the path that the proxy gives it, never answer for one another.
#[tokio::test]
async fn a_deployment_does_not_answer_at_the_address_of_another() {
    let world = below("/v2").await;
    for path in [
        "/.well-known/oauth-authorization-server/v1",
        "/v1/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/v1/mcp",
        "/.well-known/oauth-protected-resource/mcp",
        "/oauth/authorize",
        "/oauth/token",
        "/mcp",
        "/status",
        "/v1/mcp",
        "/v2/v2/mcp",
    ] {
        assert_eq!(
            ask(&world.router, &format!("GET {path}"), &[("host", "jean.example")], "").await.status,
            404,
            "{path}"
        );
    }
    let cookies = async |prefix: &str| {
        let world = below(prefix).await;
        let mut client =
            jean_testing::client::Client::new(&format!("https://jean.example{prefix}"), world.router.clone());
        client.register().await;
        let mut browser = world.browser();
        client.authorize(&mut browser, &[]).await;
        browser.cookies("jean.example").keys().cloned().collect::<Vec<_>>()
    };
    let (one, two) = (cookies("/v1").await, cookies("/v2").await);
    assert!(!one.is_empty() && one.iter().all(|name| !two.contains(name)), "one jar for both: {one:?} {two:?}");
}

/// RFC 9728 section 3.1: each resource at its own path; the root stands for the default one alone.
#[tokio::test]
async fn each_mount_has_its_own_document_and_the_root_is_the_default_ones() {
    let world = World::with(
        "[mcp.notes]\npath = \"/team/notes\"\nscopes = { note = \"Write notes\" }\n[mcp.default]\nscopes = { read = \"Read\" }\n",
    )
    .await;
    for (path, resource, scopes) in [
        (format!("{PROTECTED}/mcp"), RESOURCE, "read"),
        (PROTECTED.to_owned(), RESOURCE, "read"),
        (format!("{PROTECTED}/team/notes"), "http://localhost:8080/team/notes", "note"),
    ] {
        let document = get_json(&world.router, &path).await;
        assert_eq!(document["resource"], resource, "{path}");
        assert_eq!(document["scopes_supported"], serde_json::json!([scopes]), "{path}");
    }
    for path in ["/notes", "/team", "/mcp/", "/mcp/x"] {
        assert_eq!(ask(&world.router, &format!("GET {PROTECTED}{path}"), &[], "").await.status, 404, "{path}");
    }
}

/// SEP-2207: `offline_access` is the authorization server's, never the resource's; so are the words of OpenID Connect.
#[tokio::test]
async fn own_words_are_listed_by_the_authorization_server_alone() {
    let world = World::new().await;
    let server = get_json(&world.router, SERVER).await;
    let resource = get_json(&world.router, PROTECTED).await;
    let page = world.stranger().call("/mcp", None, &Value::Null).await;
    for word in ["offline_access", "openid", "email", "profile"] {
        let lists = |document: &Value| document["scopes_supported"].as_array().expect("a list").contains(&word.into());
        assert!(lists(&server), "{word}");
        assert!(!lists(&resource), "{word}");
        assert!(!text(&page, "www-authenticate").contains(word), "{word}");
    }
}

/// OpenID Connect Discovery section 3, RFC 8414 section 2: what either requires, in one document at all of its addresses.
#[tokio::test]
async fn the_openid_configuration_is_the_same_document_wherever_clients_look() {
    for prefix in ["", "/v2"] {
        let world = below(prefix).await;
        let server = get_json(&world.router, &format!("{SERVER}{prefix}")).await;
        let name = "/.well-known/openid-configuration";
        for path in [name.to_owned(), format!("{name}{prefix}"), format!("{prefix}{name}")] {
            let page = ask(&world.router, &format!("GET {path}"), &[("origin", "https://app.example")], "").await;
            assert_eq!((page.status.as_u16(), text(&page, "content-type")), (200, "application/json"), "{path}");
            assert_eq!(text(&page, "access-control-allow-origin"), "*", "{path}");
            assert_eq!(json_of(&page), server, "{path}");
        }
        for required in [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "userinfo_endpoint",
            "jwks_uri",
            "response_types_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
        ] {
            assert!(server.get(required).is_some(), "{required}");
        }
        let algorithms = server["id_token_signing_alg_values_supported"].as_array().expect("a list");
        assert!(algorithms.contains(&"RS256".into()), "{algorithms:?}");
    }
    let world = below("/v2").await;
    for path in ["/.well-known/openid-configuration/v1", "/v1/.well-known/openid-configuration"] {
        assert_eq!(
            ask(&world.router, &format!("GET {path}"), &[("host", "jean.example")], "").await.status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_key_set_holds_public_keys_with_their_names() {
    let world = World::new().await;
    let page = ask(&world.router, "GET /oauth/jwks", &[], "").await;
    assert_eq!(text(&page, "cache-control"), "public, max-age=300");
    let jwks = json_of(&page);
    let [access, id] = jwks["keys"].as_array().expect("keys").as_slice() else { panic!("two keys: {jwks}") };
    for (key, alg, public) in [(access, "ES256", &["crv", "x", "y"][..]), (id, "RS256", &["n", "e"])] {
        let names: Vec<&str> = key.as_object().expect("a key").keys().map(String::as_str).collect();
        for name in ["alg", "kid", "kty", "use"].iter().chain(public) {
            assert!(names.contains(name), "{name}: {names:?}");
        }
        assert_eq!(key["alg"], alg);
        assert_eq!(key["kid"].as_str().map(str::len), Some(43), "an RFC 7638 thumbprint");
        // Nothing private, and no key_ops beside use (RFC 7517 section 4.3).
        assert_eq!(names.len(), 4 + public.len(), "{alg}: {names:?}");
    }
}

/// <https://www.cve.org/CVERecord?id=CVE-2025-6514>: what a request says about addresses never comes back in one.
#[tokio::test]
async fn no_header_of_a_request_gets_into_an_address() {
    let world = World::new().await;
    let evil = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "evil-proto"),
        ("x-forwarded-prefix", "/evil-path"),
        ("x-forwarded-port", "60666"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-original-url", "/evil-path"),
        ("x-rewrite-url", "/evil-path"),
        ("forwarded", "for=6.6.6.6;host=evil.example;proto=evil-proto"),
        ("origin", "https://evil.example"),
        ("referer", "https://evil.example/"),
    ];
    let id = world.client().await.id;
    let authorize = format!(
        "/oauth/authorize?client_id={id}&response_type=code&redirect_uri=https://client.example/callback&code_challenge={}&code_challenge_method=S256&state=x",
        "A".repeat(43)
    );
    for (method, path) in [
        ("GET", SERVER),
        ("GET", PROTECTED),
        ("GET", "/.well-known/oauth-protected-resource/mcp"),
        ("GET", "/oauth/jwks"),
        ("GET", "/"),
        ("GET", "/status"),
        ("GET", "/nowhere"),
        ("POST", "/mcp"),
        ("POST", "/oauth/token"),
        ("GET", authorize.as_str()),
    ] {
        let all: Vec<_> = evil.into_iter().collect();
        let one_by_one = evil.iter().map(std::slice::from_ref);
        for headers in one_by_one.chain([all.as_slice()]) {
            let page = ask(&world.router, &format!("{method} {path}"), headers, "").await;
            let told = format!("{:?} {}", page.headers, page.body);
            // Long enough that no random text holds one by chance.
            for word in ["evil-", "evil.example", "60666", "6.6.6.6"] {
                assert!(!told.contains(word), "{method} {path} with {headers:?}: {told}");
            }
        }
    }
}

#[tokio::test]
async fn what_can_be_read_can_be_asked_for_by_head() {
    let world = World::new().await;
    for path in [SERVER, PROTECTED, "/oauth/jwks", "/", "/status", "/healthz", "/readyz"] {
        let page = ask(&world.router, &format!("HEAD {path}"), &[], "").await;
        assert_eq!((page.status.as_u16(), page.body.as_str()), (200, ""), "{path}");
    }
    for path in [SERVER, PROTECTED, "/oauth/jwks"] {
        assert_eq!(ask(&world.router, &format!("POST {path}"), &[], "").await.status, 405, "{path}");
    }
}
