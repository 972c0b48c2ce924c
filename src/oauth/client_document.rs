//! Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document-02 section 4): what a client that registers
//! nowhere says about itself, at the address that is its id.

use std::time::Duration;

use serde_json::{Map, Value};

use super::auth_method::AuthMethod;
use super::client::{Client, ClientOrigin};
use super::client_id::ClientId;
use super::client_metadata::{ClientMetadata, invalid};
use super::error::Error;
use crate::clock::UnixTime;

/// The largest document, in bytes (section 8.7).
pub(crate) const MAX_DOCUMENT: usize = 5 * 1024;

/// How long new authorizations go on by a copy while the host fails, counted from when it gave the document last: some
/// hosts turn whole data centres away for days.
const OUTLASTS: Duration = Duration::from_secs(7 * 24 * 3600);

/// For how long a document that was given once counts as one that there is.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// How far the stored time of the last good fetch may lie behind, so that not every fetch is a write.
pub(crate) const STORED_BEHIND: Duration = Duration::from_secs(3600);

/// The documents of well-known clients as they were when this version was made, for when their host does not answer a
/// server: id and document.
pub(crate) const WELL_KNOWN: [(&str, &str); 2] = [
    ("https://claude.ai/oauth/mcp-oauth-client-metadata", include_str!("documents/claude.json")),
    ("https://claude.ai/oauth/claude-code-client-metadata", include_str!("documents/claude-code.json")),
];

/// The last good copy of a document, and what its host said last.
#[derive(Clone, Debug)]
pub(crate) struct DocumentCopy {
    /// The client by this copy.
    pub client: Client,
    /// When the host was last heard: when it gave this copy, or, if that is over, when it said so.
    pub heard_at: UnixTime,
    /// Whether the host said since that the document is not there, or gave one that is wrong.
    pub is_over: bool,
}

impl DocumentCopy {
    /// A document that was fetched just now.
    pub(crate) fn fetched(client: &Client) -> Self {
        DocumentCopy { client: client.clone(), heard_at: client.created_at, is_over: false }
    }

    /// Until when new authorizations may go by it if its host cannot be asked; `None` if it is over. Sessions that there
    /// are go by it whatever its host says.
    pub(crate) fn serves_until(&self) -> Option<UnixTime> {
        (!self.is_over).then(|| self.heard_at + OUTLASTS)
    }

    /// Whether new authorizations may go by it if its host cannot be asked.
    pub(crate) fn serves(&self, now: UnixTime) -> bool {
        self.serves_until().is_some_and(|until| now < until)
    }

    /// Whether the host gave it within the last 30 days.
    pub(crate) fn was_given_lately(&self, now: UnixTime) -> bool {
        !self.is_over && now < self.heard_at + REMEMBERED
    }

    /// Whether this stored copy is to be replaced by what was `fetched`.
    pub(crate) fn is_outdated(&self, fetched: &Client) -> bool {
        self.is_over || self.client.metadata != fetched.metadata || self.heard_at + STORED_BEHIND <= fetched.created_at
    }
}

/// Why a document makes no client.
#[derive(Clone, Debug)]
pub(crate) struct Unusable {
    /// The host of the document, for people.
    pub host: String,
    /// Which rule is broken, or what went wrong: a sentence, or the end of one, without a full stop.
    pub why: String,
    /// Whose fault it is.
    pub fault: Fault,
}

/// Whose fault it is that a document cannot be used, and so what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody's: it may be different in a moment.
    Passing,
    /// Ours: its host is asked too often just now, and was not asked. A request that comes again has better prospects.
    Busy,
    /// The address breaks a rule, and nobody is asked.
    Address,
    /// The host answers with something else than a document.
    Host,
    /// The host says that there is no document: 404 or 410.
    Gone,
    /// The host did answer with a document, and what that says is wrong.
    Document,
    /// The operator's, who lets no apps of this host in.
    Operator,
}

impl Fault {
    /// Whether the host has spoken of this document: what it gave before is over, and its silence later brings nothing back.
    pub(crate) fn ends_copies(self) -> bool {
        matches!(self, Fault::Gone | Fault::Document)
    }
}

impl Unusable {
    /// What is wrong with the document of this client.
    pub(crate) fn new(id: &ClientId, fault: Fault, why: &str) -> Self {
        Unusable { host: id.host(), why: why.to_owned(), fault }
    }
}

