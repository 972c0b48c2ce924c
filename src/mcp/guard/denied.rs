//! Why a request does not pass the guard, and the response to it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::challenge::{Challenge, StepUp};
use crate::oauth::error::{Error, ErrorCode};
use crate::wire::error::ErrorBody;

/// Why a request does not pass.
#[derive(Debug)]
pub(super) enum Denied {
    /// It names another host, or comes from a page of another site.
    Foreign(&'static str),
    NoToken,
    /// Its token is not valid, or cannot be judged now.
    Token(Error),
    /// Its session does not exist, or belongs to another person or client.
    Session,
    Scopes(StepUp),
    /// Its body is too large or incomplete.
    TooLarge,
    TooSlow,
    /// Its body is not JSON that all parsers read alike.
    NotJson,
    /// Its body is not a JSON-RPC message, or it is unclear what it calls.
    NoMessage,
}

impl Denied {
    /// The response, at the mount of this challenge.
    pub(super) fn into_response(self, challenge: &Challenge) -> Response {
        match self {
            // No challenge, since no sign-in should begin from there.
            Denied::Foreign(why) => {
                let error = Error::new(ErrorCode::AccessDenied, why);
                let mut response = ErrorBody { error, challenge: None }.into_response();
                *response.status_mut() = StatusCode::FORBIDDEN;
                response
            }
            Denied::NoToken => challenge.no_token(),
            Denied::Token(error) => challenge.reject(error),
            // After 404 a client opens a new session (revision 2025-11-25, "Session Management").
            Denied::Session => json_rpc(StatusCode::NOT_FOUND, -32001, "Session not found"),
            Denied::Scopes(step_up) => step_up.into_response(),
            Denied::TooLarge => {
                json_rpc(StatusCode::PAYLOAD_TOO_LARGE, -32600, "The message is too large or broke off")
            }
            Denied::TooSlow => {
                let mut response = json_rpc(StatusCode::REQUEST_TIMEOUT, -32600, "The message did not arrive in time");
                // The next bytes would be the rest of this message.
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                response
            }
            Denied::NotJson => {
                json_rpc(StatusCode::BAD_REQUEST, -32700, "The body is not JSON, or a key stands in it twice")
            }
            Denied::NoMessage => json_rpc(StatusCode::BAD_REQUEST, -32600, "The body is no message of JSON-RPC 2.0"),
        }
    }
}

/// An error of JSON-RPC (section 5.1), without an id, since the request's cannot be trusted.
fn json_rpc(status: StatusCode, code: i32, message: &str) -> Response {
    let error = json!({ "code": code, "message": message });
    (status, Json(json!({ "jsonrpc": "2.0", "error": error }))).into_response()
}
