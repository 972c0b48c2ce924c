//! What a client says of itself: its metadata (RFC 7591 section 2), read with its defaults into what cannot break a rule.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::auth_method::AuthMethod;
use super::error::{Error, ErrorCode};
use super::jwks::Jwks;
use super::name::chosen;
use super::redirect::RedirectUri;
use super::scope::Scopes;

/// `grant_types` that a client may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GrantType {
    /// RFC 6749 section 4.1.
    AuthorizationCode,
    /// RFC 6749 section 6.
    RefreshToken,
}

/// The effective metadata of a client (RFC 7591 section 2), defaults filled in; exactly what a registration echoes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientMetadata {
    /// Where answers may go; never empty.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates.
    pub token_endpoint_auth_method: AuthMethod,
    /// In which other ways a client that is known by its document may authenticate; one that registered has none
    /// (OpenID Connect RP Metadata Choices section 3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<AuthMethod>,
    /// What it may send to the token endpoint.
    pub grant_types: Vec<GrantType>,
    /// Always `code`.
    pub response_types: Vec<ResponseType>,
    /// `web` or `native`: accepted, and without effect (OpenID Connect Registration section 2).
    pub application_type: ApplicationType,
    /// The name that it gives itself, without what could deceive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The scopes that it may ask for; without, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Its home page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Its logo, which is never loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Its terms of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Its privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its public keys, for `private_key_jwt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Jwks>,
    /// Where its public keys are, for `private_key_jwt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Whom to write to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// The software, the same for all its installations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The software's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
}

/// `response_types`: there is only `code` (OAuth 2.1 has no implicit grant).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResponseType {
    /// RFC 6749 section 4.1.1.
    Code,
}

/// `application_type` (OpenID Connect Registration section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ApplicationType {
    /// The default.
    Web,
    /// An app on a person's own computer.
    Native,
}

/// The most redirect URIs that one client may register.
const MAX_REDIRECT_URIS: usize = 32;

/// The most keys in a client's `jwks`.
const MAX_KEYS: usize = 10;

/// The members of a JWK that only a private or a symmetric key has (RFC 7518 section 6).
const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

impl ClientMetadata {
    /// Reads a registration request: fills in the defaults of RFC 7591 section 2, intersects `grant_types` and
    /// `response_types` with what there is, ignores what is unknown, and refuses what breaks a rule.
    pub(crate) fn parse(request: &Map<String, Value>) -> Result<Self, Error> {
        let redirect_uris = redirect_uris(request)?;
        let token_endpoint_auth_method = match string(request, "token_endpoint_auth_method")? {
            None => AuthMethod::ClientSecretBasic,
            Some(name) => AuthMethod::parse(&name).ok_or_else(|| {
                invalid(
                    "token_endpoint_auth_method must be none, client_secret_basic, client_secret_post or private_key_jwt.",
                )
            })?,
        };
        let grant_types = grant_types(request)?;
        let response_types = strings(request, "response_types")?;
        if response_types.is_some_and(|names| !names.iter().any(|name| name == "code")) {
            return Err(invalid("response_types must include code."));
        }
        let application_type = match string(request, "application_type")?.as_deref() {
            None | Some("web") => ApplicationType::Web,
            Some("native") => ApplicationType::Native,
            Some(_) => return Err(invalid("application_type must be web or native.")),
        };
        let scope = string(request, "scope")?.map(|text| Scopes::parse(&text)).transpose();
        let jwks = jwks(request)?;
        let jwks_uri = web_address(request, "jwks_uri")?;
        if jwks.is_some() && jwks_uri.is_some() {
            return Err(invalid("jwks and jwks_uri exclude each other (RFC 7591 section 2)."));
        }
        if token_endpoint_auth_method == AuthMethod::PrivateKeyJwt && jwks.is_none() && jwks_uri.is_none() {
            return Err(invalid("private_key_jwt needs jwks or jwks_uri."));
        }
        Ok(ClientMetadata {
            redirect_uris,
            token_endpoint_auth_method,
            token_endpoint_auth_methods_supported: Vec::new(),
            grant_types,
            response_types: vec![ResponseType::Code],
            application_type,
            client_name: string(request, "client_name")?.and_then(|name| chosen(&name)),
            scope: scope
                .map_err(|_| invalid("scope must be a list of scopes, separated by spaces."))?
                .map(|scopes| scopes.to_string()),
            client_uri: web_address(request, "client_uri")?,
            logo_uri: web_address(request, "logo_uri")?,
            tos_uri: web_address(request, "tos_uri")?,
            policy_uri: web_address(request, "policy_uri")?,
            jwks,
            jwks_uri,
            contacts: contacts(request)?,
            software_id: string(request, "software_id")?,
            software_version: string(request, "software_version")?,
        })
    }

    /// Whether every answer goes to this computer or its network: then nothing but the person knows which app is asking
    /// (RFC 8252 section 8.6).
    pub(crate) fn is_native_only(&self) -> bool {
        self.redirect_uris.iter().all(|uri| uri.kind().is_native())
    }
}

/// `invalid_client_metadata` (RFC 7591 section 3.2.2).
pub(super) fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::InvalidClientMetadata, description)
}

