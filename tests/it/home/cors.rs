//! What the scripts of other sites may read (CORS, the Fetch standard); `/mcp` has its own rules in `guard`.

use axum::Router;

use crate::support::World;
use crate::support::wire::{ask, text};

/// Clients in a browser (MCP Inspector) read the metadata and ask for tokens; nothing of a person's is open to scripts.
#[tokio::test]
async fn scripts_of_any_site_may_use_what_is_for_programs_and_nothing_else() {
    let world = World::new().await;
    let open = async |router: &Router, method: &str, path: &str| {
        let origin = ("origin", "https://inspector.example");
        let wants = [
            origin,
            ("access-control-request-method", method),
            ("access-control-request-headers", "content-type, mcp-protocol-version"),
        ];
        let preflight = ask(router, &format!("OPTIONS {path}"), &wants, "").await;
        let answer = ask(router, &format!("{method} {path}"), &[origin], "").await;
        for page in [&preflight, &answer] {
            assert_eq!(text(page, "access-control-allow-credentials"), "", "{path}");
        }
        [preflight, answer]
    };
    for (method, path) in [
        ("GET", "/.well-known/oauth-authorization-server"),
        ("GET", "/.well-known/oauth-protected-resource"),
        ("GET", "/.well-known/oauth-protected-resource/mcp"),
        ("GET", "/oauth/jwks"),
        ("POST", "/oauth/register"),
        ("POST", "/oauth/token"),
        ("POST", "/oauth/revoke"),
        ("GET", "/.well-known/openid-configuration"),
        ("GET", "/oauth/userinfo"),
        ("POST", "/oauth/userinfo"),
        ("GET", "/oauth/register/x"),
        ("PUT", "/oauth/register/x"),
        ("DELETE", "/oauth/register/x"),
        ("POST", "/register"),
        ("POST", "/token"),
    ] {
        let [preflight, answer] = open(&world.router, method, path).await;
        assert_eq!(preflight.status, 200, "{path}");
        for page in [&preflight, &answer] {
            assert_eq!(text(page, "access-control-allow-origin"), "*", "{path}");
        }
        let exposed = text(&answer, "access-control-expose-headers");
        assert!(exposed.contains("www-authenticate"), "{path}: {exposed}");
        assert!(text(&preflight, "access-control-allow-methods").contains(method), "{path}");
        let headers = text(&preflight, "access-control-allow-headers").to_lowercase();
        assert!(["authorization", "content-type", "mcp-protocol-version"].iter().all(|name| headers.contains(name)));
    }
    for (method, path) in [
        ("GET", "/oauth/authorize"),
        ("POST", "/oauth/authorize"),
        ("GET", "/authorize"),
        ("POST", "/authorize"),
        ("POST", "/oauth/consent"),
        ("GET", "/oauth/callback/idp"),
        ("GET", "/oauth/login/1"),
        ("POST", "/oauth/login/1"),
        ("POST", "/oauth/introspect"),
        ("GET", "/"),
        ("GET", "/status"),
    ] {
        for page in open(&world.router, method, path).await {
            assert_eq!(text(&page, "access-control-allow-origin"), "", "{method} {path}");
        }
    }
}
