//! The library's types with jean's own parts filled in, and its errors as [`Error`].
//!
//! This module defines only the shape of the upstream's responses; [`upstream`](super) verifies them.

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGenderClaim,
    CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AdditionalProviderMetadata, DiscoveryError, EmptyExtraTokenFields, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, ErrorResponse, IdTokenFields, ProviderMetadata, RequestTokenError,
    StandardTokenResponse,
};
use serde::{Deserialize, Serialize};

use super::error::{Error, because, invalid};

/// An error of the token endpoint (RFC 6749 section 5.2), in Supabase's own form too: `{"error_code", "msg"}`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct TokenError {
    error: Option<String>,
    error_description: Option<String>,
    error_code: Option<String>,
    msg: Option<String>,
}

impl std::fmt::Display for TokenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.error.as_deref().unwrap_or_default())
    }
}

impl ErrorResponse for TokenError {}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        let description = error.error_description.or(error.msg);
        let description = description.map(|text| format!("{:?}", text.chars().take(300).collect::<String>()).into());
        match error.error.or(error.error_code) {
            Some(code) if matches!(code.as_str(), "temporarily_unavailable" | "server_error" | "slow_down") => {
                Error::Unreachable { at: "the token endpoint".into(), source: code.into() }
            }
            Some(code) => Error::Refused { code, description },
            None => invalid("the token endpoint answered with an error that names no code"),
        }
    }
}

/// What RFC 9207 section 3 adds to a discovery document.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct ExtraMetadata {
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for ExtraMetadata {}

/// Claims in addition to the standard ones. Any shape is accepted here; the code that uses a claim judges it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct ExtraClaims {
    pub hd: Option<serde_json::Value>,
    pub sid: Option<serde_json::Value>,
    pub nbf: Option<serde_json::Value>,
}

impl AdditionalClaims for ExtraClaims {}

pub(super) type Metadata = ProviderMetadata<
    ExtraMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;
pub(super) type IdToken =
    openidconnect::IdToken<ExtraClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(super) type IdTokenClaims = openidconnect::IdTokenClaims<ExtraClaims, CoreGenderClaim>;
pub(super) type UserInfo = openidconnect::UserInfoClaims<ExtraClaims, CoreGenderClaim>;
pub(super) type Tokens = StandardTokenResponse<
    IdTokenFields<
        ExtraClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
pub(super) type Client = openidconnect::Client<
    ExtraClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    TokenError,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

pub(super) fn discovery_error(error: DiscoveryError<Error>) -> Error {
    match error {
        DiscoveryError::Request(error) => error,
        DiscoveryError::Response(_, _, reason) => invalid(reason),
        DiscoveryError::Validation(reason) => invalid(reason),
        error => because("the discovery document or the key set cannot be read", error),
    }
}

/// Converts the library's error. Drops the response's body, which may contain tokens.
pub(super) fn token_error(error: RequestTokenError<Error, TokenError>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(error) => error.into(),
        RequestTokenError::Parse(error, _) => because("the token endpoint's answer cannot be read", error),
        RequestTokenError::Other(reason) => because("the token endpoint's answer cannot be read", reason),
    }
}
