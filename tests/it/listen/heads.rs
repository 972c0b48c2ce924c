//! Heads of requests: how long they may take, and how long they may be.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Server;

/// How long a head may take in these tests.
const HEAD: Duration = Duration::from_millis(400);

async fn server() -> Server {
    Server::with(|options| options.head = HEAD).await
}

/// Whether a duration is that of a head. A busy machine may notice late, and never early.
fn is_head(took: Duration) -> bool {
    took >= HEAD - Duration::from_millis(20) && took < HEAD + Duration::from_secs(5)
}

#[tokio::test]
async fn a_silent_connection_is_closed_when_the_time_for_its_first_head_is_up() {
    let server = server().await;
    let began = Instant::now();
    server.connect().await.closed().await;
    assert!(is_head(began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn half_a_head_is_closed_in_time_the_first_one_and_a_later_one() {
    let server = server().await;
    let began = Instant::now();
    let mut first = server.connect().await;
    first.send("GET / HTTP/1.1\r\nHost: loc").await;
    first.closed().await;
    assert!(is_head(began.elapsed()), "{:?}", began.elapsed());

    for pause in [0, 700, 1500] {
        let mut later = server.connect().await;
        later.get("/").await;
        sleep(Duration::from_millis(pause)).await;
        let began = Instant::now();
        later.send("GET / HTTP/1.1\r\nHost: loc").await;
        later.closed().await;
        assert!(is_head(began.elapsed()), "{:?} after a pause of {pause} ms", began.elapsed());
    }
}

#[tokio::test]
async fn a_dripped_head_gets_no_more_time_than_any_other() {
    let server = server().await;
    for answered in [false, true] {
        let mut began = Instant::now();
        let mut client = server.connect().await;
        if answered {
            client.get("/").await;
            began = Instant::now();
        }
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ".iter().chain([b'x'; 10_000].iter()) {
            if tokio::io::AsyncWriteExt::write_all(&mut client.stream, &[*byte]).await.is_err() {
                break;
            }
            if client.is_closed_by_now().await {
                break;
            }
        }
        assert!(is_head(began.elapsed()), "{:?}, after an answer: {answered}", began.elapsed());
    }
}

/// A part of the next head that comes together with a request is a head that has begun.
#[tokio::test]
async fn half_a_head_behind_a_whole_request_is_closed_in_time() {
    let server = server().await;
    let mut client = server.connect().await;
    let began = Instant::now();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT").await;
    assert_eq!(client.answer().await.status(), 200);
    client.closed().await;
    assert!(is_head(began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_head_in_pieces_is_served_wherever_it_is_cut() {
    let server = Server::with(|_| {}).await;
    let mut client = server.connect().await;
    let request = "GET /peer HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let address = client.stream.local_addr().expect("an address").to_string();
    for cut in 0..request.len() {
        client.send(&request[..cut]).await;
        tokio::task::yield_now().await;
        client.send(&request[cut..]).await;
        assert_eq!(client.answer().await.text(), address);
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431_and_the_client_learns_so() {
    let server = Server::with(|_| {}).await;
    let header = |length: usize| format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(length));
    let headers = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(count - 1));
    for (request, status) in [
        (header(32_000), 200),
        (header(32 * 1024), 431),
        (header(300_000), 431),
        (headers(100), 200),
        (headers(101), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(40_000)), 431),
    ] {
        for answered in [false, true] {
            let mut client = server.connect().await;
            if answered {
                client.get("/").await;
            }
            client.send(&request).await;
            let answer = client.answer().await;
            assert_eq!(answer.status(), status, "{} bytes", request.len());
            if status == 431 {
                client.closed().await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_http_is_400_and_closed() {
    let server = Server::with(|_| {}).await;
    let mut client = server.connect().await;
    client.send("\u{16}\u{3}\u{1}hello, this is TLS\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 400);
    client.closed().await;
}
