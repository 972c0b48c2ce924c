//! Revocation: by the client (RFC 7009), or because something showed that a grant is in the wrong hands.

use std::sync::Arc;

use crate::app::{App, Memory};
use crate::clock::UnixTime;
use crate::flow::to_the_end;
use crate::flow::token::verify;
use crate::oauth::client::{Client, ClientId};
use crate::oauth::error::Error;
use crate::oauth::grant::GrantId;
use crate::oauth::params::Params;
use crate::oauth::token::RefreshToken;
use crate::store::Store;

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

/// Revokes a family. The guard of this process knows before anybody is answered, the others within their next poll.
pub async fn revoke(app: &App, family: GrantId, why: &'static str, now: UnixTime) -> Result<(), Error> {
    let ending = Ending::new(app, now);
    to_the_end(async move { ending.family(family, why).await }).await.map_err(Error::server)?
}

/// Deletes a registered client. What it was granted is revoked first, and once more afterwards, for what a person allowed
/// it meanwhile: a code that is given later finds no client to redeem it.
pub async fn delete_client(app: &App, client: &Client, now: UnixTime) -> Result<(), Error> {
    let (ending, client) = (Ending::new(app, now), client.clone());
    let deletion = async move {
        ending.all_of(&client.id).await?;
        ending.store.delete_client(&client).await?;
        ending.all_of(&client.id).await
    };
    to_the_end(deletion).await.map_err(Error::server)?
}

/// Revokes in the database and in this process's memory: what ends in the one must end in the other, whether the request
/// still waits or not.
struct Ending {
    store: Store,
    memory: Arc<Memory>,
    now: UnixTime,
    /// Until when memory keeps a family at least.
    least: UnixTime,
}

impl Ending {
    fn new(app: &App, now: UnixTime) -> Self {
        let least = now + super::issue::lifetimes(app).access;
        Ending { store: app.store.clone(), memory: app.memory.clone(), now, least }
    }

    async fn family(&self, family: GrantId, why: &'static str) -> Result<(), Error> {
        let until = self.store.revoke_family(family, why, self.now).await.inspect_err(|error| {
            // The request may be over, and then nobody else says so.
            tracing::error!(%family, why, error = error as &dyn std::error::Error, "a family could not be revoked");
        })?;
        if until.is_some() {
            tracing::info!(%family, why, "revoked");
        }
        // For a whole lifetime of an access token: a request that redeemed earlier may still sign. Also if the family was
        // revoked before: this process may not have heard of it.
        self.memory.revoke([(family, until.unwrap_or(self.now).max(self.least))]);
        Ok(())
    }

    async fn all_of(&self, client: &ClientId) -> Result<(), Error> {
        loop {
            let revoked = self.store.revoke_some_of_client(client, "client_deleted", self.now).await?;
            if revoked.is_empty() {
                return Ok(());
            }
            self.memory.revoke(revoked.into_iter().map(|(family, until)| (family, until.max(self.least))));
        }
    }
}
