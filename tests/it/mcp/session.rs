//! Sessions of the revisions before 2026-07-28, through the guard: whose they are, and when their streams end.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Request, StatusCode};
use jean::{Caller, Jean};
use jean_testing::browser::Page;
use jean_testing::client::{Client, Tokens};
use jean_testing::issuer::Account;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{CallToolResult, ServerCapabilities, ServerConfig};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, tool, tool_handler, tool_router};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::messages::{JSON, NOW, initialize, message, modern};
use crate::support::tokens::moved;
use crate::support::wire::{ask, json_of, text, tokens_of};
use crate::support::{ORIGIN, RESOURCE, SECRET, World};

/// A server with sessions tells what it sees of its caller: whatever revision, the guard's word counts.
#[derive(Clone, Debug)]
struct Mirror;

#[tool_router]
impl Mirror {
    /// What the server sees.
    #[tool(description = "Tells who calls, and in which session.")]
    async fn mirror(&self, context: RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
        let parts = context.extensions.get::<Parts>().expect("the request");
        let caller = parts.extensions.get::<Caller>().expect("the caller");
        let session = parts.headers.get("mcp-session-id").map(|id| id.to_str().expect("text"));
        Ok(CallToolResult::structured(json!({ "email": caller.email(), "session": session })))
    }
}

#[tool_handler]
impl ServerHandler for Mirror {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info
    }
}

type Server = StreamableHttpService<Mirror, LocalSessionManager>;

fn server() -> (Server, Arc<LocalSessionManager>) {
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(|| Ok(Mirror), sessions.clone(), StreamableHttpServerConfig::default());
    (service, sessions)
}

/// The server behind the guard of a jean, which answers for itself too.
fn behind(jean: &Jean, server: &Server, path: &str) -> Router {
    let server = server.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = server.clone();
        async move { Ok::<_, std::convert::Infallible>(server.handle(request).await.map(Body::new)) }
    });
    Router::new().route_service(path, jean.guard(service)).merge(jean.router())
}

/// Who asks: a client, of this server, by these tokens.
struct By<'a> {
    app: &'a Router,
    tokens: &'a Tokens,
}

/// Sends a request to `/mcp`; the body is not read where it may not end.
async fn send(by: By<'_>, method: &str, headers: &[(&str, &str)], body: &str) -> Page {
    let By { app, tokens } = by;
    let bearer = format!("Bearer {}", tokens.access());
    let headers = [&JSON, &[("authorization", bearer.as_str())][..], headers].concat();
    if method == "GET" {
        let mut request = Request::builder().method("GET").uri("/mcp").header("host", "localhost:8080");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = app.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
        let (parts, _) = answer.into_parts();
        return Page { url: "/mcp".into(), status: parts.status, headers: parts.headers, body: String::new() };
    }
    ask(app, &format!("{method} /mcp"), &headers, body).await
}

/// Opens a session and gives its id.
async fn open(app: &Router, tokens: &Tokens) -> String {
    let page = send(By { app, tokens }, "POST", &[], &initialize("2025-11-25").to_string()).await;
    assert_eq!(page.status, 200, "{page:?}");
    let session = text(&page, "mcp-session-id").to_owned();
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
    assert_eq!(send(By { app, tokens }, "POST", &[("mcp-session-id", &session)], &initialized).await.status, 202);
    session
}

/// Calls the tool in a session.
async fn call(app: &Router, tokens: &Tokens, session: &str) -> Page {
    let headers = [("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")];
    send(By { app, tokens }, "POST", &headers, &message("tools/call", json!({ "name": "mirror" })).to_string()).await
}

/// What the tool told, in a stream of events.
fn told(page: &Page) -> Value {
    assert_eq!(page.status, 200, "{page:?}");
    let data = page.body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    let messages = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let mut results = messages.map(|message| message["result"]["structuredContent"].clone());
    results.find(Value::is_object).unwrap_or_else(|| panic!("no answer: {page:?}"))
}

/// The answer at which a client opens a new session.
#[track_caller]
fn assert_unknown(page: &Page, why: &str) {
    assert_eq!(page.status, 404, "{why}: {page:?}");
    assert_eq!(text(page, "www-authenticate"), "", "{why}: no sign-in would help");
    if !page.body.is_empty() {
        assert_eq!(
            json_of(page),
            json!({ "jsonrpc": "2.0", "error": { "code": -32001, "message": "Session not found" } })
        );
    }
}