/// The members that mean something here. All others are ignored, whatever they hold: they must not make a document
/// unreadable, and a change of theirs asks nobody for consent anew.
const READ: [&str; 7] =
    ["client_name", "redirect_uris", "grant_types", "response_types", "application_type", "jwks", "jwks_uri"];

/// Reads the document of the client `id`, which becomes that client. The error says which rule is broken.
pub(crate) fn parse(id: &ClientId, body: &[u8], now: UnixTime) -> Result<Client, Error> {
    if body.len() > MAX_DOCUMENT {
        return Err(invalid(format!("The document is larger than {MAX_DOCUMENT} bytes.")));
    }
    let document: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| invalid("The document is not a JSON object."))?;
    if document.get("client_id").and_then(Value::as_str) != Some(id.as_str()) {
        return Err(invalid("client_id in the document is not the document's own address."));
    }
    for secret in ["client_secret", "client_secret_expires_at"] {
        if document.get(secret).is_some_and(|value| !value.is_null()) {
            return Err(invalid(format!("{secret} must not be in a document that everybody can read.")));
        }
    }
    let methods = methods(&document)?;
    let mut read: Map<String, Value> = document.into_iter().filter(|(name, _)| READ.contains(&name.as_str())).collect();
    if !matches!(read.get("application_type").and_then(Value::as_str), Some("web" | "native")) {
        read.remove("application_type");
    }
    read.insert("token_endpoint_auth_method".into(), methods[0].as_str().into());
    let mut metadata = ClientMetadata::parse(&read)?;
    if metadata.client_name.is_none() {
        return Err(invalid("client_name is missing."));
    }
    metadata.token_endpoint_auth_methods_supported = methods[1..].to_vec();
    let origin = ClientOrigin::Document;
    Ok(Client { id: id.clone(), origin, metadata, secret: None, registration: None, created_at: now })
}

