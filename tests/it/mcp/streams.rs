//! Streams of events behind the guard: when they end, by what they are and by what becomes of their grant.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response, header};
use http_body::Frame;
use http_body_util::BodyExt as _;
use jean_testing::client::{Client, Tokens};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::support::wire::tokens_of;
use crate::support::{BOTH, ORIGIN, RESOURCE, World, code_of};

/// A stream that says one thing and stays open.
struct Open(Option<&'static str>);

impl HttpBody for Open {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.take().map_or(Poll::Pending, |said| Poll::Ready(Some(Ok(Frame::data(said.into())))))
    }
}

/// A server whose every answer is a stream; a GET of `/mcp/sse` begins a session of the oldest transport.
fn server(world: &World) -> Router {
    let service = tower::service_fn(|request: Request<Body>| async move {
        let first = if request.uri().path().ends_with("/sse") {
            "event: endpoint\ndata: /mcp/messages\n\n"
        } else {
            ": nothing yet\n\n"
        };
        let media_type =
            if request.method() == "GET" { "TEXT/Event-Stream" } else { "text/event-stream;charset=utf-8" };
        let response = Response::builder().header(header::CONTENT_TYPE, media_type);
        Ok::<_, Infallible>(response.body(Body::new(Open(Some(first)))).expect("a response"))
    });
    let guarded = world.jean.guard(service);
    Router::new().route_service("/mcp", guarded.clone()).route_service("/mcp/{*rest}", guarded)
}

/// A stream that is read to its end.
struct Stream {
    name: &'static str,
    reading: JoinHandle<bool>,
}

impl Stream {
    /// Opens one by a request of this method and path, with a header if it has a value.
    async fn open(app: &Router, name: &'static str, tokens: &Tokens, request: (&str, &str, &str)) -> Self {
        let (method, path, mcp_method) = request;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8080")
            .header(header::AUTHORIZATION, format!("Bearer {}", tokens.access()));
        if !mcp_method.is_empty() {
            request = request.header("mcp-method", mcp_method);
        }
        let answer = app.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
        assert_eq!(answer.status(), 200, "{name}");
        let mut body = answer.into_body();
        let reading = tokio::spawn(async move {
            while let Some(frame) = body.frame().await {
                if frame.is_err() {
                    return false;
                }
            }
            true
        });
        Stream { name, reading }
    }

    /// Each of the ways in which a token opens one.
    async fn of_all_kinds(app: &Router, tokens: &Tokens) -> Vec<Self> {
        vec![
            Stream::open(app, "a GET", tokens, ("GET", "/mcp", "")).await,
            Stream::open(app, "a subscription", tokens, ("POST", "/mcp", "subscriptions/listen")).await,
            Stream::open(app, "a call", tokens, ("POST", "/mcp", "tools/call")).await,
            Stream::open(app, "a session of the oldest transport", tokens, ("GET", "/mcp/sse", "")).await,
        ]
    }
}

const LISTENING: [&str; 2] = ["a GET", "a subscription"];

/// The names of the streams that are over; waits for as long as it takes to notice. All of them end cleanly.
async fn over(streams: &mut Vec<Stream>) -> Vec<&'static str> {
    tokio::time::sleep(Duration::from_millis(1300)).await;
    let (ended, open) = std::mem::take(streams).into_iter().partition(|stream| stream.reading.is_finished());
    *streams = open;
    let mut names = Vec::new();
    for Stream { name, reading } in ended {
        assert!(reading.await.expect("no panic"), "{name} ends without an error");
        names.push(name);
    }
    names
}

/// New tokens of the same family, for this resource.
async fn refreshed(client: &Client, tokens: &Tokens, resource: &str) -> Tokens {
    let next = client.refresh(tokens.refresh(), &[("resource", resource)]).await;
    assert_eq!(next.status, 200, "{}", next.json);
    next
}

#[tokio::test]
async fn a_stream_ends_by_itself_some_time_after_its_token_has_expired_depending_on_its_kind() {
    let world = World::new().await;
    let app = server(&world);
    let (_, tokens) = world.tokens().await;
    assert_eq!(tokens.json["expires_in"], 3600);
    let mut streams = Stream::of_all_kinds(&app, &tokens).await;
    let mut passed = 0;
    for (seconds, ended) in [
        (3600 + 59, &[][..]),
        (3600 + 60, &LISTENING),
        (3600 + 3599, &[]),
        (3600 + 3600, &["a call"]),
        (3600 + 86_399, &[]),
        (3600 + 86_400, &["a session of the oldest transport"]),
    ] {
        world.clock.advance(seconds - passed);
        passed = seconds;
        assert_eq!(over(&mut streams).await, ended, "after {seconds} seconds");
    }
}

