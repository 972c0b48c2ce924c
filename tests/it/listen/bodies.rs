//! Bodies of all kinds, after which the connection goes on where the next request begins, or not at all.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Client, Server, pattern};
use std::sync::atomic::Ordering;

/// A request within a body.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// How a body is sent.
#[derive(Clone, Copy)]
struct Framing {
    /// The length of its pieces.
    piece: usize,
    is_chunked: bool,
}

/// Sends a POST with this body, whatever the server does.
async fn send(client: &mut Client, path: &str, body: &str, framing: Framing) {
    let Framing { piece, is_chunked } = framing;
    let framing =
        if is_chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {}", body.len()) };
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
    let mut pieces = vec![head];
    for part in body.as_bytes().chunks(piece) {
        let part = String::from_utf8_lossy(part);
        pieces.push(if is_chunked { format!("{:x}\r\n{part}\r\n", part.len()) } else { part.into_owned() });
    }
    if is_chunked {
        pieces.push("0\r\n\r\n".into());
    }
    for piece in pieces {
        if tokio::io::AsyncWriteExt::write_all(&mut client.stream, piece.as_bytes()).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// The server reads the rest of a body, or closes the connection; no part of a body is ever a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_part_of_a_body_is_taken_for_a_request_whatever_the_handler_reads_of_it() {
    let server = Server::with(|_| {}).await;
    for path in ["/ignore", "/first-frame", "/length", "/echo", "/nowhere"] {
        for (repeated, piece) in [(1, 1), (1, 1000), (3, 37), (50, 500), (3000, 10_000)] {
            for is_chunked in [false, true] {
                let mut client = server.connect().await;
                for _ in 0..3 {
                    send(&mut client, path, &SMUGGLED.repeat(repeated), Framing { piece, is_chunked }).await;
                    // The connection may be closed before or after the answer.
                    let Some(answer) = client.try_answer().await else { break };
                    match path {
                        "/length" => assert_eq!(answer.text(), format!("{} bytes", SMUGGLED.len() * repeated)),
                        "/echo" => assert_eq!(answer.text(), SMUGGLED.repeat(repeated)),
                        "/nowhere" => assert_eq!(answer.status(), 404),
                        _ => assert_eq!(answer.status(), 200),
                    }
                }
            }
        }
    }
    assert_eq!(server.shared.smuggled.load(Ordering::SeqCst), 0);
}

/// hyper keeps the end of an answer until the client takes it; the connection must not be taken for an idle one before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_gets_the_whole_answer_and_the_next_one() {
    let server = Server::with(|options| options.keep_alive = Duration::from_millis(3000)).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = server.connect().await;
        client
            .send("GET /large?300000 HTTP/1.1\r\nHost: a\r\n\r\nGET /large?7000000 HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        clients.push(client);
    }
    // Longer than an idle connection has.
    sleep(Duration::from_millis(3500)).await;
    for client in &mut clients {
        let bodies = [client.answer().await.body, client.answer().await.body];
        assert_eq!(client.get("/").await.text(), "ok");
        assert!(bodies[0] == pattern(300_000) && bodies[1] == pattern(7_000_000));
    }
}

/// Such clients could hold all connections else, as none of them is idle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_is_cut_off_and_one_that_reads_slowly_is_not() {
    let stall = Duration::from_millis(1500);
    let server = Server::with(|options| options.stall = stall).await;
    for pipeline in [
        "GET /large?50000000 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /large?50000 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000),
    ] {
        let mut never = server.connect().await;
        never.send(&pipeline).await;
        let mut slow = server.connect().await;
        slow.send("GET /large?50000000 HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let began = Instant::now();
        while began.elapsed() < stall * 2 {
            slow.read_some(800_000).await;
            sleep(Duration::from_millis(100)).await;
        }
        assert!(slow.answer().await.body == pattern(50_000_000));
        while never.read_some(1_000_000).await > 0 {}
        assert!(never.received() < 50_000_000, "{} bytes", never.received());
    }
}

#[tokio::test]
async fn an_answer_that_begins_before_the_body_has_ended_goes_on_with_it() {
    let server = Server::with(|options| options.keep_alive = Duration::from_millis(200)).await;
    let mut client = server.connect().await;
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345").await;
    sleep(Duration::from_millis(600)).await;
    client.send("67890GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.answer().await.text(), "1234567890");
    assert_eq!(client.answer().await.text(), "ok");
}
