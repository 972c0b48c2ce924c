//! What a client may learn of the person (OpenID Connect Core sections 2 and 5): the ID token beside an access token, and
//! the answer of the UserInfo endpoint. Both only where `openid` was granted; `email` and `profile` say how much.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::app::App;
use crate::clock::UnixTime;
use crate::keys::Purpose;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::{Grant, Person};
use crate::oauth::scope::{self, Scopes};

use super::verify::{self, Audience};

/// The names of the claims that there may be, as metadata lists them.
pub const CLAIMS: [&str; 11] =
    ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "email", "email_verified", "name"];

/// What is told of the person beside their id; each claim only where it is granted and known.
#[derive(Debug, Default, Serialize)]
struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl About {
    /// What these scopes tell of the person (OpenID Connect Core section 5.4).
    fn new(person: Person, scopes: &Scopes) -> Self {
        let is_vouched_for = person.is_email_vouched_for();
        let email = person.email.filter(|_| scopes.contains(scope::EMAIL));
        About {
            email_verified: email.is_some().then_some(is_vouched_for),
            email,
            name: person.name.filter(|_| scopes.contains(scope::PROFILE)),
        }
    }
}

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
pub struct Companion<'a> {
    /// Its text.
    pub access_token: &'a str,
    /// Its scopes.
    pub scopes: &'a Scopes,
    /// When it expires.
    pub expires_at: UnixTime,
}

/// The ID token that goes with an access token. It lives as long.
///
/// By now a code may be spent: if the person cannot be read, what is told of them is left out rather than the answer
/// withheld. The UserInfo endpoint tells it too.
pub async fn id_token(app: &App, grant: &Grant, with: Companion<'_>, now: UnixTime) -> Result<String, Error> {
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

/// The left half of the hash of the access token, by the hash of RS256 (OpenID Connect Core section 3.1.3.6).
fn at_hash(access_token: &str) -> String {
    let hash = digest(&SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

/// The answer of the UserInfo endpoint (OpenID Connect Core section 5.3.2).
#[derive(Debug, Serialize)]
pub struct UserInfo {
    sub: String,
    #[serde(flatten)]
    about: About,
}

/// What the bearer of an access token of ours, for whichever resource, may learn of the person as they are known now.
pub async fn userinfo(app: &App, token: &str, now: UnixTime) -> Result<UserInfo, Error> {
    let verified = verify::verify(app, token, Audience::Ours, now).await?;
    if !verified.scopes.contains(scope::OPENID) {
        return Err(Error::new(ErrorCode::InsufficientScope, "The access token was granted without openid."));
    }
    let person = app.store.find_person(&verified.person.id).await?.unwrap_or_else(|| verified.person.clone());
    Ok(UserInfo { sub: person.id.to_string(), about: About::new(person, &verified.scopes) })
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