/// How the client may authenticate, its own choice first: any of the methods that it names and that need no shared
/// secret. It may name one (RFC 7591 section 2) and list several (OpenID Connect RP Metadata Choices section 3); `none`
/// where it says nothing, since there is nobody to share a secret with.
fn methods(document: &Map<String, Value>) -> Result<Vec<AuthMethod>, Error> {
    let wrong = |name: &str| invalid(format!("{name} is not what it should be."));
    let member = |name: &str| document.get(name).filter(|value| !value.is_null());
    let named = match member("token_endpoint_auth_method") {
        Some(value) => Some(value.as_str().ok_or_else(|| wrong("token_endpoint_auth_method"))?),
        None => None,
    };
    if named.is_some_and(|named| named.starts_with("client_secret_")) {
        return Err(invalid("token_endpoint_auth_method must not be one with a shared secret."));
    }
    let listed = match member("token_endpoint_auth_methods_supported") {
        Some(value) => {
            let names: Option<Vec<&str>> = value.as_array().and_then(|names| names.iter().map(Value::as_str).collect());
            names.ok_or_else(|| wrong("token_endpoint_auth_methods_supported"))?
        }
        None => Vec::new(),
    };
    if named.is_none() && listed.is_empty() {
        return Ok(vec![AuthMethod::None]);
    }
    let has_keys = member("jwks").is_some() || member("jwks_uri").is_some();
    let mut methods = Vec::new();
    for method in named.into_iter().chain(listed).filter_map(AuthMethod::parse) {
        let usable = method == AuthMethod::None || method == AuthMethod::PrivateKeyJwt && has_keys;
        if usable && !methods.contains(&method) {
            methods.push(method);
        }
    }
    if methods.is_empty() {
        return Err(invalid("None of its ways to authenticate is none, or private_key_jwt with jwks or jwks_uri."));
    }
    Ok(methods)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const URL: &str = "https://client.example/oauth.json";

    fn parse_value(document: &Value) -> Result<Client, Error> {
        parse(&ClientId::parse(URL).unwrap(), document.to_string().as_bytes(), UnixTime(1))
    }

    fn with(changes: Value) -> Value {
        let mut document =
            json!({ "client_id": URL, "client_name": "App", "redirect_uris": ["https://client.example/cb"] });
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        document
    }

    #[test]
    fn the_least_document_is_a_public_client() {
        let client = parse_value(&with(json!({}))).unwrap();
        assert_eq!((client.name(), client.origin), ("App", ClientOrigin::Document));
        assert!(client.accepts(AuthMethod::None) && !client.accepts(AuthMethod::PrivateKeyJwt));
        assert!(!client.may_refresh());
    }

    #[test]
    fn what_is_not_known_is_ignored_and_what_is_not_served_is_left_out() {
        let document = with(json!({
            "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
            "response_types": ["code", "token"], "application_type": "mobile", "contacts": "ada", "scope": 3,
            "client_uri": "data:x", "logo_uri": ["x"], "client_secret": null, "jwks": null, "x": {},
        }));
        let client = parse_value(&document).unwrap();
        assert!(client.may_refresh());
        let plain = parse_value(&with(json!({ "grant_types": ["authorization_code", "refresh_token"] }))).unwrap();
        assert_eq!(client.version().as_str(), plain.version().as_str());
    }

    #[test]
    fn a_document_that_breaks_a_rule_is_no_client() {
        for (changes, why) in [
            (json!({ "client_id": "https://client.example/other.json" }), "own address"),
            (json!({ "client_id": "https://client.example/oauth.json/" }), "own address"),
            (json!({ "client_id": null }), "own address"),
            (json!({ "client_name": null }), "client_name"),
            (json!({ "client_name": "\u{200b}" }), "client_name"),
            (json!({ "redirect_uris": [] }), "redirect_uris"),
            (json!({ "redirect_uris": null }), "redirect_uris"),
            (json!({ "redirect_uris": ["https://client.example/cb", "http://client.example/cb"] }), "must be https"),
            (json!({ "client_secret": "x" }), "client_secret"),
            (json!({ "client_secret_expires_at": 0 }), "client_secret_expires_at"),
            (json!({ "token_endpoint_auth_method": "client_secret_basic" }), "shared secret"),
            (json!({ "token_endpoint_auth_method": "client_secret_jwt" }), "shared secret"),
            (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "ways to authenticate"),
            (json!({ "token_endpoint_auth_method": "tls_client_auth" }), "ways to authenticate"),
            (json!({ "token_endpoint_auth_methods_supported": ["client_secret_post"] }), "ways to authenticate"),
            (json!({ "token_endpoint_auth_methods_supported": "none" }), "not what it should be"),
            (json!({ "grant_types": ["client_credentials"] }), "authorization_code"),
            (json!({ "response_types": ["token"] }), "response_types"),
            (json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AA" }] } }), "public keys"),
            (json!({ "jwks": { "keys": [{ "kty": "EC" }] }, "jwks_uri": "https://client.example/jwks" }), "exclude"),
        ] {
            let told = parse_value(&with(changes.clone())).unwrap_err().description.into_owned();
            assert!(told.contains(why), "{changes}: {told}");
        }
        let id = ClientId::parse(URL).unwrap();
        for body in ["", "[]", "\"x\"", "<html>", "{", "\u{feff}{}"] {
            assert!(parse(&id, body.as_bytes(), UnixTime(1)).is_err(), "{body}");
        }
        let padded = format!("{}{}", with(json!({})), " ".repeat(MAX_DOCUMENT));
        assert!(parse(&id, padded.as_bytes(), UnixTime(1)).is_err());
    }

    #[test]
    fn a_client_may_use_any_method_that_it_lists() {
        let jwt = "private_key_jwt";
        for (named, listed, none, signed) in [
            (json!(null), json!(null), true, false),
            (json!("none"), json!(null), true, false),
            (json!(jwt), json!(null), false, true),
            (json!(null), json!([jwt]), false, true),
            (json!(jwt), json!([jwt]), false, true),
            // As ChatGPT's document has it.
            (json!(jwt), json!(["none", jwt]), true, true),
            (json!("none"), json!([jwt]), true, true),
            (json!("tls_client_auth"), json!(["none", "client_secret_basic"]), true, false),
        ] {
            let client = parse_value(&with(json!({
                "token_endpoint_auth_method": named, "token_endpoint_auth_methods_supported": listed,
                "jwks_uri": "https://client.example/jwks",
            })));
            let client = client.unwrap();
            assert_eq!(client.accepts(AuthMethod::None), none, "{named} {listed}");
            assert_eq!(client.accepts(AuthMethod::PrivateKeyJwt), signed, "{named} {listed}");
            assert!(!client.accepts(AuthMethod::ClientSecretBasic) && !client.accepts(AuthMethod::ClientSecretPost));
        }
    }

    #[test]
    fn the_well_known_documents_are_documents() {
        for (url, document) in WELL_KNOWN {
            let client = parse(&ClientId::parse(url).unwrap(), document.as_bytes(), UnixTime(0)).unwrap();
            assert!(client.may_refresh() && client.accepts(AuthMethod::None), "{url}");
        }
    }
}
