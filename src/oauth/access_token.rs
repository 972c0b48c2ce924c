//! Access tokens as JWTs (RFC 9068).

use serde::{Deserialize, Serialize};

/// The claims of an access token (RFC 9068 section 2.2). `aud` is one string: a list is not ours.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AccessClaims {
    /// The issuer.
    pub iss: String,
    /// The person.
    pub sub: String,
    /// The one resource.
    pub aud: String,
    /// The client.
    pub client_id: String,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// When it was issued.
    pub iat: i64,
    /// When it expires.
    pub exp: i64,
    /// Its own name.
    pub jti: String,
    /// The family: the grant that it came from.
    pub fam: String,
    /// When the person signed in, if the upstream told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
}
