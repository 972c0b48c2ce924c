//! ID tokens, signed with the issuer's keys or, by a fault, with something worse (RFC 7515).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::fault::Fault;
use super::key::Key;
use super::state::Shared;

/// Signs an ID token, well or badly.
pub(super) fn sign(
    shared: &Shared,
    claims: &Value,
    fault: Option<&Fault>,
) -> Result<String, jsonwebtoken::errors::Error> {
    let memory = shared.memory();
    let key = &memory.keys[0];
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let by_hmac = |secret: &[u8]| {
        let input = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT", "kid": key.kid })), part(claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    match fault {
        Some(Fault::AlgNone) => Ok(format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(claims))),
        Some(Fault::Hs256WithPublicKey) => Ok(by_hmac(key.public.to_string().as_bytes())),
        Some(Fault::Hs256WithClientSecret) => Ok(by_hmac(shared.client_secret.as_bytes())),
        Some(Fault::UnknownKey) => Key::generate(key.algorithm).sign(claims),
        Some(Fault::WrongSignature) => {
            let (good, other) = (key.sign(claims)?, key.sign(&json!({}))?);
            let input = good.rsplit_once('.').map_or("", |(input, _)| input);
            let signature = other.rsplit_once('.').map_or("", |(_, signature)| signature);
            Ok(format!("{input}.{signature}"))
        }
        _ => key.sign(claims),
    }
}
