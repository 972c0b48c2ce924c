//! The issuer's discovery document (OpenID Connect Discovery 1.0 section 3) and key set (RFC 7517 section 5).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer;
use super::fault::Fault;
use super::state::Shared;

pub(super) async fn discovery(State(shared): State<Arc<Shared>>) -> Response {
    let at = |path: &str| format!("{}{path}", shared.url);
    let fault = shared.fault();
    let mut document = json!({
        "issuer": match fault {
            Some(Fault::WrongIssuerInDiscovery) => at("/another"),
            _ => shared.url.clone(),
        },
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": match fault {
            Some(Fault::InsecureEndpointInDiscovery) => "http://idp.example/token".to_owned(),
            _ => at("/token"),
        },
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "scopes_supported": ["openid", "email", "profile"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [shared.options.algorithm.as_str()],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    if !shared.options.advertised_methods.is_empty() {
        document["token_endpoint_auth_methods_supported"] = json!(shared.options.advertised_methods);
    }
    answer::json(StatusCode::OK, &document)
}

pub(super) async fn jwks(State(shared): State<Arc<Shared>>) -> Response {
    let memory = shared.memory();
    let mut keys: Vec<Value> = memory.keys.iter().map(|key| key.public.clone()).collect();
    if memory.fault == Some(Fault::UnknownKeyTypeInJwks) {
        keys.insert(0, json!({ "kty": "XYZ", "kid": "tomorrow", "alg": "XYZ-512", "use": "sig", "x": 42 }));
    }
    answer::json(StatusCode::OK, &json!({ "keys": keys }))
}