/// Many clients never come back from a stream that is cut.
#[tokio::test]
async fn a_client_that_refreshes_and_goes_on_calling_keeps_the_streams_that_listen() {
    let mounts = "[mcp.default]\nscopes = { read = \"Read\" }\n[mcp.notes]\nscopes = { read = \"Read notes\" }\n";
    let world = World::with(mounts).await;
    let app = server(&world);
    let client = world.client().await;
    let notes = format!("{ORIGIN}/notes");
    let family = async || {
        let url = format!("{}&resource={RESOURCE}&resource={notes}", client.authorization_url(&[]));
        let code = code_of(&client.authorize_at(&mut world.browser(), &url).await);
        client.redeem(&code, &[("resource", RESOURCE)]).await
    };
    let (calling, silent, elsewhere) = (family().await, family().await, family().await);
    let mut of_calling = Stream::of_all_kinds(&app, &calling).await;
    let mut of_silent = Stream::of_all_kinds(&app, &silent).await;
    let mut of_elsewhere = Stream::of_all_kinds(&app, &elsewhere).await;

    world.clock.advance(3000);
    let next = refreshed(&client, &calling, RESOURCE).await;
    assert_eq!(client.whoami(next.access()).await.status, 200);
    refreshed(&client, &silent, RESOURCE).await;
    let next = refreshed(&client, &elsewhere, &notes).await;
    assert_eq!(
        client.call("/notes", Some(next.access()), &crate::support::messages::initialize("2025-11-25")).await.status,
        200
    );

    world.clock.advance(660);
    assert_eq!(over(&mut of_calling).await, [""; 0], "a token of it is good for 49 minutes more");
    assert_eq!(over(&mut of_silent).await, LISTENING, "its new token never came");
    assert_eq!(over(&mut of_elsewhere).await, LISTENING, "its new token came to another mount");
    world.clock.advance(2999);
    assert_eq!(over(&mut of_calling).await, [""; 0]);
    world.clock.advance(1);
    assert_eq!(over(&mut of_calling).await, LISTENING, "a minute after the last token");
}

/// The token has expired before that, so that nothing of the family counts any more but its streams.
#[tokio::test]
async fn a_revocation_ends_every_stream_at_once_also_long_after_its_token_has_expired() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let app = server(&world);
        let mut all = Vec::new();
        for _ in 0..2 {
            let (client, tokens) = tokens_of(ORIGIN, &world.router, &[]).await;
            all.push((client, tokens.refresh().to_owned(), Stream::of_all_kinds(&app, &tokens).await));
        }
        let (_, _, mut revoked_elsewhere) = all.pop().expect("a family");
        let (client, refresh, mut revoked_here) = all.pop().expect("a family");
        world.clock.advance(3600 + 3000);
        assert_eq!(over(&mut revoked_here).await, LISTENING, "{db:?}");
        over(&mut revoked_elsewhere).await;
        let rest = ["a call", "a session of the oldest transport"];

        assert_eq!(client.revoke(&refresh).await.status, 200);
        assert_eq!(over(&mut revoked_here).await, rest, "{db:?}");
        assert!(over(&mut revoked_elsewhere).await.is_empty(), "{db:?}: another family");
        let now = 1_800_000_000 + 6600;
        world
            .sql(&format!("UPDATE grants SET revoked_at = {now}, revoked_why = 'operator' WHERE revoked_at = 0"))
            .await;
        let mut ended = Vec::new();
        for _ in 0..3 {
            ended.extend(over(&mut revoked_elsewhere).await);
        }
        assert_eq!(ended, rest, "{db:?}: within five seconds of another process's revocation");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_stream_of_events_is_not_cut() {
    let world = World::new().await;
    for media_type in ["text/event-stream-not", "application/json", ""] {
        let service = tower::service_fn(move |_: Request<Body>| async move {
            let response = Response::builder().header(header::CONTENT_TYPE, media_type);
            Ok::<_, Infallible>(response.body(Body::new(Open(Some("{")))).expect("a response"))
        });
        let (client, tokens) = world.tokens().await;
        let app = Router::new().route_service("/mcp", world.jean.guard(service));
        let mut streams = vec![Stream::open(&app, media_type, &tokens, ("GET", "/mcp", "")).await];
        assert_eq!(client.revoke(tokens.refresh()).await.status, 200);
        assert!(over(&mut streams).await.is_empty(), "{media_type}");
    }
}
