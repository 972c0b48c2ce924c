//! Connections between two requests.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{Server, pattern};

#[tokio::test]
async fn a_connection_that_idles_is_closed_after_the_keep_alive_time() {
    // Before and after the time at which hyper's buffers are given back.
    for (keep_alive, pause) in
        [(800, 200), (2500, 1200)].map(|(all, part)| (Duration::from_millis(all), Duration::from_millis(part)))
    {
        let server = Server::with(|options| options.keep_alive = keep_alive).await;
        let mut client = server.connect().await;
        client.get("/").await;
        sleep(pause).await;
        let began = Instant::now();
        client.get("/").await;
        client.closed().await;
        let took = began.elapsed();
        assert!(took >= keep_alive && took < keep_alive + Duration::from_secs(5), "{took:?}");
    }
}

/// Proxies keep connections for later, and do not send a POST a second time.
#[tokio::test]
async fn a_proxy_that_reuses_connections_well_within_the_keep_alive_time_loses_no_post() {
    let server = Server::with(|options| options.keep_alive = Duration::from_millis(4000)).await;
    let mut proxies = JoinSet::new();
    // More than may keep hyper's buffers.
    for i in 0..100_u64 {
        let mut connection = server.connect().await;
        proxies.spawn(async move {
            for pause in [0, 3, 1500 + i, 0, 1300 - i] {
                sleep(Duration::from_millis(pause)).await;
                let answer = connection.post("/length", b"a call").await;
                assert_eq!((answer.status(), answer.text()), (200, "6 bytes"), "after {pause} ms");
            }
        });
    }
    while let Some(proxy) = proxies.join_next().await {
        proxy.expect("no POST is lost");
    }
}

#[tokio::test]
async fn a_head_that_begins_just_before_the_keep_alive_limit_has_its_own_time() {
    let server = Server::with(|options| options.keep_alive = Duration::from_millis(3000)).await;
    let mut client = server.connect().await;
    client.get("/").await;
    let answered = Instant::now();
    sleep(Duration::from_millis(1800)).await;
    client.send("G").await;
    sleep(Duration::from_millis(1500)).await;
    assert!(answered.elapsed() > Duration::from_millis(3000));
    client.send("ET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test]
async fn a_long_request_is_not_an_idle_connection() {
    let server = Server::with(|options| options.keep_alive = Duration::from_millis(200)).await;
    let mut client = server.connect().await;
    client.send("GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    server.holds(1).await;
    sleep(Duration::from_millis(1500)).await;
    server.release();
    assert_eq!(client.answer().await.text(), "held");
    client.closed().await;
}

#[tokio::test]
async fn requests_in_a_pipeline_are_answered_in_their_order() {
    let server = Server::with(|_| {}).await;
    let client = server.connect().await;
    let mut pipeline = Vec::new();
    for i in 0..200 {
        pipeline.extend(format!("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: {i}\r\n\r\n").as_bytes());
        pipeline.extend(std::iter::repeat_n(b'x', i));
        pipeline.extend(format!("GET /large?{} HTTP/1.1\r\nHost: a\r\n\r\n", i * 100).as_bytes());
    }
    let (mut reading, mut writing) = client.stream.into_split();
    let send = async {
        // In pieces that have nothing to do with the requests.
        for piece in pipeline.chunks(97) {
            tokio::io::AsyncWriteExt::write_all(&mut writing, piece).await.expect("sent");
            tokio::task::yield_now().await;
        }
    };
    let read = async {
        let mut all = Vec::new();
        let end = pattern(199 * 100);
        while !all.ends_with(&end) {
            let length = tokio::io::AsyncReadExt::read_buf(&mut reading, &mut all).await.expect("read");
            assert_ne!(length, 0);
        }
        all
    };
    let ((), all) = tokio::join!(send, read);
    let mut at = 0;
    for i in 0..200 {
        for body in [format!("{i} bytes").into_bytes(), pattern(i * 100)] {
            let end = at + all[at..].windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
            assert!(all[at..end].starts_with(b"HTTP/1.1 200 "));
            at = end + body.len();
            assert!(all[end..at] == body, "answer {i}");
        }
    }
    assert_eq!(at, all.len());
}

#[tokio::test]
async fn http_1_0_and_head_and_close_and_continue_are_as_ever() {
    let server = Server::with(|_| {}).await;
    let mut old = server.connect().await;
    old.send("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(old.answer().await.text(), "ok");
    old.closed().await;

    let mut kept = server.connect().await;
    for _ in 0..3 {
        kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
        let answer = kept.answer().await;
        assert!(answer.head.to_ascii_lowercase().contains("connection: keep-alive"), "{}", answer.head);
    }

    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send("HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
        sleep(Duration::from_millis(20)).await;
        // Its length is that of a body that does not come.
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let head = client.take_head().await;
        assert!(head.contains("content-length: 1000000"), "{head}");
        assert_eq!(client.answer().await.text(), "ok");
    }
    client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").await;
    assert!(client.take_head().await.starts_with("HTTP/1.1 100 "));
    client.send("12345").await;
    assert_eq!(client.answer().await.text(), "5 bytes");
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(client.answer().await.head.contains("connection: close"));
    client.closed().await;
}

#[tokio::test]
async fn a_client_that_closes_its_half_is_done() {
    let server = Server::with(|_| {}).await;
    for path in ["/", "/hold"] {
        let mut client = server.connect().await;
        client.get("/").await;
        if path == "/hold" {
            client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").await;
            server.holds(1).await;
        }
        tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.expect("shut down");
        client.closed().await;
    }
}

#[tokio::test]
async fn small_answers_are_not_delayed() {
    let server = Server::with(|_| {}).await;
    let mut client = server.connect().await;
    let mut fastest = Duration::MAX;
    for _ in 0..50 {
        let began = Instant::now();
        // Head and body apart, as many clients send them: with Nagle's algorithm, each would wait for 40 ms.
        for _ in 0..2 {
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n").await;
            client.send("hi").await;
            assert_eq!(client.answer().await.text(), "hi");
        }
        fastest = fastest.min(began.elapsed());
    }
    assert!(fastest < Duration::from_millis(70), "{fastest:?}");
}
