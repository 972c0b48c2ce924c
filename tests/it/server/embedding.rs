//! jean inside somebody else's axum application: what passes the guard, and what never reaches the service behind it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::{Extension, Json, Router};
use jean::{Caller, Guarded, Jean};
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::wire::{ask, json_of, text, tokens_of};
use crate::support::{ORIGIN, World};

/// An application that tells what its handler saw, and how often it was called.
async fn application(world: &World) -> (Router, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move { Ok::<Response, Infallible>(seen(&request)) }
    });
    let guarded = world.jean.guard(service);
    let app = Router::new()
        .route_service("/mcp", guarded.clone())
        .route_service("/mcp/", guarded.clone())
        .route_service("/mcp/{*rest}", guarded)
        .merge(world.jean.router())
        .fallback(async || (StatusCode::NOT_FOUND, "the application's own 404"));
    (app, calls)
}

fn seen(request: &Request<Body>) -> Response {
    let caller = request.extensions().get::<Caller>().expect("the guard tells who is calling");
    Json(json!({
        "subject": caller.subject(),
        "name": caller.name(),
        "email": caller.email(),
        "email_verified": caller.email_verified(),
        "client_id": caller.client_id(),
        "client_name": caller.client_name(),
        "scopes": caller.scopes().collect::<Vec<_>>(),
        "expires_at": caller.expires_at(),
        "reads": caller.has_scope("read"),
        "writes": caller.has_scope("write"),
        "authorization": request.headers().contains_key(header::AUTHORIZATION),
        "path": request.uri().path(),
        "x": request.headers().get("x-own").map(|value| value.to_str().unwrap_or_default()),
    }))
    .into_response()
}

