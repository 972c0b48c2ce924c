//! What stands around the messages of the built-in server where rmcp answers in plain text or not at all: a body that is no
//! message, a revision that nobody knows, and the batches of 2025-03-26, which a server must take (its section
//! "Batching") and which the revisions after it do not have.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, request};
use axum::response::{IntoResponse, Response};
use rmcp::ErrorData;
use rmcp::model::{JsonRpcError, ProtocolVersion, RequestId};
use serde_json::Value;

use crate::config::settings::Limits;
use crate::wire::body::{self, Unread};

use super::whoami::Server;

/// The largest answer to one message of a batch, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// Answers a request whose body is within the limits.
pub(super) async fn handle(server: &Server, request: Request<Body>, limits: &Limits) -> Response {
    if request.method() != Method::POST {
        return pass(server, request).await;
    }
    let (mut parts, body) = request.into_parts();
    complete_accept(&mut parts.headers);
    let bytes = match body::bytes(body, limits.body, limits).await {
        Ok(bytes) => bytes,
        Err(Unread::TooSlow) => {
            let error = ErrorData::invalid_request("The message did not arrive in time", None);
            let mut response = refuse(StatusCode::REQUEST_TIMEOUT, None, error);
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return response;
        }
        Err(Unread::TooLarge(_) | Unread::BrokeOff(_)) => {
            let error = ErrorData::invalid_request("The message is too large, or broke off", None);
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, None, error);
        }
    };
    match serde_json::from_slice::<Value>(&bytes) {
        Err(_) => refuse(StatusCode::BAD_REQUEST, None, ErrorData::parse_error("The body is not JSON", None)),
        Ok(Value::Array(messages)) => batch(server, &parts, messages).await,
        Ok(message) => {
            let headers = parts.headers.clone();
            let response = pass(server, Request::from_parts(parts, Body::from(bytes))).await;
            in_json(response, &headers, &message)
        }
    }
}

/// The media types of the transport, both of which rmcp wants to see named.
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// Names both media types for whoever accepts one of them, or anything: clients have to name both, some name one or none,
/// and the answer is JSON for all of them (RFC 9110 section 12.5.1).
fn complete_accept(headers: &mut HeaderMap) {
    let fits = |range: &str| {
        let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        ["*/*", "application/*", "application/json", "text/*", "text/event-stream"].contains(&range.as_str())
    };
    let lists = headers.get_all(header::ACCEPT).iter().filter_map(|list| list.to_str().ok());
    let ranges: Vec<&str> = lists.flat_map(|list| list.split(',')).collect();
    if ranges.is_empty() || ranges.into_iter().any(fits) {
        headers.insert(header::ACCEPT, BOTH);
    }
}

async fn pass(server: &Server, request: Request<Body>) -> Response {
    server.handle(request).await.map(Body::new)
}

/// Puts an error of JSON-RPC in the place of rmcp's plain text, so that a client of 2026-07-28 knows that it has met one of
/// its own kind ("Backward Compatibility" of the transport).
fn in_json(response: Response, headers: &HeaderMap, message: &Value) -> Response {
    let id = || serde_json::from_value::<RequestId>(message["id"].clone()).ok();
    let is_json = |headers: &HeaderMap| {
        let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        sent.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
    };
    match response.status() {
        StatusCode::BAD_REQUEST if !is_json(response.headers()) => {
            let version = revision(headers).and_then(|version| serde_json::from_value(version.into()).ok());
            let Some(version) = version else { return response };
            let error = ErrorData::unsupported_protocol_version(version, ProtocolVersion::KNOWN_VERSIONS);
            refuse(StatusCode::BAD_REQUEST, id(), error)
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE if is_json(headers) => {
            let error = ErrorData::invalid_request("The body is no message of JSON-RPC 2.0", None);
            refuse(StatusCode::BAD_REQUEST, id(), error)
        }
        _ => response,
    }
}

/// Answers the messages one after the other: one list, without those that have no answer.
async fn batch(server: &Server, parts: &request::Parts, messages: Vec<Value>) -> Response {
    let refused = |why: &'static str| ErrorData::invalid_request(why, None);
    if revision(&parts.headers).is_some_and(|version| version != ProtocolVersion::V_2025_03_26.as_str()) {
        return refuse(StatusCode::BAD_REQUEST, None, refused("This revision has no batches"));
    }
    if messages.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, None, refused("The batch is empty"));
    }
    let mut answers = Vec::new();
    for message in messages {
        if message["method"] == "initialize" {
            return refuse(StatusCode::BAD_REQUEST, None, refused("The handshake is no part of a batch"));
        }
        let request = Request::from_parts(parts.clone(), Body::from(message.to_string()));
        let answer = in_json(pass(server, request).await, &parts.headers, &message);
        let (head, body) = answer.into_parts();
        if head.status == StatusCode::ACCEPTED {
            continue;
        }
        let bytes = to_bytes(body, MAX_ANSWER).await.unwrap_or_default();
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(answer) => answers.push(answer),
            // What is wrong with the request, not with the message.
            Err(_) => return Response::from_parts(head, Body::from(bytes)),
        }
    }
    if answers.is_empty() { StatusCode::ACCEPTED.into_response() } else { Json(answers).into_response() }
}

/// The revision that a request names.
fn revision(headers: &HeaderMap) -> Option<&str> {
    headers.get("mcp-protocol-version").and_then(|version| version.to_str().ok())
}

fn refuse(status: StatusCode, id: Option<RequestId>, error: ErrorData) -> Response {
    (status, Json(JsonRpcError::new(id, error))).into_response()
}
