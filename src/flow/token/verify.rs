//! Verifies access tokens: one function for the guard, the UserInfo endpoint and introspection.
//!
//! A signature is verified once; the claims are then remembered by the SHA-256 of the token. The decision is never
//! remembered: every call checks audience, expiry, key, and revocation.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use crate::clock::UnixTime;
use crate::flow::app::{App, Verified};
use crate::flow::client::find::{self, Need};
use crate::flow::client::not_found::NotFound;
use crate::flow::keys as key_flow;
use crate::flow::person::admission;
use crate::flow::revocations;
use crate::keys::{self, Purpose, Signed};
use crate::oauth::access_token::AccessClaims;
use crate::oauth::client_id::ClientId;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::GrantId;
use crate::oauth::resource::Resource;
use crate::oauth::scope::Scopes;

/// Which resource a token has to be for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Audience<'a> {
    Only(&'a Resource),
    /// Any resource that is served here.
    Ours,
}

/// Verifies `token` for this audience. The error is `invalid_token`, or `temporarily_unavailable` if the token cannot be
/// judged now.
pub(crate) async fn verify(
    app: &App,
    token: &str,
    audience: Audience<'_>,
    now: UnixTime,
) -> Result<Arc<Verified>, Error> {
    revocations::fresh_enough(app, now).await?;
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    let verified = match app.memory.verified.get(&hash) {
        Some(verified) => verified,
        None => {
            let verified = Arc::new(verify_unseen(app, token, now).await?);
            app.memory.verified.insert(hash, verified.clone());
            verified
        }
    };
    let is_meant = match audience {
        Audience::Only(resource) => verified.audience == *resource,
        Audience::Ours => app.settings.mount(&verified.audience).is_some(),
    };
    if !is_meant {
        return Err(invalid("The access token is for another resource."));
    }
    if verified.expires_at <= now {
        return Err(invalid("The access token has expired."));
    }
    let ring = app.key_ring();
    if !ring.published(Purpose::Access, app.horizon(now)).any(|key| key.kid == verified.kid) {
        return Err(invalid("The access token is signed by a key that is not valid any more."));
    }
    if app.memory.is_revoked(verified.family) {
        return Err(invalid("The access token was revoked."));
    }
    Ok(verified)
}

/// Notes that a valid token was used at its mount.
pub(crate) fn note(app: &App, token: &Verified) {
    app.memory.note_token(token);
}

/// When the last token of the same family that was used at the same mount expires.
pub(crate) fn last_expiry(app: &App, token: &Verified) -> UnixTime {
    app.memory.last_expiry(token)
}

/// Verifies a token that this process has not seen before.
async fn verify_unseen(app: &App, token: &str, now: UnixTime) -> Result<Verified, Error> {
    let Signed { kid, claims } = match verify_signature(app, token, now) {
        Err(keys::Error::UnknownKey) if app.memory.may_read_keys(now) => {
            key_flow::load(app).await.map_err(Error::unavailable)?;
            verify_signature(app, token, now)
        }
        other => other,
    }
    .map_err(|error| invalid("The access token is not one of ours.").because(error))?;
    let malformed = || invalid("The access token is malformed.");
    if claims.iss != app.settings.issuer.as_str() {
        return Err(invalid("The access token is of another issuer."));
    }
    let family = GrantId::parse(&claims.fam).ok_or_else(malformed)?;
    let audience = Resource::parse(&claims.aud).map_err(|_| malformed())?;
    let client = ClientId::from_stored(&claims.client_id).ok_or_else(malformed)?;
    if app.memory.is_revoked(family) {
        return Err(invalid("The access token was revoked."));
    }
    // A missing row must never count as "not revoked".
    let row = app.store.find_grant(family).await?.filter(|row| !row.is_revoked());
    let row = row.ok_or_else(|| invalid("The access token was revoked."))?;
    if row.grant.person.as_str() != claims.sub || row.grant.client != client {
        return Err(malformed());
    }
    let person = app.store.find_person(&row.grant.person).await?;
    if row.origin.is_none_or(|origin| !admission::is_of_an_upstream(&app.settings, &origin)) {
        return Err(invalid("The identity provider of the person is not one of this server's any more."));
    }
    let known = match find::find(app, &client, Need::AtHand, now).await {
        Err(NotFound::Fault(error)) => return Err(error),
        known => known.ok(),
    };
    Ok(Verified {
        family,
        kid,
        audience,
        id: claims.jti,
        issued_at: UnixTime(claims.iat),
        expires_at: UnixTime(claims.exp),
        scopes: Scopes::parse(&claims.scope).map_err(|_| malformed())?,
        client_name: known.map_or_else(|| client.to_string(), |client| client.name().to_owned()),
        client,
        person: person.ok_or_else(|| invalid("The person is not known any more."))?,
    })
}

/// Verifies that this server signed the access token. It may have expired or be revoked.
pub(crate) fn verify_signature(app: &App, token: &str, now: UnixTime) -> Result<Signed<AccessClaims>, keys::Error> {
    app.key_ring().verify(Purpose::Access, token, app.horizon(now))
}

fn invalid(description: &'static str) -> Error {
    Error::new(ErrorCode::InvalidToken, description)
}