/// The MCP specification: "MUST NOT pass through the token it received".
#[tokio::test]
async fn the_service_behind_the_guard_finds_the_caller_and_never_the_token() {
    let world = World::new().await;
    let (app, _) = application(&world).await;
    let (client, tokens) = tokens_of(ORIGIN, &app, &[]).await;
    let bearer = format!("Bearer {}", tokens.access());
    let page = ask(&app, "PUT /mcp/files/1", &[("authorization", &bearer), ("x-own", "kept")], "").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let mut seen = json_of(&page);
    assert!(seen["subject"].take().as_str().is_some_and(|subject| subject.starts_with("u_") && subject.len() == 28));
    insta::assert_json_snapshot!(seen, { ".client_id" => insta::dynamic_redaction(move |value, _| {
        assert_eq!(value.as_str(), Some(client.id.as_str()));
        "[client_id]"
    }) }, @r#"
    {
      "authorization": false,
      "client_id": "[client_id]",
      "client_name": "Scripted client",
      "email": "ada-lovelace@example.com",
      "email_verified": true,
      "expires_at": 1800003600,
      "name": "Ada Lovelace",
      "path": "/mcp/files/1",
      "reads": true,
      "scopes": [
        "read"
      ],
      "subject": null,
      "writes": false,
      "x": "kept"
    }
    "#);
}

/// The shape of the documentation: one route, one merge.
#[tokio::test]
async fn a_router_merges_into_an_application_with_its_own_fallback() {
    let world = World::new().await;
    let service = tower::service_fn(|_: Request<Body>| async { Ok::<_, Infallible>("the tool's answer") });
    let app = Router::new()
        .route_service("/mcp", world.jean.guard(service))
        .merge(world.jean.router())
        .fallback(async || "the application's own 404");
    let (_, tokens) = tokens_of(ORIGIN, &app, &[]).await;
    let bearer = format!("Bearer {}", tokens.access());
    assert_eq!(ask(&app, "POST /mcp", &[("authorization", &bearer)], "").await.body, "the tool's answer");
    assert_eq!(ask(&app, "POST /mcp", &[], "").await.status, 401);
    assert_eq!(ask(&app, "GET /elsewhere", &[], "").await.body, "the application's own 404");
}

/// A mount of an application, with what stands behind it.
fn notes(jean: &Jean) -> Router {
    let service = tower::service_fn(|_: Request<Body>| async { Ok::<_, Infallible>("a note") });
    let guarded = jean.guard_at("notes", service).expect("the mount is known");
    Router::new().route_service("/notes", guarded)
}

#[tokio::test]
async fn the_guard_of_any_mount_has_its_name_and_an_unknown_name_is_an_error() {
    let world = World::with("[mcp.default]\n[mcp.notes]\nscopes = { read = \"Read\" }\n").await;
    let app = notes(&world.jean).route("/mcp", any(async || "a tool").layer(world.jean.layer()));
    let app = app.merge(world.jean.router());
    for (path, other) in [("/notes", "/mcp"), ("/mcp", "/notes")] {
        let (_, tokens) = tokens_of(ORIGIN, &app, &[("resource", &format!("{ORIGIN}{path}"))]).await;
        let bearer = format!("Bearer {}", tokens.access());
        assert_eq!(ask(&app, &format!("POST {path}"), &[("authorization", &bearer)], "").await.status, 200, "{path}");
        assert_eq!(
            ask(&app, &format!("POST {other}"), &[("authorization", &bearer)], "").await.status,
            401,
            "{path} at {other}"
        );
    }
    let challenge = ask(&app, "POST /notes", &[], "").await;
    let header = challenge.headers["www-authenticate"].to_str().expect("text");
    assert!(header.contains("/.well-known/oauth-protected-resource/notes\""), "{header}");

    for unknown in ["note", "", "Notes", "/notes"] {
        let error =
            world.jean.guard_at(unknown, tower::service_fn(|_: Request<Body>| async { Ok::<_, Infallible>("") }));
        let error = error.expect_err("no such mount");
        assert_eq!(error.known, ["default", "notes"]);
        let told = format!("there is no [mcp.{unknown}] in the configuration; there is: default, notes");
        assert_eq!(error.to_string(), told);
    }
}

/// The guard may live longer than what it was made of: with a lifetime of `&Jean` in it this would not compile.
#[tokio::test]
async fn the_guard_is_a_layer_of_tower_and_keeps_no_borrow() {
    fn application(jean: Jean) -> Router {
        let tools = Router::new().route("/mcp", any(async || "a tool")).layer(jean.layer());
        tools.merge(jean.router())
    }
    fn guarded(jean: Jean) -> Guarded<Router> {
        tower::Layer::layer(&jean.layer(), Router::new().fallback(async || "whatever it is"))
    }
    let world = World::new().await;
    let app = application(world.jean.clone());
    let (_, tokens) = tokens_of(ORIGIN, &app, &[]).await;
    let bearer = format!("Bearer {}", tokens.access());
    assert_eq!(ask(&app, "POST /mcp", &[("authorization", &bearer)], "").await.body, "a tool");
    assert_eq!(ask(&app, "POST /mcp", &[], "").await.status, 401);
    let alone = Router::new().fallback_service(guarded(world.jean.clone()));
    assert_eq!(ask(&alone, "POST /any", &[("authorization", &bearer)], "").await.body, "whatever it is");
    assert_eq!(ask(&alone, "POST /any", &[], "").await.status, 401);
}

/// A server behind may keep who is calling for as long as it likes: nothing of it is copied.
#[tokio::test]
async fn a_caller_is_shared_and_not_copied() {
    let world = World::new().await;
    let is_shared = async |Extension(caller): Extension<Caller>| {
        let clone = caller.clone();
        std::ptr::eq(caller.subject(), clone.subject()).to_string()
    };
    let app = Router::new().route_service("/mcp", world.jean.guard(any(is_shared))).merge(world.jean.router());
    let (_, tokens) = tokens_of(ORIGIN, &app, &[]).await;
    let bearer = format!("Bearer {}", tokens.access());
    assert_eq!(ask(&app, "POST /mcp", &[("authorization", &bearer)], "").await.body, "true");
}

/// <https://github.com/advisories/GHSA-g53w-w6mj-hrpp>: spellings of a path that slip past the check.
#[tokio::test]
async fn every_path_and_method_below_the_mount_needs_a_token() {
    let world = World::new().await;
    let (app, calls) = application(&world).await;
    let below = [
        "/mcp",
        "/mcp/",
        "/mcp//",
        "/mcp/x",
        "/mcp//x",
        "/mcp/../mcp",
        "/mcp/..",
        "/mcp/.",
        "/mcp/%2e%2e/x",
        "/mcp/%2f",
        "/mcp/..%2f..%2fstatus",
        "/mcp/oauth/token",
        "/mcp/.well-known/oauth-protected-resource",
        "/mcp?x=/status",
        "/mcp/healthz",
        "/mcp/x;y=1",
        "/mcp/%00",
    ];
    let beside =
        ["//mcp", "/./mcp", "/x/../mcp", "/mcp%2f", "/mcp%2Fx", "/%6dcp", "/MCP", "/mcp;x", "/mcpx", "/mcp%00"];
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "QUERY"];
    for router in [&app, &world.router] {
        for method in methods {
            for path in below {
                let page = ask(router, &format!("{method} {path}"), &[], "").await;
                assert_eq!(page.status, 401, "{method} {path}");
                assert!(text(&page, "www-authenticate").starts_with("Bearer "), "{method} {path}");
            }
            for path in beside {
                assert_eq!(ask(router, &format!("{method} {path}"), &[], "").await.status, 404, "{method} {path}");
            }
        }
        for path in below {
            assert_eq!(ask(router, &format!("OPTIONS {path}"), &[], "").await.body, "", "OPTIONS {path}");
        }
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0, "nothing reached the service");
}

