//! The accept loop, with real sockets. Times are short here; that the defaults are what they should be is a test of its own.

mod bodies;
mod heads;
mod idle;
mod places;
mod program;
mod stopping;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, Uri};
use axum::routing::{any, get, post};
use jean::listen::{self, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// More than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the handlers of a server and its test share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// How many requests came that no test sends.
    smuggled: AtomicUsize,
    /// How many wait for `go`.
    held: AtomicUsize,
    go: Notify,
}

/// A server of a small application.
pub(crate) struct Server {
    pub address: SocketAddr,
    pub shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// A server with these options.
    pub(crate) async fn with(options: impl FnOnce(&mut Options)) -> Self {
        let shared = Arc::new(Shared::default());
        Server::of(application(&shared), shared.clone(), options).await
    }

    pub(crate) async fn of(router: Router, shared: Arc<Shared>, options: impl FnOnce(&mut Options)) -> Self {
        let mut chosen = Options::default();
        options(&mut chosen);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (stop, stopped) = oneshot::channel();
        let signal = async move { drop(stopped.await) };
        let task = tokio::spawn(listen::serve(listener, router, chosen).with_graceful_shutdown(signal).into_future());
        Server { address, shared, stop: Some(stop), task }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.expect("it listens"), unread: Vec::new() }
    }

    /// Tells it to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(self) {
        timeout(PATIENCE, self.task).await.expect("it ends").expect("no panic");
    }

    /// Waits until so many requests are held.
    pub(crate) async fn holds(&self, count: usize) {
        until(|| self.shared.held.load(Ordering::SeqCst) == count).await;
    }

    pub(crate) fn release(&self) {
        self.shared.go.notify_waiters();
    }
}

/// Waits until something is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "it never is");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Answers in many ways.
fn application(shared: &Arc<Shared>) -> Router {
    async fn length(body: Bytes) -> String {
        format!("{} bytes", body.len())
    }
    async fn hold(State(shared): State<Arc<Shared>>) -> &'static str {
        let go = shared.go.notified();
        shared.held.fetch_add(1, Ordering::SeqCst);
        go.await;
        shared.held.fetch_sub(1, Ordering::SeqCst);
        "held"
    }
    async fn large(uri: Uri) -> Vec<u8> {
        pattern(uri.query().and_then(|length| length.parse().ok()).unwrap_or(1_000_000))
    }
    async fn first_frame(request: Request) -> &'static str {
        let mut body = request.into_body();
        let _ = http_body_util::BodyExt::frame(&mut body).await;
        "the rest is not of interest"
    }
    async fn smuggled(State(shared): State<Arc<Shared>>) {
        shared.smuggled.fetch_add(1, Ordering::SeqCst);
    }
    Router::new()
        .route("/", get(async || "ok"))
        .route("/length", post(length))
        .route("/hold", any(hold))
        .route("/large", get(large))
        .route("/ignore", post(async |_: Method| "ignored"))
        .route("/first-frame", post(first_frame))
        .route("/echo", post(async |request: Request| Body::new(request.into_body())))
        .route("/smuggled", any(smuggled))
        .route("/peer", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
        .with_state(shared.clone())
}

/// Bytes of which a missing or repeated part is noticed.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    let piece: Vec<u8> = (0..=250).collect();
    let mut bytes = piece.repeat(length / piece.len() + 1);
    bytes.truncate(length);
    bytes
}

/// A client that sends what it likes.
pub(crate) struct Client {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

/// An answer with a length.
#[derive(Debug)]
pub(crate) struct Answer {
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text")
    }
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the connection is open");
    }

    /// Sends a GET, which is answered by 200.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        let answer = self.answer().await;
        assert_eq!(answer.status(), 200, "{}", answer.head);
        answer
    }

    /// Sends a POST in one piece.
    pub(crate) async fn post(&mut self, path: &str, body: &[u8]) -> Answer {
        let mut request = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
        request.push_str(std::str::from_utf8(body).expect("a text"));
        self.send(request).await;
        self.answer().await
    }

    /// Reads the next answer, which has a length or comes in chunks.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer().await.expect("an answer before the connection is closed")
    }

    /// The same; `None` if the connection is closed first.
    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        let end = loop {
            match self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.more().await?,
            }
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).expect("a head");
        let header = |name: &str| {
            head.lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix(name).map(|value| value.trim().to_owned()))
        };
        let mut body = Vec::new();
        if header("transfer-encoding:").is_some() {
            loop {
                let line = self.line().await?;
                let length = usize::from_str_radix(&line, 16).expect("a length");
                body.extend(self.take(length).await?);
                assert_eq!(self.take(2).await?, b"\r\n");
                if length == 0 {
                    break;
                }
            }
        } else if let Some(length) = header("content-length:") {
            body = self.take(length.parse().expect("a length")).await?;
        }
        Some(Answer { head, body })
    }

    /// Reads a head alone: of an answer to HEAD, or of one that goes before another.
    pub(crate) async fn take_head(&mut self) -> String {
        loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                return String::from_utf8(self.unread.drain(..at + 4).collect()).expect("a head");
            }
            self.more().await.expect("a head before the connection is closed");
        }
    }

    async fn line(&mut self) -> Option<String> {
        let end = loop {
            match self.unread.windows(2).position(|two| two == b"\r\n") {
                Some(at) => break at + 2,
                None => self.more().await?,
            }
        };
        let line: Vec<u8> = self.unread.drain(..end).collect();
        Some(String::from_utf8(line).expect("a line").trim().to_owned())
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.unread.len() < length {
            self.more().await?;
        }
        Some(self.unread.drain(..length).collect())
    }

    /// Reads on; `None` at the end.
    async fn more(&mut self) -> Option<()> {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await.expect("something in time");
        (read.unwrap_or(0) > 0).then_some(())
    }

    /// Reads so many bytes of the answers, or all until the connection is closed, and tells how many came.
    pub(crate) async fn read_some(&mut self, length: usize) -> usize {
        let before = self.unread.len();
        let mut some = (&mut self.stream).take(length as u64);
        let read = timeout(PATIENCE, some.read_to_end(&mut self.unread)).await.expect("something in time");
        // A connection that is cut off is an error, with what came before it.
        drop(read);
        self.unread.len() - before
    }

    /// How many bytes came that nobody has looked at.
    pub(crate) fn received(&self) -> usize {
        self.unread.len()
    }

    /// Waits until the server closes the connection, which sends nothing before, and tells how long that took.
    pub(crate) async fn closed(&mut self) -> Duration {
        let began = Instant::now();
        assert!(self.more().await.is_none(), "something came: {}", String::from_utf8_lossy(&self.unread));
        began.elapsed()
    }

    /// Whether the server has closed the connection by now.
    pub(crate) async fn is_closed_by_now(&mut self) -> bool {
        match timeout(Duration::from_millis(50), self.stream.read_buf(&mut self.unread)).await {
            Ok(read) => read.unwrap_or(0) == 0,
            Err(_) => false,
        }
    }
}

#[test]
fn the_bounds_are_those_of_the_documentation() {
    let options = Options::default();
    assert_eq!((options.head, options.keep_alive), (Duration::from_secs(15), Duration::from_secs(130)));
    assert_eq!((options.connections, options.reserved), (4096, 0));
    assert_eq!(options.stall, Duration::from_secs(60));
    assert_eq!((options.grace, options.cut), (Duration::from_secs(30), Duration::from_secs(5)));
}
