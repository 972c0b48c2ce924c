//! Making tokens: access tokens as JWTs (RFC 9068), and the answer of the token endpoint (RFC 6749 section 5.1).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::UnixTime;
use crate::flow::token::userinfo::{self, Companion};
use crate::keys::Purpose;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::Grant;
use crate::oauth::params::Params;
use crate::oauth::resource::Resource;
use crate::oauth::scope::{self, Scope, Scopes};
use crate::oauth::token::RefreshToken;
use crate::random;
use crate::store::Lifetimes;

/// The claims of an access token (RFC 9068 section 2.2). `aud` is one string: a list is not ours.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccessClaims {
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

/// What is to be issued: an access token of a grant for one resource, and what goes with it.
pub struct Order<'a> {
    /// The grant.
    pub grant: &'a Grant,
    /// The scopes, or more: those that the resource does not know are left out.
    pub scopes: &'a Scopes,
    /// The resource.
    pub resource: &'a Resource,
    /// The refresh token to hand out, if the client may refresh.
    pub refresh_token: Option<RefreshToken>,
    /// Whether an ID token goes with it if `openid` is among the scopes.
    pub id_token: bool,
}

/// What a successful token request gives.
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// Its life.
    pub expires_in: i64,
    /// The refresh token, where the client may refresh.
    pub refresh_token: Option<RefreshToken>,
    /// The ID token, where `openid` is among the scopes.
    pub id_token: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
}

/// Whether a token could be signed now: asked before anything is spent for it.
pub fn ready(app: &App, now: UnixTime) -> Result<(), Error> {
    let ring = app.key_ring();
    match Purpose::ALL.into_iter().all(|purpose| ring.signer(purpose, now).is_some()) {
        true => Ok(()),
        false => Err(Error::unavailable("no key may sign now")),
    }
}

/// Issues an access token, and an ID token with the grant's nonce if the order asks for one.
pub async fn issue(app: &App, order: Order<'_>, now: UnixTime) -> Result<Issued, Error> {
    let Order { grant, scopes, resource, refresh_token, .. } = order;
    let scopes = scopes_at(app, scopes, resource)?;
    let expires_at = (now + app.settings.tokens.access_lifetime).min(grant.expires_at);
    let claims = AccessClaims {
        iss: app.settings.issuer.as_str().to_owned(),
        sub: grant.person.to_string(),
        aud: resource.to_string(),
        client_id: grant.client.to_string(),
        scope: scopes.to_string(),
        iat: now.0,
        exp: expires_at.0,
        jti: random::text::<16>(),
        fam: grant.id.to_string(),
        auth_time: grant.auth_time.map(|time| time.0),
    };
    let access_token = app.key_ring().sign(Purpose::Access, &claims, now).map_err(Error::unavailable)?;
    let id_token = match order.id_token && scopes.contains(scope::OPENID) {
        true => {
            let companion = Companion { access_token: &access_token, scopes: &scopes, expires_at };
            Some(userinfo::id_token(app, grant, companion, now).await?)
        }
        false => None,
    };
    Ok(Issued { access_token, expires_in: expires_at.since(now), refresh_token, id_token, scopes })
}

/// `invalid_scope` where all of the scopes are those of other resources of the grant, and none is one of this resource:
/// `scope` in an answer is not empty (RFC 6749 section 3.3).
pub fn refuse_nothing(app: &App, grant: &Grant, scopes: &Scopes, resource: &Resource) -> Result<(), Error> {
    let has_some = |resource| scopes_at(app, scopes, resource).is_ok_and(|scopes| !scopes.is_empty());
    if !has_some(resource) && grant.resources.iter().any(has_some) {
        return Err(Error::new(ErrorCode::InvalidScope, "The scopes are those of another resource."));
    }
    Ok(())
}

/// Those of the scopes that the resource or the authorization server itself knows.
fn scopes_at(app: &App, scopes: &Scopes, resource: &Resource) -> Result<Scopes, Error> {
    let mount = app.settings.mount(resource).ok_or_else(not_served)?;
    let is_known =
        |scope: &&Scope| mount.scopes.contains_key(scope.as_str()) || app.settings.is_own_scope(scope.as_str());
    Ok(scopes.iter().filter(is_known).cloned().collect())
}

/// The one resource that a token request names, if it names one (RFC 8707 section 2.2). Each token is for one.
pub fn asked_resource(params: &Params) -> Result<Option<Resource>, Error> {
    let mut resources = params.all("resource").map(Resource::parse);
    let Some(first) = resources.next().transpose()? else { return Ok(None) };
    for other in resources {
        if other? != first {
            return Err(invalid_target("A token is for one resource: name one."));
        }
    }
    Ok(Some(first))
}

/// The resource of the next token: the one that was asked for, else the only one that was granted; still served here.
pub fn choose_resource<'a>(app: &App, grant: &'a Grant, asked: Option<&'a Resource>) -> Result<&'a Resource, Error> {
    let resource = match asked {
        Some(asked) if grant.resources.contains(asked) => asked,
        Some(_) => return Err(invalid_target("The resource was not granted.")),
        None => grant.resources.only().ok_or_else(|| invalid_target("Several resources were granted: name one."))?,
    };
    app.settings.mount(resource).map(|_| resource).ok_or_else(not_served)
}

/// The resource that every grant is for, where only one is served: a statement can check that by itself.
pub fn only_resource(app: &App) -> Option<&Resource> {
    match app.settings.mounts.as_slice() {
        [only] => Some(&only.resource),
        _ => None,
    }
}

fn not_served() -> Error {
    invalid_target("The resource is not served here any more.")
}

/// `invalid_target` (RFC 8707 section 2).
pub fn invalid_target(description: &'static str) -> Error {
    Error::new(ErrorCode::InvalidTarget, description)
}

/// How long what is issued now lives in the database.
pub fn lifetimes(app: &App) -> Lifetimes {
    let tokens = &app.settings.tokens;
    Lifetimes {
        idle: tokens.refresh_idle,
        access: tokens.access_lifetime + tokens.refresh_grace + Duration::from_secs(120),
    }
}
