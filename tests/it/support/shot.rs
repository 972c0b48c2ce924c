//! Single requests that are written once and sent over any way, and connections that carry them.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use jean_testing::browser::{Browser, Page};
use jean_testing::client::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One request, as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// A text of the JSON body; empty if it is missing.
    pub(crate) fn text(&self, name: &str) -> String {
        let json: Value = serde_json::from_str(&self.body).unwrap_or_default();
        json[name].as_str().unwrap_or_default().to_owned()
    }
}

impl Shot {
    /// The request for a router at this authority.
    pub(crate) fn request(&self, host: &str) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(&self.path).header("host", host);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Body::from(self.body.clone())).expect("a request")
    }

    /// The request for the wire.
    pub(crate) fn bytes(&self, host: &str) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("content-length: {}\r\n\r\n{}", self.body.len(), self.body);
        text.into_bytes()
    }

    fn form(path: &str, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        Shot { method: "POST", path: path.to_owned(), headers, body }
    }

    fn json(method: &'static str, path: &str, json: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Shot { method, path: path.to_owned(), headers, body: json.to_string() }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A registration of a public client.
    pub(crate) fn register() -> Self {
        Shot::json("POST", "/oauth/register", &metadata())
    }

    /// A step of a registration's management (RFC 7592).
    pub(crate) fn manage(method: &'static str, id: &str, token: &str) -> Self {
        let mut metadata = metadata();
        metadata["client_id"] = id.into();
        let body = if method == "PUT" { metadata } else { json!({}) };
        Shot::json(method, &format!("/oauth/register/{id}"), &body).with("authorization", format!("Bearer {token}"))
    }

    /// A button of a page's form, in the browser that shows the page.
    pub(crate) fn press(browser: &mut Browser, page: &Page, answer: &str) -> Self {
        let form = page.form();
        let mut fields: Vec<(&str, &str)> = form.hidden.iter().map(|(name, value)| (&**name, &**value)).collect();
        fields.push(("answer", answer));
        let host = host_of(&page.url);
        let shot = Shot::form(&path_of(&form.action), &fields).with("sec-fetch-site", "same-origin".into());
        shot.with("cookie", cookies(browser, &host))
    }

    /// A navigation of the browser.
    pub(crate) fn open(browser: &mut Browser, url: &str) -> Self {
        let shot = Shot { method: "GET", path: path_of(url), headers: Vec::new(), body: String::new() };
        shot.with("cookie", cookies(browser, &host_of(url)))
    }

    /// A code at the token endpoint.
    pub(crate) fn redeem(client: &Client, code: &str) -> Self {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &client.id),
            ("code_verifier", &client.verifier),
        ];
        Shot::form("/oauth/token", &fields)
    }

    /// A refresh token at the token endpoint.
    pub(crate) fn refresh(client: &Client, token: &str) -> Self {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &client.id)];
        Shot::form("/oauth/token", &fields)
    }

    /// A revocation (RFC 7009).
    pub(crate) fn revoke(client: &Client, token: &str) -> Self {
        Shot::form("/oauth/revoke", &[("token", token), ("client_id", &client.id)])
    }

    /// A call of the built-in server's tool.
    pub(crate) fn whoami(access: &str) -> Self {
        let params = json!({ "name": "whoami", "arguments": {} });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        Shot::json("POST", "/mcp", &message)
            .with("accept", "application/json, text/event-stream".into())
            .with("authorization", format!("Bearer {access}"))
            .with("mcp-protocol-version", "2025-11-25".into())
    }
}

fn metadata() -> Value {
    Client::new("http://localhost", Router::new()).metadata()
}

fn host_of(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "localhost".into())
}

fn path_of(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(url) => format!("{}{}", url.path(), url.query().map(|query| format!("?{query}")).unwrap_or_default()),
        Err(_) => url.to_owned(),
    }
}

fn cookies(browser: &mut Browser, host: &str) -> String {
    let pairs = browser.cookies(host).iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("; ")
}

/// A connection that is kept alive, by the address of the server.
pub(crate) struct Connection {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, host: address.to_string(), buffer: Vec::with_capacity(16 << 10) })
    }

    /// The same under another name of the server.
    #[must_use]
    pub(crate) fn named(self, host: &str) -> Self {
        Connection { host: host.to_owned(), ..self }
    }

    /// Sends a request and reads its answer, which tells its length.
    pub(crate) async fn send(&mut self, shot: &Shot) -> io::Result<Answer> {
        self.stream.write_all(&shot.bytes(&self.host)).await?;
        self.buffer.clear();
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.read().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = lengths.next().and_then(|(_, length)| length.parse::<usize>().ok()).unwrap_or(0);
        while self.buffer.len() < end + length {
            self.read().await?;
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Ok(Answer { status, body: String::from_utf8_lossy(&self.buffer[end..]).into_owned(), head })
    }

    async fn read(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Sends a request and resets the connection `after`, whatever was answered by then.
    pub(crate) async fn hang_up(mut self, shot: &Shot, after: std::time::Duration) {
        let _ = self.stream.write_all(&shot.bytes(&self.host)).await;
        tokio::time::sleep(after).await;
        let _ = self.stream.set_zero_linger();
    }
}
