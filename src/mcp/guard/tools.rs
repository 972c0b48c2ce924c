//! What a call needs: the tools that a message calls, read from the body itself.
//!
//! The headers `Mcp-Method` and `Mcp-Name` repeat it since revision 2026-07-28, but whoever wants more than they were
//! given would leave them out or lie. So the body counts, and one that two readers could read in two ways is refused: a
//! key twice, or in other letters (some readers do not mind their case), a byte order mark, another encoding, anything
//! behind the end.

use std::collections::BTreeMap;
use std::fmt;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::json;

use crate::config::settings::{Limits, Mount};
use crate::oauth::scope::Scopes;
use crate::wire::body::{self, Unread};

/// The largest message that is read, in bytes.
const MAX_MESSAGE: usize = 4 << 20;

/// The most messages of a batch: read, a small one takes many times its room.
const MAX_BATCH: usize = 1000;

/// The members of a JSON-RPC 2.0 message; MCP adds none.
const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// Why a body does not pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is too large, or broke off.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// It is no JSON that all readers read alike.
    NotJson,
    /// It is no message, or its call cannot be told.
    NoMessage,
}

/// Reads the body of a request and puts it back: what the calls in it need at a mount. Without a body nothing is needed.
pub(super) async fn needs(mount: &Mount, request: &mut Request<Body>, limits: &Limits) -> Result<Scopes, Refused> {
    let body = std::mem::take(request.body_mut());
    let bytes = body::bytes(body, MAX_MESSAGE, limits).await.map_err(|unread| match unread {
        Unread::TooSlow => Refused::TooSlow,
        Unread::TooLarge(_) | Unread::BrokeOff(_) => Refused::TooLarge,
    })?;
    *request.body_mut() = Body::from(bytes.clone());
    needs_of(mount, &bytes)
}

fn needs_of(mount: &Mount, bytes: &Bytes) -> Result<Scopes, Refused> {
    if bytes.is_empty() {
        return Ok(Scopes::default());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Read { lists: 1, objects: 2 }.deserialize(&mut reader);
    let message = read.and_then(|message| reader.end().map(|()| message)).map_err(|_| Refused::NotJson)?;
    let messages = match message {
        Part::List(messages) => messages,
        message => vec![message],
    };
    let tools = messages.iter().map(called_tool).collect::<Result<Vec<_>, _>>()?;
    Ok(tools.into_iter().flatten().fold(Scopes::default(), |all, tool| all.union(&mount.needs(tool))))
}

/// The tool that a message calls, if it calls one.
fn called_tool(message: &Part) -> Result<Option<&str>, Refused> {
    let Part::Object(message) = message else { return Err(Refused::NoMessage) };
    if message.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(Refused::NoMessage);
    }
    match message.get("method") {
        // An answer to the server.
        None => return Ok(None),
        Some(Part::Text(method)) if method == "tools/call" => {}
        Some(Part::Text(_)) => return Ok(None),
        Some(_) => return Err(Refused::NoMessage),
    }
    let Some(Part::Object(params)) = message.get("params") else { return Err(Refused::NoMessage) };
    if params.keys().any(|name| name != "name" && name.eq_ignore_ascii_case("name")) {
        return Err(Refused::NoMessage);
    }
    match params.get("name") {
        Some(Part::Text(tool)) => Ok(Some(tool)),
        _ => Err(Refused::NoMessage),
    }
}

/// As much of a JSON value as is read.
enum Part {
    Text(String),
    List(Vec<Part>),
    Object(BTreeMap<String, Part>),
    /// Something else, or too deep to matter.
    Other,
}

/// Reads so many levels of lists, and below them of objects. No key stands twice in an object that is read.
#[derive(Clone, Copy)]
struct Read {
    lists: u8,
    objects: u8,
}

impl<'de> DeserializeSeed<'de> for Read {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Read {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Part, E> {
        Ok(Part::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Part, E> {
        Ok(Part::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Part, E> {
        Ok(Part::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Part, E> {
        Ok(Part::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Part, E> {
        Ok(Part::Other)
    }

    fn visit_unit<E>(self) -> Result<Part, E> {
        Ok(Part::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Part, A::Error> {
        let Some(lists) = self.lists.checked_sub(1) else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Part::Other);
        };
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Read { lists, ..self })? {
            list.push(item);
            if list.len() > MAX_BATCH {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Part::Other);
            }
        }
        Ok(Part::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Part, A::Error> {
        let Some(objects) = self.objects.checked_sub(1) else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Part::Other);
        };
        let mut object = BTreeMap::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Read { lists: 0, objects })?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Part::Object(object))
    }
}

impl IntoResponse for Refused {
    /// An error of JSON-RPC (section 5.1), without an id, since none can be trusted.
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Refused::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, -32600, "The message is too large or broke off"),
            Refused::TooSlow => (StatusCode::REQUEST_TIMEOUT, -32600, "The message did not arrive in time"),
            Refused::NotJson => (StatusCode::BAD_REQUEST, -32700, "The body is not JSON, or a key stands in it twice"),
            Refused::NoMessage => (StatusCode::BAD_REQUEST, -32600, "The body is no message of JSON-RPC 2.0"),
        };
        let error = json!({ "code": code, "message": message });
        let mut response = (status, Json(json!({ "jsonrpc": "2.0", "error": error }))).into_response();
        if status == StatusCode::REQUEST_TIMEOUT {
            // The next bytes would be the rest of this message.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
