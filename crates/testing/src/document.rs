//! A small web site on loopback with clients' metadata documents and keys. It serves any answer that a test sets, wrong ones
//! too, and remembers the requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A running site; dropping it stops it.
pub struct DocumentHost {
    url: String,
    shared: Arc<Mutex<Shared>>,
    _stop: oneshot::Sender<()>,
}

#[derive(Default)]
struct Shared {
    answers: HashMap<String, Answer>,
    requests: Vec<(String, HeaderMap)>,
}

/// The answer at one path.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers: names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// How long the site waits before it answers.
    pub delay: Duration,
}

impl Answer {
    /// 200 with a JSON document.
    pub fn json(document: &Value) -> Self {
        Answer {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body: document.to_string(),
            delay: Duration::ZERO,
        }
    }

    /// This status without a body.
    pub fn status(status: u16) -> Self {
        Answer { status, headers: Vec::new(), body: String::new(), delay: Duration::ZERO }
    }

    /// Sets a header. Replaces one of the same name.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Delays the answer.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Answer { delay, ..self }
    }
}

impl DocumentHost {
    /// Starts a site without documents on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// The operating system's error if there is no free port.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Mutex::new(Shared::default()));
        let router = Router::new().fallback(respond).with_state(Arc::clone(&shared));
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            tokio::select! {
                _ = stopped => {}
                _ = axum::serve(listener, router) => {}
            }
        });
        Ok(DocumentHost { url, shared, _stop: stop })
    }

    /// The address of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Serves this answer at a path from now on.
    pub fn serve(&self, path: &str, answer: Answer) {
        lock(&self.shared).answers.insert(path.to_owned(), answer);
    }

    /// The headers of the requests to a path, in their order.
    pub fn requests_to(&self, path: &str) -> Vec<HeaderMap> {
        let shared = lock(&self.shared);
        shared.requests.iter().filter(|(asked, _)| asked == path).map(|(_, headers)| headers.clone()).collect()
    }
}

async fn respond(State(shared): State<Arc<Mutex<Shared>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let answer = {
        let mut shared = lock(&shared);
        shared.requests.push((path.clone(), request.headers().clone()));
        shared.answers.get(&path).cloned().unwrap_or_else(|| Answer::status(404))
    };
    tokio::time::sleep(answer.delay).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap_or_else(|_| {
        let mut failed = Response::new(Body::empty());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
