//! The claims about the person that a client may get (OpenID Connect Core section 5), and the UserInfo response. Only if
//! `openid` was granted; `email` and `profile` add claims.

use serde::Serialize;

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::Person;
use crate::oauth::scope::{self, Scopes};

use super::verify::{self, Audience};

/// The names of all claims, as the metadata lists them.
pub(crate) const CLAIMS: [&str; 11] =
    ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "email", "email_verified", "name"];

/// The claims about the person, except for their id. Each claim is present only if it is granted and known.
#[derive(Debug, Default, Serialize)]
pub(crate) struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl About {
    /// The claims that these scopes grant (OpenID Connect Core section 5.4).
    pub(crate) fn new(person: Person, scopes: &Scopes) -> Self {
        let is_vouched_for = person.is_email_vouched_for();
        let email = person.email.filter(|_| scopes.contains(scope::EMAIL));
        About {
            email_verified: email.is_some().then_some(is_vouched_for),
            email,
            name: person.name.filter(|_| scopes.contains(scope::PROFILE)),
        }
    }
}

/// The UserInfo response (OpenID Connect Core section 5.3.2).
#[derive(Debug, Serialize)]
pub(crate) struct UserInfo {
    sub: String,
    #[serde(flatten)]
    about: About,
}

/// The claims about the person, as stored now, for the bearer of an access token for any of this server's resources.
pub(crate) async fn userinfo(app: &App, token: &str, now: UnixTime) -> Result<UserInfo, Error> {
    let verified = verify::verify(app, token, Audience::Ours, now).await?;
    if !verified.scopes.contains(scope::OPENID) {
        return Err(Error::new(ErrorCode::InsufficientScope, "The access token was granted without openid."));
    }
    let person = app.store.find_person(&verified.person.id).await?.unwrap_or_else(|| verified.person.clone());
    Ok(UserInfo { sub: person.id.to_string(), about: About::new(person, &verified.scopes) })
}
