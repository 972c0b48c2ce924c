//! The issuer's token endpoint (OpenID Connect Core section 3.1.3) and UserInfo endpoint (section 5.3).
//!
//! A code works once, for the client that authenticates, the redirect URI and the PKCE verifier that belong to it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::answer::{self, header_text};
use super::fault::Fault;
use super::signing;
use super::state::{Access, Code, Shared, TOKEN_LIFETIME, secret};
use crate::client::challenge;
use crate::form::{Form, decode};

pub(super) async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let fault = shared.fault();
    if let Some(Fault::TokenError(code)) = &fault {
        let description = "<b>The upstream's own words</b>";
        return answer::json(StatusCode::BAD_REQUEST, &json!({ "error": code, "error_description": description }));
    }
    let form = Form::parse(&body);
    match redeem(&shared, &headers, &form) {
        Ok(code) => grant(&shared, code, fault.as_ref()),
        Err("invalid_client") => answer::json(StatusCode::UNAUTHORIZED, &json!({ "error": "invalid_client" })),
        Err(code) => answer::json(StatusCode::BAD_REQUEST, &json!({ "error": code })),
    }
}

fn redeem(shared: &Shared, headers: &HeaderMap, form: &Form) -> Result<Code, &'static str> {
    let field = |name| form.one(name).ok_or("invalid_request");
    let (method, credentials) = match header_text(headers, header::AUTHORIZATION) {
        Some(value) => ("client_secret_basic", basic(&value)),
        None => match (form.one("client_id"), form.one("client_secret")) {
            (Some(id), Some(secret)) => ("client_secret_post", Some((id.to_owned(), secret.to_owned()))),
            _ => ("none", None),
        },
    };
    let known = credentials == Some((shared.options.client_id.clone(), shared.client_secret.clone()));
    if !known || !shared.options.accepted_methods.contains(&method) {
        return Err("invalid_client");
    }
    if field("grant_type")? != "authorization_code" {
        return Err("unsupported_grant_type");
    }
    let code = shared.memory().codes.remove(field("code")?).ok_or("invalid_grant")?;
    let challenge = challenge(field("code_verifier")?);
    if code.expires_at <= shared.now() || field("redirect_uri")? != code.redirect_uri || challenge != code.challenge {
        return Err("invalid_grant");
    }
    Ok(code)
}

/// HTTP Basic as RFC 6749 section 2.3.1 has it: both halves are form-encoded first.
fn basic(value: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decode(id.as_bytes()), decode(secret.as_bytes())))
}

fn grant(shared: &Shared, code: Code, fault: Option<&Fault>) -> Response {
    let claims = id_token_claims(shared, &code, fault);
    let id_token = match signing::sign(shared, &claims, fault) {
        Ok(id_token) => id_token,
        Err(error) => {
            tracing::error!(%error, "the dev issuer cannot sign");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let access_token = secret();
    let now = shared.now();
    let mut memory = shared.memory();
    memory.access.retain(|_, access| access.expires_at > now);
    let access = Access { account: code.account, expires_at: now + TOKEN_LIFETIME };
    memory.access.insert(access_token.clone(), access);
    let mut answer = json!({
        "access_token": access_token,
        "token_type": match fault {
            Some(Fault::TokenType(other)) => other,
            _ => "Bearer",
        },
        "expires_in": TOKEN_LIFETIME,
        "scope": code.scope,
    });
    if fault != Some(&Fault::NoIdToken) {
        answer["id_token"] = Value::String(id_token);
    }
    answer::json(StatusCode::OK, &answer)
}

fn id_token_claims(shared: &Shared, code: &Code, fault: Option<&Fault>) -> Value {
    let now = shared.now();
    let client_id = &shared.options.client_id;
    let mut claims = Map::new();
    claims.insert("iss".into(), shared.url.clone().into());
    claims.insert("aud".into(), client_id.clone().into());
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), (now + TOKEN_LIFETIME).into());
    claims.insert("auth_time".into(), code.auth_time.into());
    claims.insert("nonce".into(), code.nonce.clone().into());
    describe(&mut claims, &code.account);
    match fault {
        Some(Fault::WrongNonce) => drop(claims.insert("nonce".into(), "of-another-login".into())),
        Some(Fault::NoNonce) => drop(claims.remove("nonce")),
        Some(Fault::WrongAudience) => drop(claims.insert("aud".into(), "another-client".into())),
        Some(Fault::ExtraAudienceWithoutAzp) => drop(claims.insert("aud".into(), json!([client_id, "another-client"]))),
        Some(Fault::ExtraAudienceWithWrongAzp) => {
            claims.insert("aud".into(), json!([client_id, "another-client"]));
            claims.insert("azp".into(), "another-client".into());
        }
        Some(Fault::WrongIssuer) => drop(claims.insert("iss".into(), "https://idp.example".into())),
        Some(Fault::Expired) => {
            claims.insert("iat".into(), (now - 7200).into());
            claims.insert("exp".into(), (now - 3600).into());
        }
        Some(Fault::IssuedInFuture) => drop(claims.insert("iat".into(), (now + 600).into())),
        Some(Fault::ValidInFuture) => drop(claims.insert("nbf".into(), (now + 600).into())),
        Some(Fault::EmptySubject) => drop(claims.insert("sub".into(), "".into())),
        Some(Fault::EmailOnlyAtUserinfo | Fault::OtherSubjectAtUserinfo | Fault::UserinfoDown) => {
            claims.remove("email");
        }
        _ => {}
    }
    Value::Object(claims)
}

/// The claims about the person.
fn describe(claims: &mut Map<String, Value>, account: &Account) {
    let Account { sub, name, email, email_verified, claims: others } = account.clone();
    let known = [
        ("sub", Some(Value::String(sub))),
        ("name", name.map(Value::String)),
        ("email", email.map(Value::String)),
        ("email_verified", email_verified),
    ];
    claims.extend(known.into_iter().filter_map(|(claim, value)| Some((claim.to_owned(), value?))));
    claims.extend(others);
}

pub(super) async fn userinfo(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let fault = shared.fault();
    if fault == Some(Fault::UserinfoDown) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let now = shared.now();
    let authorization = header_text(&headers, header::AUTHORIZATION).unwrap_or_default();
    let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
    let account = match shared.memory().access.get(token) {
        Some(access) if access.expires_at > now => access.account.clone(),
        _ => return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response(),
    };
    let mut claims = Map::new();
    describe(&mut claims, &account);
    if fault == Some(Fault::OtherSubjectAtUserinfo) {
        claims.insert("sub".into(), "somebody-else".into());
    }
    answer::json(StatusCode::OK, &Value::Object(claims))
}
