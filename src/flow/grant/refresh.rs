//! Refresh tokens are rotated on every use. A reuse revokes the family; a lost answer is repeated (RFC 9700 section 4.14).
//!
//! The row has the hashes of two tokens: the current one, and its predecessor. What happens depends on what is
//! presented:
//!
//! - **The current token** is rotated: a successor becomes the current token. Of parallel requests with the same token,
//!   one rotates it. For the others it is then the predecessor.
//! - **The predecessor**, within `tokens.refresh_grace` of the rotation, gets the same successor again, and a new
//!   access token, without a write. The successor can be computed again, from the token and a salt in the row, so the
//!   family never has two branches. Once the successor is used, the row has another predecessor, and this token is an
//!   older one.
//! - **The predecessor later, or any older token** revokes the family. An older token is known by its tag, which all
//!   tokens of a family share.
//!
//! An ID token comes with a refresh only if the request names the scope `openid`.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::revocations;
use crate::oauth::client::Client;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::{Grant, GrantId};
use crate::oauth::params::Params;
use crate::oauth::resource::Resource;
use crate::oauth::scope;
use crate::oauth::token::{RefreshToken, Salt, TokenHash};
use crate::store::{OwnedGrant, Rotation, StoredGrant};

use super::judge;
use super::presented::{Presented, Request, Spent};

/// A refresh token, of any generation, as presented.
pub(super) struct Token(RefreshToken);

impl Token {
    pub(super) fn parse(client: &Client, params: &Params) -> Result<Self, Error> {
        if !client.may_refresh() {
            let description = "The client did not register the grant type refresh_token.";
            return Err(Error::new(ErrorCode::UnauthorizedClient, description));
        }
        RefreshToken::parse(params.required("refresh_token")?).map(Token).ok_or_else(unknown_token)
    }

    /// Rotates by one guarded statement.
    async fn rotate(
        &self,
        app: &App,
        request: &Request<'_>,
        only: Option<&Resource>,
    ) -> Result<Option<Rotated>, Error> {
        let Token(token) = self;
        let salt = Salt::new();
        let successor = token.successor(salt);
        let rotation = Rotation {
            id: token.id(),
            token: &token.hash(),
            successor: &successor.hash(),
            salt: salt.encode(),
            client: &request.client.id,
            resource: only,
        };
        let owned = app.store.rotate(&rotation, app.grant_lifetimes(), request.now).await?;
        Ok(owned.map(|owned| Rotated { owned, successor }))
    }

    /// Why nothing was rotated: the first reason, from top to bottom, that applies.
    async fn explain(&self, app: &App, request: &Request<'_>) -> Result<Verdict, Error> {
        let (Token(token), client, now) = (self, request.client, request.now);
        let row = app.store.find_grant(token.id()).await?.filter(|row| row.tag.matches(&token.tag()));
        let row = row.ok_or_else(unknown_token)?;
        if row.grant.client != client.id {
            tracing::warn!(family = %row.grant.id, client = %client.id, "a refresh token was presented by another client");
            return Err(unknown_token());
        }
        if !row.is_alive(now) {
            return Err(Error::invalid_grant("The refresh token has expired or was revoked."));
        }
        let presented = token.hash();
        if presented.matches(&row.refresh) {
            return Ok(Verdict::Current(row.grant));
        }
        // If this clock is behind the one that rotated, no time has passed.
        let grace = app.settings.tokens.refresh_grace;
        let is_within_grace = !grace.is_zero() && now <= row.rotated_at + grace;
        let is_predecessor = presented.matches(&row.predecessor);
        if is_predecessor
            && is_within_grace
            && let Some(successor) = successor_of(&row, token)
        {
            log_repeat(app, &row, now);
            let owned = OwnedGrant { grant: row.grant, origin: row.origin };
            return Ok(Verdict::Again(Rotated { owned, successor }));
        }
        let why = if is_predecessor { "reuse" } else { "reuse_old" };
        tracing::warn!(family = %row.grant.id, client = %client.id, why, "a refresh token was used twice: its family is revoked");
        revocations::revoke(app, row.grant.id, why, now).await?;
        Err(Error::invalid_grant("The refresh token was used before; the grant is revoked."))
    }
}

/// The outcome of a refresh token: its grant, and the successor.
struct Rotated {
    owned: OwnedGrant,
    successor: RefreshToken,
}

/// What to do with a token that was not rotated, if it is not to be rejected.
enum Verdict {
    /// It is the predecessor, within the grace period: it gets the same successor again.
    Again(Rotated),
    /// It is the current token after all: the row changed meanwhile, or the grant is not for the only resource alone.
    /// It may be rotated if the resource can be decided; one more attempt is made.
    Current(Grant),
}

impl Presented for Token {
    fn grant(&self) -> GrantId {
        self.0.id()
    }

    fn unknown(&self) -> Error {
        unknown_token()
    }

    fn is_judged_first(&self, row: &StoredGrant, request: &Request<'_>) -> bool {
        row.tag.matches(&self.0.tag()) && row.grant.client == request.client.id && row.is_alive(request.now)
    }

    async fn spend(&self, app: &App, request: &Request<'_>, only: Option<&Resource>) -> Result<Spent, Error> {
        let Rotated { mut owned, successor } = match self.rotate(app, request, only).await? {
            Some(rotated) => rotated,
            None => match self.explain(app, request).await? {
                Verdict::Again(rotated) => rotated,
                Verdict::Current(grant) => {
                    judge::resource(app, &grant, request.asked.resource.as_ref())?;
                    let faster =
                        || Error::try_later("a refresh token was rotated by others twice while it was looked at");
                    self.rotate(app, request, None).await?.ok_or_else(faster)?
                }
            },
        };
        // The nonce belongs to the first ID token only (OpenID Connect Core section 12.2).
        owned.grant.nonce.clear();
        // Section 12.2 makes it optional. Most clients that are granted `openid` never read an ID token, and its RSA
        // signature costs more than the rest of a refresh.
        let id_token = request.asked.scopes.as_ref().is_some_and(|asked| asked.contains(scope::OPENID));
        Ok(Spent { owned, refresh_token: Some(successor), id_token })
    }
}

/// How long after a rotation a repeat is logged as two parallel requests of one client, in seconds. Only the log
/// depends on it: what the client gets depends on the grace period.
const RACE: i64 = 10;

/// Logs for the operator that a predecessor was used again within the grace period. A client that lost an answer does
/// that once. A thief with a copy of the client's tokens could do it after each of its refreshes, which never revokes
/// the family. So late repeats in two generations in a row are logged as suspicious.
fn log_repeat(app: &App, row: &StoredGrant, now: UnixTime) {
    let (family, client, generation) = (row.grant.id, &row.grant.client, row.generation);
    let seconds = now.since(row.rotated_at);
    if seconds <= RACE {
        tracing::debug!(%family, %client, generation, seconds, "a refresh was repeated at once");
    } else if app.memory.repeats.note(family, generation) {
        tracing::warn!(
            %family, %client, generation, seconds,
            "a refresh was repeated late, as the one before it: somebody else may have the client's refresh tokens"
        );
    } else {
        tracing::info!(%family, %client, generation, seconds, "a refresh was repeated: its answer may have been lost");
    }
}

/// The successor that the predecessor got before.
fn successor_of(row: &StoredGrant, token: &RefreshToken) -> Option<RefreshToken> {
    let successor = token.successor(Salt::from_stored(&row.salt)?);
    let hash: TokenHash = successor.hash();
    hash.matches(&row.refresh).then_some(successor)
}

fn unknown_token() -> Error {
    Error::invalid_grant("The refresh token is unknown, or was given to another client.")
}
