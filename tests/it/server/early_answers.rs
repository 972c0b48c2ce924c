//! Requests that are answered before their body came: the connection lives on, and the answer arrives.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, header};
use http_body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tower::ServiceExt as _;

use crate::support::World;

/// A connection to a server of this router.
async fn connect(router: Router) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    TcpStream::connect(address).await.expect("a connection")
}

/// What arrives until it ends with this.
async fn read_to(connection: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.ends_with(end) {
        let wait = timeout(Duration::from_secs(5), connection.read(&mut buffer)).await;
        let length = wait.unwrap_or_else(|_| panic!("no {end:?} in {text}")).expect("the connection is there");
        assert_ne!(length, 0, "the connection was closed after {text}");
        text += &String::from_utf8_lossy(&buffer[..length]);
    }
    text
}

/// The Python SDK sends head and body apart, and finds its way to a token by the 401.
#[tokio::test]
async fn a_refusal_waits_for_the_body_so_that_the_client_can_go_on_with_the_connection() {
    let world = World::new().await;
    let service = tower::service_fn(|_: Request<Body>| async { Ok::<_, Infallible>("the tool's answer") });
    let embedded = Router::new()
        .route_service("/mcp", world.jean.guard(service))
        .route("/healthz", axum::routing::get(async || "ok\n"));
    for (router, path, status) in [
        (&world.router, "/mcp", 401),
        (&world.router, "/nowhere", 404),
        (&world.router, "/healthz", 405),
        (&world.router, "/oauth/token", 415),
        (&world.router, "/oauth/consent", 415),
        (&embedded, "/mcp", 401),
    ] {
        let mut connection = connect(router.clone()).await;
        for (length, body) in
            [("content-length: 9", "{\"a\":1}\r\n"), ("transfer-encoding: chunked", "3\r\n{ }\r\n0\r\n\r\n")]
        {
            let head = format!("POST {path} HTTP/1.1\r\nhost: localhost:8080\r\n{length}\r\n\r\n");
            connection.write_all(head.as_bytes()).await.expect("sent");
            let early = timeout(Duration::from_millis(50), connection.readable()).await;
            assert!(early.is_err(), "{path}: an answer before the body would close the connection");
            connection.write_all(body.as_bytes()).await.expect("sent");
            let next = "GET /healthz HTTP/1.1\r\nhost: localhost:8080\r\n\r\n";
            connection.write_all(next.as_bytes()).await.expect("sent");
            let answers = read_to(&mut connection, "ok\n").await;
            assert!(answers.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answers}");
            assert!(!answers.contains("connection: close"), "{path}: {answers}");
        }
    }
}

/// A body of which nothing comes.
struct Silent;

impl HttpBody for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_refusal_waits_two_seconds_for_a_body_and_then_closes_the_connection() {
    let world = World::new().await;
    let refused = async |path: &str| {
        let request = Request::post(path).header(header::HOST, "localhost:8080").body(Body::new(Silent));
        let began = Instant::now();
        let response = world.router.clone().oneshot(request.expect("a request")).await.expect("an answer");
        assert!((2..5).contains(&began.elapsed().as_secs()), "{path}: {:?}", began.elapsed());
        assert_eq!(response.headers()[header::CONNECTION], "close", "{path}");
    };
    tokio::join!(refused("/mcp"), refused("/nowhere"));
}

/// Nobody makes jean read gigabytes.
#[tokio::test]
async fn a_body_that_is_much_too_long_is_not_waited_for() {
    let world = World::new().await;
    let mut connection = connect(world.router.clone()).await;
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost:8080\r\ncontent-length: 1048577\r\n\r\n";
    connection.write_all(head.as_bytes()).await.expect("sent");
    let answer = read_to(&mut connection, "}").await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("connection: close"), "{answer}");
}
