//! How many connections there may be, and which of them give way.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Server;

#[tokio::test]
async fn the_longest_idle_connections_give_way_when_all_places_are_taken() {
    let server = Server::with(|options| options.connections = 16).await;
    let mut all = Vec::new();
    for _ in 0..16 {
        let mut client = server.connect().await;
        client.get("/").await;
        sleep(Duration::from_millis(2)).await;
        all.push(client);
    }
    // The first two have just asked once more.
    all[0].get("/").await;
    all[1].get("/").await;
    let mut new = Vec::new();
    for _ in 0..5 {
        let mut client = server.connect().await;
        client.get("/").await;
        new.push(client);
    }
    for client in &mut all[2..7] {
        client.closed().await;
    }
    for client in all[7..].iter_mut().chain(&mut new) {
        client.get("/").await;
    }
    all[0].get("/").await;
    all[1].get("/").await;
}

#[tokio::test]
async fn a_connection_too_many_is_closed_when_requests_are_under_way_on_all_others() {
    let server = Server::with(|options| options.connections = 16).await;
    let mut busy = Vec::new();
    for _ in 0..16 {
        let mut client = server.connect().await;
        client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").await;
        busy.push(client);
    }
    server.holds(16).await;
    for _ in 0..20 {
        server.connect().await.closed().await;
    }
    server.release();
    for client in &mut busy {
        assert_eq!(client.answer().await.text(), "held");
    }
    server.connect().await.get("/").await;
}

/// Half heads are cheap to make, and would else keep everybody out until their time is up.
#[tokio::test]
async fn connections_without_a_whole_head_give_way_too() {
    let server = Server::with(|options| options.connections = 16).await;
    let mut busy = server.connect().await;
    busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.holds(1).await;
    let mut attackers = Vec::new();
    for i in 0..60 {
        let mut client = server.connect().await;
        if i % 2 == 0 {
            client.send("GET / HTTP/1.1\r\nHost: ").await;
        }
        attackers.push(client);
    }
    for _ in 0..3 {
        server.connect().await.get("/").await;
    }
    server.release();
    assert_eq!(busy.answer().await.text(), "held");
}

/// Their clients may take a second to read that the head was refused, and need not go.
#[tokio::test]
async fn connections_whose_head_was_refused_give_way_too() {
    let server = Server::with(|options| options.connections = 16).await;
    for request in [&["\0\r\n\r\n"][..], &["G", "\0\r\n\r\n"]] {
        let mut refused = Vec::new();
        for _ in 0..16 {
            let mut client = server.connect().await;
            for part in request {
                client.send(part).await;
                sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(client.answer().await.status(), 400);
            refused.push(client);
        }
        for _ in 0..16 {
            server.connect().await.get("/").await;
        }
    }
}

/// One that gives way in the middle of a call would be a call lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_under_way_is_lost_to_a_flood_of_connections() {
    let server = Server::with(|options| options.connections = 64).await;
    let mut callers = Vec::new();
    for _ in 0..32 {
        let mut caller = server.connect().await;
        caller.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n").await;
        assert!(caller.take_head().await.starts_with("HTTP/1.1 100 "), "the request is under way");
        callers.push(caller);
    }
    let mut flood = std::collections::VecDeque::new();
    for _ in 0..1000 {
        flood.push_back(server.connect().await);
        if flood.len() > 200 {
            flood.pop_front();
        }
    }
    for caller in &mut callers {
        caller.send("a call").await;
        assert_eq!(caller.answer().await.text(), "6 bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_that_connect_at_once_are_served() {
    /// Whether a GET is answered. It may have been the one that had waited longest.
    async fn is_answered(address: SocketAddr) -> bool {
        let Ok(mut stream) = TcpStream::connect(address).await else { return false };
        let mut answer = String::new();
        let asked = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        asked.is_ok() && stream.read_to_string(&mut answer).await.is_ok() && answer.starts_with("HTTP/1.1 200 ")
    }
    let server = Server::with(|options| options.connections = 300).await;
    let address = server.address;
    let mut clients = JoinSet::new();
    for _ in 0..2000 {
        clients.spawn(async move {
            for _ in 0..100 {
                if is_answered(address).await {
                    return;
                }
            }
            panic!("never answered");
        });
    }
    while let Some(client) = clients.join_next().await {
        client.expect("each is answered");
    }
    server.connect().await.get("/").await;
}
