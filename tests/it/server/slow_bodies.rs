//! A client that sends its body drop by drop, or not at all: 408, and no failure of this server.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::World;
use crate::support::log::Log;

const FORM: &str = "application/x-www-form-urlencoded";

/// jean at an address, with two seconds for a request: a body has one of them.
async fn listening() -> (World, SocketAddr) {
    listening_with("").await
}

async fn listening_with(more: &str) -> (World, SocketAddr) {
    let world = World::with(&format!("[limits]\ntimeout = \"2s\"\n{more}")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(axum::serve(listener, world.router.clone()).into_future());
    (world, address)
}

/// Sends a head that promises a body, then the body one byte at a time, and reads until the connection is closed.
async fn drip(address: SocketAddr, head: String, body: &'static str, pause: Duration) -> (String, Duration) {
    let mut stream = TcpStream::connect(address).await.expect("jean listens");
    let length = 1000;
    let head = format!("{head}Host: localhost:8080\r\nContent-Length: {length}\r\n\r\n");
    let began = Instant::now();
    stream.write_all(head.as_bytes()).await.expect("a head");
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    let send = async {
        for byte in body.bytes().cycle() {
            sleep(pause).await;
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let read = timeout(Duration::from_secs(20), reading.read_to_end(&mut answer));
    tokio::select! {
        // A connection that was reset has been read before.
        ended = read => drop(ended.expect("the connection is closed")),
        () = send => {}
    }
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_408_and_the_client_s_fault() {
    let log = Log::new();
    let (world, address) = listening().await;
    let client = world.client().await;
    let registration = client.post_json("/oauth/register", &client.metadata()).await;
    let registration: Value = serde_json::from_str(&registration.body).expect("JSON");
    let (id, token) = (&registration["client_id"], &registration["registration_access_token"]);
    let manage = format!(
        "PUT /oauth/register/{} HTTP/1.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
        id.as_str().expect("an id"),
        token.as_str().expect("a token")
    );
    let post = |path: &str, media_type: &str| format!("POST {path} HTTP/1.1\r\nContent-Type: {media_type}\r\n");
    let mut drips = JoinSet::new();
    for pause in [Duration::from_millis(100), Duration::from_secs(60)] {
        for (head, body) in [
            (post("/oauth/token", FORM), "grant_type=authorization_code"),
            (post("/oauth/revoke", FORM), "token=x"),
            (post("/oauth/introspect", FORM), "token=x"),
            (post("/oauth/register", "application/json"), "{\"client_name\":"),
            (post("/oauth/consent", FORM), "request=x"),
            (post("/oauth/authorize", FORM), "client_id=x"),
            (manage.clone(), "{\"client_name\":"),
        ] {
            drips.spawn(async move { (head.clone(), drip(address, head, body, pause).await) });
        }
    }
    let mut answered = 0;
    while let Some(dripped) = drips.join_next().await {
        let (head, (answer, after)) = dripped.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 408 "), "{head}: {answer}");
        assert!(answer.contains("connection: close"), "{head}: {answer}");
        assert!((0.9..8.0).contains(&after.as_secs_f64()), "{head}: {after:?}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        if head.contains("/oauth/consent") || head.starts_with("POST /oauth/authorize") {
            assert!(body.contains("Your answer did not arrive"), "{head}: {body}");
        } else {
            let json: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
            assert_eq!(json["error"], "invalid_request", "{head}");
            assert!(json["error_description"].as_str().is_some_and(|said| said.contains("within 1s")), "{json}");
        }
        answered += 1;
    }
    assert_eq!(answered, 14);
    let told = log.lines_with("status=408");
    assert_eq!(told.len(), answered, "{}", log.text());
    assert!(told.iter().all(|line| line.contains(" INFO ") && line.contains("did not arrive within")), "{told:#?}");
    assert_eq!(log.lines_with("ERROR"), [""; 0]);
}

/// The time of the authorization server's own paths is not that of a mount: what stands behind it may take longer. So the
/// guard and the built-in server limit the message themselves.
#[tokio::test]
async fn a_message_that_does_not_arrive_is_408_at_a_mount() {
    for tools in ["", "[mcp.default.tools]\nwhoami = [\"mcp\"]\n"] {
        let log = Log::new();
        let (world, address) = listening_with(tools).await;
        let (_, tokens) = world.tokens().await;
        let head = format!(
            "POST /mcp HTTP/1.1\r\nAuthorization: Bearer {}\r\nAccept: application/json, text/event-stream\r\n\
             Content-Type: application/json\r\n",
            tokens.access()
        );
        let (answer, after) = drip(address, head, "{\"jsonrpc\":", Duration::from_millis(100)).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{tools}: {answer}");
        assert!(answer.contains("connection: close"), "{tools}: {answer}");
        assert!((0.9..8.0).contains(&after.as_secs_f64()), "{tools}: {after:?}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let json: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        assert_eq!(json["error"]["message"], "The message did not arrive in time", "{tools}");
        assert_eq!(log.lines_with("ERROR"), [""; 0]);
    }
}

#[tokio::test]
async fn a_body_that_is_slow_and_arrives_in_time_is_read() {
    let (_world, address) = listening().await;
    let mut stream = TcpStream::connect(address).await.expect("jean listens");
    let body = "grant_type=refresh_token&client_id=x&refresh_token=x";
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("a head");
    for part in [&body[..20], &body[20..]] {
        sleep(Duration::from_millis(200)).await;
        stream.write_all(part.as_bytes()).await.expect("a part");
    }
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).await.expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("invalid_client"), "{answer}");
}