fn string(request: &Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match request.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() <= 2048 => Ok(Some(text.clone())),
        Some(_) => Err(invalid(format!("{name} must be a string of at most 2048 bytes."))),
    }
}

fn strings(request: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, Error> {
    let wrong = || invalid(format!("{name} must be a list of strings."));
    match request.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map(Some)
            .ok_or_else(wrong),
        Some(_) => Err(wrong()),
    }
}

fn redirect_uris(request: &Map<String, Value>) -> Result<Vec<RedirectUri>, Error> {
    let refuse = |why: String| Err(Error::new(ErrorCode::InvalidRedirectUri, why));
    let uris = strings(request, "redirect_uris")?.unwrap_or_default();
    if uris.is_empty() {
        return refuse("redirect_uris must name at least one URI.".to_owned());
    }
    if uris.len() > MAX_REDIRECT_URIS {
        return refuse(format!("redirect_uris must not name more than {MAX_REDIRECT_URIS} URIs."));
    }
    uris.iter().map(|uri| RedirectUri::parse_new(uri)).collect()
}

/// Those of `grant_types` that there are.
fn grant_types(request: &Map<String, Value>) -> Result<Vec<GrantType>, Error> {
    let Some(names) = strings(request, "grant_types")? else { return Ok(vec![GrantType::AuthorizationCode]) };
    let asks = |grant_type: &str| names.iter().any(|name| name == grant_type);
    if !asks("authorization_code") {
        return Err(invalid("grant_types must include authorization_code."));
    }
    let refresh_token = asks("refresh_token").then_some(GrantType::RefreshToken);
    Ok([GrantType::AuthorizationCode].into_iter().chain(refresh_token).collect())
}

fn contacts(request: &Map<String, Value>) -> Result<Vec<String>, Error> {
    let contacts = strings(request, "contacts")?.unwrap_or_default();
    if contacts.len() > 10 || contacts.iter().any(|contact| contact.len() > 254) {
        return Err(invalid("contacts must be at most ten, of at most 254 bytes each."));
    }
    Ok(contacts)
}

/// `jwks`: a JWK Set (RFC 7517 section 5) of public keys.
fn jwks(request: &Map<String, Value>) -> Result<Option<Jwks>, Error> {
    let Some(jwks) = request.get("jwks").filter(|jwks| !jwks.is_null()) else { return Ok(None) };
    let keys = jwks.get("keys").and_then(Value::as_array).ok_or_else(|| invalid("jwks must be a JWK Set."))?;
    if keys.is_empty() || keys.len() > MAX_KEYS || keys.iter().any(|key| !key.is_object()) {
        return Err(invalid(format!("jwks must hold one to {MAX_KEYS} keys.")));
    }
    if keys.iter().any(|key| PRIVATE_MEMBERS.iter().any(|member| key.get(member).is_some())) {
        return Err(invalid("jwks must hold public keys only: a private or symmetric one was sent."));
    }
    Ok(Some(Jwks::new(jwks)))
}

fn web_address(request: &Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    let Some(text) = string(request, name)? else { return Ok(None) };
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(Some(text)),
        _ => Err(invalid(format!("{name} must be an https URL."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(value: Value) -> Result<ClientMetadata, Error> {
        ClientMetadata::parse(value.as_object().unwrap())
    }

    #[test]
    fn the_defaults_are_those_of_rfc_7591() {
        let metadata =
            parse(json!({ "redirect_uris": ["https://a.example/cb"], "unknown": { "x": 1 }, "client_name": null }))
                .unwrap();
        assert_eq!(
            serde_json::to_value(&metadata).unwrap(),
            json!({
                "redirect_uris": ["https://a.example/cb"],
                "token_endpoint_auth_method": "client_secret_basic",
                "grant_types": ["authorization_code"],
                "response_types": ["code"],
                "application_type": "web",
            })
        );
    }

    #[test]
    fn each_broken_rule_has_its_code() {
        let with = |name: &str, value: Value| {
            let mut request = json!({ "redirect_uris": ["https://a.example/cb"] });
            request[name] = value;
            parse(request).map(|_| ()).unwrap_err().code
        };
        assert_eq!(with("redirect_uris", json!([])), ErrorCode::InvalidRedirectUri);
        assert_eq!(with("redirect_uris", json!(["https://a.example/#x"])), ErrorCode::InvalidRedirectUri);
        assert_eq!(with("redirect_uris", json!("https://a.example/")), ErrorCode::InvalidClientMetadata);
        assert_eq!(with("grant_types", json!(["implicit"])), ErrorCode::InvalidClientMetadata);
        assert_eq!(with("response_types", json!(["token"])), ErrorCode::InvalidClientMetadata);
        assert_eq!(with("token_endpoint_auth_method", json!("tls_client_auth")), ErrorCode::InvalidClientMetadata);
        assert_eq!(with("client_name", json!(["x"])), ErrorCode::InvalidClientMetadata);
        assert_eq!(with("client_uri", json!("javascript:alert(1)")), ErrorCode::InvalidClientMetadata);
        assert_eq!(with("logo_uri", json!("data:image/png;base64,AAAA")), ErrorCode::InvalidClientMetadata);
    }
}
