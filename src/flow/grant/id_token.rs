//! The ID token that goes with an access token (OpenID Connect Core section 2), if `openid` was granted.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::token::userinfo::About;
use crate::keys::Purpose;
use crate::oauth::error::Error;
use crate::oauth::grant::Grant;
use crate::oauth::scope::Scopes;

/// The claims of an ID token (OpenID Connect Core section 2).
#[derive(Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    nonce: &'a str,
    at_hash: String,
    #[serde(flatten)]
    about: About,
}

/// The access token that an ID token goes with.
pub(super) struct Companion<'a> {
    /// The encoded token, for `at_hash`.
    pub access_token: &'a str,
    pub scopes: &'a Scopes,
    pub expires_at: UnixTime,
}

/// Signs the ID token that goes with an access token. It expires at the same time.
///
/// The code is spent by now. If the person cannot be loaded, their claims are left out, so that the client still gets its
/// tokens. It can fetch the claims from the UserInfo endpoint.
pub(super) async fn id_token(app: &App, grant: &Grant, with: Companion<'_>, now: UnixTime) -> Result<String, Error> {
    let person = app.store.find_person(&grant.person).await.unwrap_or_else(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "an ID token says nothing about the person");
        None
    });
    let claims = IdClaims {
        iss: app.settings.issuer.as_str(),
        sub: grant.person.as_str(),
        aud: grant.client.as_str(),
        exp: with.expires_at.0,
        iat: now.0,
        auth_time: grant.auth_time.map(|time| time.0),
        nonce: &grant.nonce,
        at_hash: at_hash(with.access_token),
        about: person.map(|person| About::new(person, with.scopes)).unwrap_or_default(),
    };
    app.key_ring().sign(Purpose::Id, &claims, now).map_err(Error::unavailable)
}

/// The left half of the access token's hash, by the hash function of RS256 (OpenID Connect Core section 3.1.3.6).
fn at_hash(access_token: &str) -> String {
    let hash = digest(&SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenID Connect Core appendix A.3: the access token of its examples.
    #[test]
    fn at_hash_as_in_openid_connect_core() {
        assert_eq!(at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
