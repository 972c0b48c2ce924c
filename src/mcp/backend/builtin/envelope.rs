//! Handles the requests to the built-in server that rmcp answers in plain text or not at all: a body that is no message, an
//! unknown revision, and the batches of 2025-03-26, which a server must accept (its section "Batching") and which later
//! revisions do not have.

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

/// The largest response to one message of a batch, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// Handles a request. Its body must be within the limits.
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
            let mut response = reject(StatusCode::REQUEST_TIMEOUT, None, error);
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return response;
        }
        Err(Unread::TooLarge(_) | Unread::BrokeOff(_)) => {
            let error = ErrorData::invalid_request("The message is too large, or broke off", None);
            return reject(StatusCode::PAYLOAD_TOO_LARGE, None, error);
        }
    };
    match serde_json::from_slice::<Value>(&bytes) {
        Err(_) => reject(StatusCode::BAD_REQUEST, None, ErrorData::parse_error("The body is not JSON", None)),
        Ok(Value::Array(messages)) => batch(server, &parts, messages).await,
        Ok(message) => {
            let headers = parts.headers.clone();
            let response = pass(server, Request::from_parts(parts, Body::from(bytes))).await;
            in_json(response, &headers, &message)
        }
    }
}

/// The media types of the transport. rmcp requires both.
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// Adds both media types if the client accepts one of them, or anything. Clients must name both; some name one or none, and
/// the response is JSON for all of them (RFC 9110 section 12.5.1).
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

/// Replaces rmcp's plain text by a JSON-RPC error, so that a client of 2026-07-28 recognises a server of its revision
/// ("Backward Compatibility" of the transport).
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
            reject(StatusCode::BAD_REQUEST, id(), error)
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE if is_json(headers) => {
            let error = ErrorData::invalid_request("The body is no message of JSON-RPC 2.0", None);
            reject(StatusCode::BAD_REQUEST, id(), error)
        }
        _ => response,
    }
}

/// Handles the messages one after the other. The response is one list, without the messages that have no response.
async fn batch(server: &Server, parts: &request::Parts, messages: Vec<Value>) -> Response {
    let invalid = |why: &'static str| ErrorData::invalid_request(why, None);
    if revision(&parts.headers).is_some_and(|version| version != ProtocolVersion::V_2025_03_26.as_str()) {
        return reject(StatusCode::BAD_REQUEST, None, invalid("This revision has no batches"));
    }
    if messages.is_empty() {
        return reject(StatusCode::BAD_REQUEST, None, invalid("The batch is empty"));
    }
    let mut answers = Vec::new();
    for message in messages {
        if message["method"] == "initialize" {
            return reject(StatusCode::BAD_REQUEST, None, invalid("The handshake is no part of a batch"));
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
            // The fault is in the request, not in the message.
            Err(_) => return Response::from_parts(head, Body::from(bytes)),
        }
    }
    if answers.is_empty() { StatusCode::ACCEPTED.into_response() } else { Json(answers).into_response() }
}

/// The MCP revision that a request names.
fn revision(headers: &HeaderMap) -> Option<&str> {
    headers.get("mcp-protocol-version").and_then(|version| version.to_str().ok())
}

fn reject(status: StatusCode, id: Option<RequestId>, error: ErrorData) -> Response {
    (status, Json(JsonRpcError::new(id, error))).into_response()
}