/// The sentence, and "Session Hijacking" in the MCP security best practices.
#[tokio::test]
async fn a_session_belongs_to_the_person_who_opened_it() {
    let world = World::new().await;
    let (server, sessions) = server();
    let app = behind(&world.jean, &server, "/mcp");
    let (ada_client, ada) = tokens_of(ORIGIN, &app, &[]).await;
    let session = open(&app, &ada).await;
    let inner = sessions.sessions.read().await.keys().next().expect("a session").to_string();
    assert!(session.starts_with(&format!("{inner}.")), "{session} {inner}");
    assert_eq!(
        told(&call(&app, &ada, &session).await),
        json!({ "email": "ada-lovelace@example.com", "session": inner })
    );

    world.issuer.sign_in_as(Account::named("Bob"));
    let (_, bob) = tokens_of(ORIGIN, &app, &[]).await;
    let other = open(&app, &bob).await;
    assert_eq!(told(&call(&app, &bob, &other).await)["email"], "bob@example.com");
    let (_, mac) = other.rsplit_once('.').expect("a MAC");
    let (id, good) = session.rsplit_once('.').expect("a MAC");
    for (why, presented) in [
        ("Ada's", session.clone()),
        ("Ada's with a MAC of Bob's", format!("{id}.{mac}")),
        ("the inner one", inner.clone()),
        ("without a MAC", format!("{id}.")),
    ] {
        assert_unknown(&call(&app, &bob, &presented).await, why);
        for method in ["GET", "DELETE"] {
            let page = send(By { app: &app, tokens: &bob }, method, &[("mcp-session-id", &presented)], "").await;
            assert_unknown(&page, &format!("{method} {why}"));
        }
    }
    for (why, presented) in [
        ("the inner one", inner.clone()),
        ("another id", format!("x{id}.{good}")),
        ("a MAC cut off", session[..session.len() - 1].to_owned()),
        ("two MACs", format!("{session}.{good}")),
        ("nothing", String::new()),
        ("a dot", ".".to_owned()),
    ] {
        assert_unknown(&call(&app, &ada, &presented).await, why);
    }
    let twice = [("mcp-session-id", session.as_str()), ("mcp-session-id", session.as_str())];
    assert_unknown(&send(By { app: &app, tokens: &ada }, "POST", &twice, "").await, "twice");
    // Another client of the same person, which may have been allowed less.
    world.issuer.sign_in_as(Account::named("Ada Lovelace"));
    let (_, elsewhere) = tokens_of(ORIGIN, &app, &[]).await;
    assert_unknown(&call(&app, &elsewhere, &session).await, "another client");

    // Another person by the same client, as with a metadata document that all share.
    world.issuer.sign_in_as(Account::named("Bob"));
    let page = ada_client.authorize(&mut world.browser(), &[]).await;
    let bob_there = ada_client.redeem(&crate::support::code_of(&page), &[]).await;
    assert_unknown(&call(&app, &bob_there, &session).await, "another person by the same client");

    // None of it cost the owner anything, and the next token is as good as the first.
    assert_eq!(sessions.sessions.read().await.len(), 2);
    let next = moved(&ada_client, &world.jean).refresh(ada.refresh(), &[]).await;
    assert_eq!(told(&call(&app, &next, &session).await)["session"], inner);
    assert_eq!(send(By { app: &app, tokens: &next }, "GET", &[("mcp-session-id", &session)], "").await.status, 200);
    assert_eq!(send(By { app: &app, tokens: &next }, "DELETE", &[("mcp-session-id", &session)], "").await.status, 202);
    assert_eq!(call(&app, &next, &session).await.status, 404, "the server's own answer");
}

/// Nothing is remembered: another process, after a restart or beside the first, knows whose a session is, and so does one
/// that has a newer secret in front.
#[tokio::test]
async fn any_replica_knows_whose_a_session_is() {
    let world = World::new().await;
    let (server, _) = server();
    let app = behind(&world.jean, &server, "/mcp");
    let (_, ada) = tokens_of(ORIGIN, &app, &[]).await;
    world.issuer.sign_in_as(Account::named("Bob"));
    let (_, bob) = tokens_of(ORIGIN, &app, &[]).await;
    let session = open(&app, &ada).await;
    let rotated = world.config.replace(SECRET, &format!("{},{SECRET}", "n".repeat(32)));
    for jean in [world.replica().await, world.start(&rotated).await.expect("jean starts")] {
        let app = behind(&jean, &server, "/mcp");
        assert_eq!(told(&call(&app, &ada, &session).await)["email"], "ada-lovelace@example.com");
        assert_unknown(&call(&app, &bob, &session).await, "Bob");
    }
}

