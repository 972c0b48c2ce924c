//! The metadata documents (RFC 8414, OpenID Connect Discovery, RFC 9728), built from the settings alone, never from a
//! request.

use crate::config::settings::{Mount, Settings};
use crate::flow::app::App;
use crate::keys::{Purpose, foreign};
use crate::oauth::auth_method::AuthMethod;
use crate::oauth::metadata::{AuthorizationServerMetadata, ProtectedResourceMetadata};
use crate::oauth::scope::Scopes;

use super::keys;
use super::scopes;
use super::token::userinfo;

/// The document of RFC 8414 section 2 and OpenID Connect Discovery section 3.
pub(crate) fn authorization_server(app: &App) -> AuthorizationServerMetadata {
    let Settings { issuer, clients, brand, mounts, .. } = &app.settings;
    let auth_methods: Vec<&str> = AuthMethod::ALL.into_iter().map(AuthMethod::as_str).collect();
    let confidential = auth_methods.iter().copied().filter(|method| *method != AuthMethod::None.as_str()).collect();
    AuthorizationServerMetadata {
        issuer: issuer.as_str().to_owned(),
        authorization_endpoint: issuer.at("/oauth/authorize"),
        token_endpoint: issuer.at("/oauth/token"),
        registration_endpoint: clients.registration.then(|| issuer.at("/oauth/register")),
        revocation_endpoint: issuer.at("/oauth/revoke"),
        userinfo_endpoint: clients.openid.then(|| issuer.at("/oauth/userinfo")),
        jwks_uri: issuer.at("/oauth/jwks"),
        scopes_supported: scopes::supported(app).to_vec(),
        response_types_supported: vec!["code"],
        response_modes_supported: vec!["query"],
        grant_types_supported: vec!["authorization_code", "refresh_token"],
        token_endpoint_auth_methods_supported: auth_methods.clone(),
        token_endpoint_auth_signing_alg_values_supported: foreign::ALGORITHMS.to_vec(),
        revocation_endpoint_auth_methods_supported: auth_methods,
        revocation_endpoint_auth_signing_alg_values_supported: foreign::ALGORITHMS.to_vec(),
        introspection_endpoint: issuer.at("/oauth/introspect"),
        introspection_endpoint_auth_methods_supported: confidential,
        introspection_endpoint_auth_signing_alg_values_supported: foreign::ALGORITHMS.to_vec(),
        code_challenge_methods_supported: vec!["S256"],
        authorization_response_iss_parameter_supported: true,
        subject_types_supported: vec!["public"],
        id_token_signing_alg_values_supported: vec![keys::algorithm(app, Purpose::Id).as_str()],
        claims_supported: if clients.openid { userinfo::CLAIMS.to_vec() } else { Vec::new() },
        prompt_values_supported: vec!["none", "login", "consent", "select_account"],
        request_uri_parameter_supported: false,
        client_id_metadata_document_supported: clients.documents.on,
        protected_resources: mounts.iter().map(|mount| mount.resource.to_string()).collect(),
        service_documentation: Some(issuer.at("/")),
        op_policy_uri: brand.privacy_url.clone(),
        op_tos_uri: brand.terms_url.clone(),
    }
}

/// The document of RFC 9728 section 2. It does not list the authorization server's own scopes, such as `offline_access`.
pub(crate) fn protected_resource(app: &App, mount: &Mount) -> ProtectedResourceMetadata {
    let Settings { issuer, brand, .. } = &app.settings;
    ProtectedResourceMetadata {
        resource: mount.resource.to_string(),
        authorization_servers: vec![issuer.as_str().to_owned()],
        scopes_supported: mount.known_scopes().to_vec(),
        bearer_methods_supported: vec!["header"],
        resource_name: Some(brand.name.clone()),
        resource_policy_uri: brand.privacy_url.clone(),
        resource_tos_uri: brand.terms_url.clone(),
    }
}

/// The URL of a mount's metadata: the well-known name stands between host and path (RFC 9728 section 3.1).
pub(crate) fn protected_resource_url(settings: &Settings, mount: &Mount) -> String {
    let Settings { issuer, .. } = settings;
    format!("{}/.well-known/oauth-protected-resource{}{}", issuer.origin(), issuer.prefix(), mount.path)
}

/// The scopes that a challenge names: the default ones, and those that every call requires.
pub(crate) fn challenge_scopes(mount: &Mount) -> Scopes {
    mount.default_scopes.union(&mount.required_scopes)
}
