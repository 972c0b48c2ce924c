//! How the server stops.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Response, header};
use axum::routing::{any, get};
use http_body::Frame;
use jean::listen::Options;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::{Client, Server, Shared, until};

/// A body that says what the test tells it to.
struct Told(mpsc::UnboundedReceiver<&'static str>);

impl HttpBody for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|said| said.map(|said| Ok(Frame::data(said.into()))))
    }
}

/// A server of streams: of events at `/events`, of something else at `/bytes`. What the test says goes to the last one.
async fn streams(
    options: impl FnOnce(&mut Options),
) -> (Server, mpsc::UnboundedReceiver<mpsc::UnboundedSender<&'static str>>) {
    let (begun, begins) = mpsc::unbounded_channel();
    let stream = move |media_type: &'static str| {
        let begun = begun.clone();
        async move || {
            let (say, said) = mpsc::unbounded_channel();
            begun.send(say).expect("the test listens");
            let response = Response::builder().header(header::CONTENT_TYPE, media_type);
            response.body(Body::new(Told(said))).expect("a response")
        }
    };
    let router = Router::new()
        .route("/events", any(stream("Text/Event-Stream; charset=utf-8")))
        .route("/bytes", get(stream("application/octet-stream")));
    (Server::of(router, Arc::new(Shared::default()), options).await, begins)
}

#[tokio::test]
async fn requests_under_way_end_and_idle_connections_close_at_once_and_nobody_is_accepted() {
    let mut server = Server::with(|_| {}).await;
    let mut silent = server.connect().await;
    let mut idle = server.connect().await;
    idle.get("/").await;
    let mut long_idle = server.connect().await;
    long_idle.get("/").await;
    let mut busy = server.connect().await;
    busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut half = server.connect().await;
    half.send("GET / HTTP/1.1\r\nHos").await;
    let mut half_later = server.connect().await;
    half_later.get("/").await;
    half_later.send("GET / HTTP/1.1\r\nHos").await;
    server.holds(1).await;
    sleep(Duration::from_millis(1200)).await;
    idle.get("/").await;

    let began = Instant::now();
    server.stop();
    for client in [&mut silent, &mut idle, &mut long_idle] {
        client.closed().await;
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens");
    for half in [&mut half, &mut half_later] {
        half.send("t: a\r\n\r\n").await;
        let answer = half.answer().await;
        assert_eq!(answer.text(), "ok");
        half.closed().await;
    }
    server.release();
    let answer = busy.answer().await;
    assert!(answer.text() == "held" && answer.head.contains("connection: close"), "{answer:?}");
    busy.closed().await;
    server.ended().await;
}

#[tokio::test]
async fn a_stream_of_events_that_listens_ends_between_two_events() {
    for (said, last) in
        [(None, ""), (Some("data: 1\n\n"), ""), (Some("data: 2\r\n"), "\r\n"), (Some("data: 3"), "\n\n")]
    {
        let (mut server, mut begins) = streams(|_| {}).await;
        let mut client = server.connect().await;
        client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let say = begins.recv().await.expect("it begins");
        if let Some(said) = said {
            say.send(said).expect("it is open");
        }
        sleep(Duration::from_millis(100)).await;
        server.stop();
        if !last.is_empty() {
            sleep(Duration::from_millis(200)).await;
            assert!(!say.is_closed(), "{said:?} is no whole event");
            say.send(last).expect("it is open");
        }
        let answer = client.answer().await;
        assert_eq!(answer.text(), format!("{}{last}", said.unwrap_or_default()), "whole, with the last chunk");
        client.closed().await;
        until(|| say.is_closed()).await;
        server.ended().await;
    }
}

#[tokio::test]
async fn the_events_of_a_call_go_on_for_the_grace_time_and_end_between_two_events() {
    let (mut server, mut begins) = streams(|options| options.grace = Duration::from_millis(2000)).await;
    let mut client = server.connect().await;
    client.send("POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
    let say = begins.recv().await.expect("it begins");
    say.send("data: 1\n\n").expect("it is open");
    server.stop();
    sleep(Duration::from_millis(300)).await;
    say.send("data: 2\n\n").expect("a call may go on");
    let began = Instant::now();
    let answer = client.answer().await;
    assert_eq!(answer.text(), "data: 1\n\ndata: 2\n\n");
    assert!(began.elapsed() < Duration::from_secs(5));
    server.ended().await;

    let (mut server, mut begins) = streams(|_| {}).await;
    let mut client = server.connect().await;
    client.send("POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
    let say = begins.recv().await.expect("it begins");
    server.stop();
    sleep(Duration::from_millis(100)).await;
    say.send("data: the result\n\n").expect("a call may go on");
    drop(say);
    assert_eq!(client.answer().await.text(), "data: the result\n\n");
    server.ended().await;
}

#[tokio::test]
async fn what_does_not_end_is_cut_off() {
    let (mut server, mut begins) = streams(|options| {
        options.grace = Duration::from_millis(300);
        options.cut = Duration::from_millis(300);
    })
    .await;
    let mut bytes = server.connect().await;
    bytes.send("GET /bytes HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let say = begins.recv().await.expect("it begins");
    say.send("never whole").expect("it is open");
    let mut events = server.connect().await;
    events.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let tell = begins.recv().await.expect("it begins");
    tell.send("data: half an ev").expect("it is open");
    let mut post = server.connect().await;
    post.send("POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n").await;
    begins.recv().await.expect("it begins");
    sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    server.stop();
    for client in [&mut bytes, &mut events] {
        assert!(client.try_answer().await.is_none(), "no last chunk: the answer is not whole");
    }
    server.ended().await;
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(580) && took < Duration::from_secs(6), "{took:?}");
}

/// A client that never reads must not keep a server from ending.
#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let mut server = Server::with(|options| {
        options.grace = Duration::from_millis(200);
        options.cut = Duration::from_millis(200);
    })
    .await;
    let mut client: Client = server.connect().await;
    client.send("GET /large?50000000 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    sleep(Duration::from_millis(300)).await;
    server.stop();
    server.ended().await;
}