/// A session at one mount is none at another.
#[tokio::test]
async fn a_session_is_of_one_mount() {
    let world =
        World::with("[mcp.default]\nscopes = { read = \"Read\" }\n[mcp.notes]\nscopes = { read = \"Read\" }\n").await;
    let swapped = world
        .config
        .replace("[mcp.default]", "[mcp.files]\npath = \"/mcp\"")
        .replace("[mcp.notes]", "[mcp.default]\npath = \"/notes\"");
    let other = world.start(&swapped).await.expect("jean starts");
    let (server, _) = server();
    let app = behind(&world.jean, &server, "/mcp").route_service("/notes", {
        let router = behind(&other, &server, "/notes");
        tower::service_fn(move |request: Request<Body>| router.clone().oneshot(request))
    });
    let client = {
        let mut client = Client::new(ORIGIN, app.clone());
        client.register().await;
        client
    };
    let tokens = async |resource: &str| {
        let url = client.authorization_url(&[("resource", resource)]);
        let page = client.authorize_at(&mut world.browser(), &url).await;
        client.redeem(&crate::support::code_of(&page), &[]).await
    };
    let files = tokens(RESOURCE).await;
    let notes = tokens("http://localhost:8080/notes").await;
    let session = open(&app, &files).await;
    assert_eq!(call(&app, &files, &session).await.status, 200);
    let bearer = format!("Bearer {}", notes.access());
    let list = message("tools/list", json!({})).to_string();
    let headers = [&JSON, &[("authorization", bearer.as_str()), ("mcp-session-id", &session)][..]].concat();
    assert_unknown(&ask(&app, "POST /notes", &headers, &list).await, "the other mount");
    let opened = ask(&app, "POST /notes", &headers[..3], &initialize("2025-11-25").to_string()).await;
    assert_eq!(opened.status, 200, "{opened:?}");
}

/// The same server answers both worlds: requests of 2026-07-28 have no session, whatever they carry.
#[tokio::test]
async fn a_server_with_sessions_answers_requests_without_them() {
    let world = World::new().await;
    let (server, sessions) = server();
    let app = behind(&world.jean, &server, "/mcp");
    let (_, ada) = tokens_of(ORIGIN, &app, &[]).await;
    let session = open(&app, &ada).await;
    world.issuer.sign_in_as(Account::named("Bob"));
    let (_, bob) = tokens_of(ORIGIN, &app, &[]).await;
    let headers = [
        ("mcp-protocol-version", NOW),
        ("mcp-method", "tools/call"),
        ("mcp-name", "mirror"),
        ("mcp-session-id", session.as_str()),
    ];
    let body = message("tools/call", modern(NOW, json!({ "name": "mirror" }))).to_string();
    let page = send(By { app: &app, tokens: &bob }, "POST", &headers, &body).await;
    assert_eq!(told(&page), json!({ "email": "bob@example.com", "session": null }));
    assert_eq!(text(&page, "mcp-session-id"), "");
    // Not even by saying one thing in the header and another in the body.
    let legacy = message("tools/call", json!({ "name": "mirror" })).to_string();
    for method in ["POST", "DELETE", "GET"] {
        let page = send(By { app: &app, tokens: &bob }, method, &headers, &legacy).await;
        assert!(page.status.is_client_error(), "{method}: {page:?}");
    }
    assert_eq!(sessions.sessions.read().await.len(), 1);
    assert_eq!(call(&app, &ada, &session).await.status, StatusCode::OK);
}

/// What was revoked hears no more: the stream that was open ends, and with it its place at the server behind.
#[tokio::test]
async fn a_stream_ends_when_its_grant_is_revoked() {
    let world = World::new().await;
    let (server, _) = server();
    let app = behind(&world.jean, &server, "/mcp");
    let mut streams = Vec::new();
    for _ in 0..2 {
        let (client, tokens) = tokens_of(ORIGIN, &app, &[]).await;
        let session = open(&app, &tokens).await;
        let request = Request::get("/mcp")
            .header("host", "localhost:8080")
            .header("authorization", format!("Bearer {}", tokens.access()))
            .header("accept", "text/event-stream")
            .header("mcp-session-id", session);
        let request = request.body(Body::empty()).expect("a request");
        let answer = app.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        streams.push((client, tokens, answer.into_body()));
    }
    let (_, _, mut kept) = streams.pop().expect("a stream");
    let (client, tokens, mut ended) = streams.pop().expect("a stream");
    let end = async |body: &mut Body| while http_body_util::BodyExt::frame(body).await.is_some() {};
    let soon = std::time::Duration::from_millis(50);
    assert!(tokio::time::timeout(soon, end(&mut ended)).await.is_err(), "it goes on while nobody says a word");
    assert_eq!(client.revoke(tokens.refresh()).await.status, 200);
    let promised = std::time::Duration::from_secs(5);
    assert!(tokio::time::timeout(promised, end(&mut ended)).await.is_ok(), "it ends within five seconds");
    assert!(tokio::time::timeout(soon, end(&mut kept)).await.is_err(), "and the other one goes on");
}
