//! Issues tokens: access tokens as JWTs (RFC 9068), and the content of the token response (RFC 6749 section 5.1).

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::scopes;
use crate::keys::Purpose;
use crate::oauth::access_token::AccessClaims;
use crate::oauth::error::Error;
use crate::oauth::grant::Grant;
use crate::oauth::resource::Resource;
use crate::oauth::scope::{self, Scopes};
use crate::oauth::token::RefreshToken;
use crate::random;

use super::id_token::{self, Companion};

/// What to issue: an access token of a grant for one resource, and what goes with it.
pub(crate) struct Order<'a> {
    pub grant: &'a Grant,
    /// The scopes. Those that the resource does not know are left out.
    pub scopes: &'a Scopes,
    pub resource: &'a Resource,
    /// The refresh token for the client, if it may refresh.
    pub refresh_token: Option<RefreshToken>,
    /// Whether to issue an ID token, if `openid` is among the scopes.
    pub id_token: bool,
}

/// What a client gets for a successful token request.
pub(crate) struct Issued {
    pub access_token: String,
    /// The access token's lifetime in seconds.
    pub expires_in: i64,
    /// The refresh token, if the client may refresh.
    pub refresh_token: Option<RefreshToken>,
    /// The ID token, if `openid` is among the scopes.
    pub id_token: Option<String>,
    /// The scopes of the access token.
    pub scopes: Scopes,
}

/// Verifies that a token could be signed now. Called before anything is spent.
pub(crate) fn ready(app: &App, now: UnixTime) -> Result<(), Error> {
    let ring = app.key_ring();
    match Purpose::ALL.into_iter().all(|purpose| ring.signer(purpose, now).is_some()) {
        true => Ok(()),
        false => Err(Error::unavailable("no key may sign now")),
    }
}

/// Issues an access token, and an ID token with the grant's nonce if the order asks for one.
pub(crate) async fn issue(app: &App, order: Order<'_>, now: UnixTime) -> Result<Issued, Error> {
    let Order { grant, scopes, resource, refresh_token, .. } = order;
    let scopes = scopes::at(app, scopes, resource)?;
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
            Some(id_token::id_token(app, grant, companion, now).await?)
        }
        false => None,
    };
    Ok(Issued { access_token, expires_in: expires_at.since(now), refresh_token, id_token, scopes })
}
