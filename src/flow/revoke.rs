//! Revocation: by the client (RFC 7009), or because something showed that a grant is in the wrong hands.

use crate::app::App;
use crate::clock::UnixTime;
use crate::oauth::client::{Client, ClientId};
use crate::oauth::error::Error;
use crate::oauth::grant::GrantId;
use crate::oauth::params::Params;
use crate::oauth::token::RefreshToken;

use super::verify;

/// Answers a revocation request: any token of a family, presented by its own client, revokes the family. A token that is
/// unknown or another client's changes and tells nothing (RFC 7009 section 2.2).
pub async fn request(app: &App, client: &Client, params: &Params, now: UnixTime) -> Result<(), Error> {
    let token = params.required("token")?;
    let family = match RefreshToken::parse(token) {
        Some(refresh) => Some((refresh.id(), Some(refresh.tag()))),
        None => access_family(app, client, token, now).map(|family| (family, None)),
    };
    let Some((family, tag)) = family else { return Ok(()) };
    let Some(row) = app.store.find_grant(family).await? else { return Ok(()) };
    if row.grant.client == client.id && tag.is_none_or(|tag| tag.matches(&row.tag)) {
        revoke(app, family, "client", now).await?;
    }
    Ok(())
}

/// The family of a genuine access token of this client, expired or not: whoever shows it had it.
fn access_family(app: &App, client: &Client, token: &str, now: UnixTime) -> Option<GrantId> {
    let (_, claims) = verify::read(app, token, now).ok()?;
    let is_ours = claims.iss == app.settings.issuer.as_str();
    (is_ours && claims.client_id == client.id.as_str()).then(|| GrantId::parse(&claims.fam))?
}

/// Revokes all that was granted to a client, for good: it is being deleted.
pub async fn all_of_client(app: &App, client: &ClientId, now: UnixTime) -> Result<(), Error> {
    let least = now + super::issue::lifetimes(app).access;
    loop {
        let revoked = app.store.revoke_some_of_client(client, "client_deleted", now).await?;
        if revoked.is_empty() {
            return Ok(());
        }
        app.memory.revoke(revoked.into_iter().map(|(family, until)| (family, until.max(least))));
    }
}

/// Revokes a family. The guard of this process knows before anybody is answered, the others within their next poll.
pub async fn revoke(app: &App, family: GrantId, why: &'static str, now: UnixTime) -> Result<(), Error> {
    let until = app.store.revoke_family(family, why, now).await?;
    if until.is_some() {
        tracing::info!(%family, why, "revoked");
    }
    // For a whole life, since a request that redeemed before may sign after; and where it was revoked before too, since
    // whoever did may not have come this far.
    let until = until.unwrap_or(now).max(now + super::issue::lifetimes(app).access);
    app.memory.revoke([(family, until)]);
    Ok(())
}