/// <https://www.cve.org/CVERecord?id=CVE-2026-42559> (rmcp) and <https://www.cve.org/CVERecord?id=CVE-2025-66416> (the
/// Python SDK): a name that an attacker points at this computer.
#[tokio::test]
async fn a_host_that_is_not_ours_is_refused() {
    let world = World::new().await;
    let (app, calls) = application(&world).await;
    let bearer = {
        let (_, tokens) = tokens_of(ORIGIN, &app, &[]).await;
        format!("Bearer {}", tokens.access())
    };
    let send = async |target: &str, hosts: &[&str]| {
        let mut request = Request::builder().method("POST").uri(target).header("authorization", &bearer);
        for host in hosts {
            request = request.header("host", *host);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = app.clone().oneshot(request).await.expect("an answer");
        assert!(!response.headers().contains_key("www-authenticate"), "{hosts:?}: no sign-in begins here");
        response.status().as_u16()
    };
    for host in [
        "evil.example",
        "evil.example:8080",
        "localhost",
        "localhost:80",
        "localhost:443",
        "localhost:8081",
        "localhost:08080",
        "localhost:8080:80",
        "localhost:",
        "localhost.",
        "localhost.:8080",
        "localhost:8080.",
        "127.0.0.1:8080",
        "[::1]:8080",
        "0.0.0.0:8080",
        "localhost.evil.example:8080",
        "localhost:8080.evil.example",
        "evil.example/localhost:8080",
        "x@localhost:8080",
        "http://localhost:8080",
        "localhost:8080, localhost:8080",
        "",
        " ",
    ] {
        for path in ["/mcp", "/mcp/x"] {
            assert_eq!(send(path, &[host]).await, 403, "{host}");
        }
    }
    assert_eq!(send("/mcp", &[]).await, 403, "no host at all");
    for two in
        [["localhost:8080", "localhost:8080"], ["localhost:8080", "evil.example"], ["evil.example", "localhost:8080"]]
    {
        assert_eq!(send("/mcp", &two).await, 403, "{two:?}");
    }
    // RFC 9112 section 3.2.2: an absolute target names the host too.
    for (target, hosts, status) in [
        ("http://localhost:8080/mcp", &[][..], 200),
        ("http://LocalHost:8080/mcp", &["localhost:8080"], 200),
        ("http://evil.example/mcp", &["localhost:8080"], 403),
        ("http://evil.example/mcp", &[], 403),
        ("http://x@localhost:8080/mcp", &["localhost:8080"], 403),
        ("http://localhost:8080/mcp", &["evil.example"], 403),
    ] {
        assert_eq!(send(target, hosts).await, status, "{target} {hosts:?}");
    }
    assert_eq!(calls.swap(0, Ordering::SeqCst), 2, "these two");
    for host in ["localhost:8080", "LOCALHOST:8080"] {
        assert_eq!(send("/mcp", &[host]).await, 200, "{host}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn behind_https_the_default_port_may_be_named() {
    for (public_url, hosts) in [
        (
            "https://jean.example",
            &[
                ("jean.example", 401),
                ("Jean.Example:443", 401),
                ("jean.example:80", 403),
                ("jean.example.", 403),
                ("jean.example.:443", 403),
                ("jean.example:443:443", 403),
                ("localhost", 403),
            ][..],
        ),
        (
            "https://jean.example:8443/deep",
            &[
                ("jean.example:8443", 401),
                ("jean.example", 403),
                ("jean.example:443", 403),
                ("jean.example:8443:443", 403),
            ],
        ),
        ("http://[::1]", &[("[::1]", 401), ("[::1]:80", 401), ("[::1]:443", 403), ("::1", 403), ("[::2]", 403)]),
    ] {
        let world = World::at(public_url, crate::support::Db::Sqlite, "").await;
        let path = if public_url.ends_with("/deep") { "/deep/mcp" } else { "/mcp" };
        for (host, status) in hosts {
            assert_eq!(
                ask(&world.router, &format!("POST {path}"), &[("host", host)], "").await.status,
                *status,
                "{host}"
            );
        }
    }
}

/// The MCP specification: an Origin that is present and not valid is answered with 403.
#[tokio::test]
async fn pages_of_other_origins_may_not_call() {
    let allowed = "[mcp.default]\nscopes = { read = \"Read\" }\nallowed_origins = [\"https://app.example.com\"]\n";
    let world = World::with(allowed).await;
    let (app, calls) = application(&world).await;
    let ours = [ORIGIN, "http://localhost:6274", "http://127.0.0.1:1", "http://[::1]:9", "https://app.example.com"];
    let foreign = [
        "https://evil.example",
        "null",
        "",
        "http://localhost.evil.example",
        "http://app.example.com",
        "https://app.example.com:444",
        "https://app.example.com.evil.example",
        "https://xapp.example.com",
        "https://app.example.com.",
        "https://app.example.com/",
        "https://user@app.example.com",
        "http://localhost.:6274",
        "http://localhost:6274/path",
        "http://user@localhost:6274",
        "http://localhost:6274 http://localhost:6275",
        "http://0.0.0.0:8080",
        "file://localhost",
        "file://",
        "chrome-extension://localhost",
        "http://10.0.0.1",
        "*",
    ];
    let known = [
        "authorization",
        "content-type",
        "accept",
        "mcp-protocol-version",
        "mcp-session-id",
        "mcp-method",
        "mcp-name",
        "last-event-id",
        "mcp-param-region",
        "Mcp-Param-Tenant-ID",
    ];
    let unknown = ["x-forwarded-for", "cookie", "host", "mcp-param-", "mcp-params", "*", "authorization2"];
    let asked = [&unknown[..4], &known, &unknown[4..]].concat().join(", ");
    let preflight = |origin: &'static str| {
        [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", asked.as_str()),
        ]
    };
    for origin in ours {
        let page = ask(&app, "POST /mcp", &[("origin", origin)], "").await;
        assert_eq!(page.status, 401, "{origin}");
        assert_eq!(text(&page, "access-control-allow-origin"), origin);
        let exposed: Vec<&str> = text(&page, "access-control-expose-headers").split(',').collect();
        assert_eq!(exposed, ["www-authenticate", "mcp-session-id", "retry-after"]);
        let page = ask(&app, "OPTIONS /mcp", &preflight(origin), "").await;
        assert_eq!((page.status.as_u16(), text(&page, "access-control-allow-origin")), (200, origin));
        assert_eq!(text(&page, "access-control-allow-methods"), "GET,POST,DELETE");
        let headers: Vec<&str> = text(&page, "access-control-allow-headers").split(',').collect();
        assert_eq!(headers, known, "{origin}");
        assert_eq!(text(&page, "access-control-allow-credentials"), "", "the token is not a cookie");
    }
    let page = ask(&app, "POST /mcp", &[("origin", ORIGIN), ("origin", "https://evil.example")], "").await;
    assert_eq!(page.status, 403, "two origins");
    for origin in foreign {
        let page = ask(&app, "POST /mcp", &[("origin", origin)], "").await;
        assert_eq!(page.status, 403, "{origin}");
        let answer = ask(&app, "OPTIONS /mcp", &preflight(origin), "").await;
        for page in [page, answer] {
            assert_eq!(text(&page, "access-control-allow-origin"), "", "{origin}");
        }
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0, "a preflight is never passed on");
}
