//! Refresh tokens: rotated on every use, a reuse revokes the family, a lost answer is given again (RFC 9700 section 4.14).
//!
//! The successor is computed from the token and a salt in the row, so that within the grace the predecessor gets the very
//! same successor again, without a write and without a fork. The first use of the successor ends the window by itself,
//! since the row then has another predecessor.

use crate::app::App;
use crate::clock::UnixTime;
use crate::flow::journey::request;
use crate::flow::person::admission;
use crate::oauth::client::Client;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::Grant;
use crate::oauth::params::Params;
use crate::oauth::resource::Resource;
use crate::oauth::scope::{self, Scopes};
use crate::oauth::token::{RefreshToken, Salt, TokenHash};
use crate::store::{OwnedGrant, Rotation, StoredGrant};

use super::issue::{self, Issued, Order};
use super::revoke;

/// Answers a refresh request. Whatever is wrong with it, the token stays good, unless it was used before.
pub async fn refresh(app: &App, client: &Client, params: &Params, now: UnixTime) -> Result<Issued, Error> {
    if !client.may_refresh() {
        let description = "The client did not register the grant type refresh_token.";
        return Err(Error::new(ErrorCode::UnauthorizedClient, description));
    }
    let token = RefreshToken::parse(params.required("refresh_token")?).ok_or_else(unknown_token)?;
    let asked = Asked {
        scopes: params.one("scope")?.map(Scopes::parse).transpose()?,
        resource: issue::asked_resource(params)?,
    };
    issue::ready(app, now)?;
    let is_plain = |only: &&Resource| asked.is_plain(only) && app.settings.access.is_open();
    let only = issue::only_resource(app).filter(is_plain);
    if only.is_none() {
        judge_before(app, client, &token, &asked, now).await?;
    }

    let (OwnedGrant { mut grant, origin }, successor) = match rotate(app, client, &token, only, now).await? {
        Some(rotated) => rotated,
        None => match explain(app, client, &token, now).await? {
            Verdict::Again(grant, successor) => (grant, successor),
            Verdict::Current(grant) => {
                issue::choose_resource(app, &grant, asked.resource.as_ref())?;
                let faster = || Error::try_later("a refresh token was rotated by others twice while it was looked at");
                rotate(app, client, &token, None, now).await?.ok_or_else(faster)?
            }
            Verdict::Refused(error) => return Err(error),
        },
    };
    admission::verify_origin(app, &grant, origin.as_ref(), now).await?;
    // It was for the first ID token alone (OpenID Connect Core section 12.2).
    grant.nonce.clear();
    let resource = issue::choose_resource(app, &grant, asked.resource.as_ref())?;
    let scopes = narrowed(app, &grant, asked.scopes.as_ref())?;
    let order = Order {
        grant: &grant,
        scopes: &scopes,
        resource,
        refresh_token: Some(successor),
        // Section 12.2 leaves it to us. Most clients are granted `openid` without ever reading an ID token, and its RSA
        // signature costs more than all the rest of a refresh.
        id_token: asked.scopes.is_some_and(|asked| asked.contains(scope::OPENID)),
    };
    issue::issue(app, order, now).await
}

struct Asked {
    scopes: Option<Scopes>,
    resource: Option<Resource>,
}

impl Asked {
    /// Whether the statement alone can judge it: nothing is asked for beyond the only resource there is.
    fn is_plain(&self, only: &Resource) -> bool {
        self.scopes.is_none() && self.resource.as_ref().is_none_or(|resource| resource == only)
    }
}

/// What must be judged before anything is rotated: scope, resource, and whether the person may still come in. Only for
/// the rightful client and a token of this family; for anyone else the statement itself decides.
async fn judge_before(
    app: &App,
    client: &Client,
    token: &RefreshToken,
    asked: &Asked,
    now: UnixTime,
) -> Result<(), Error> {
    let Some(row) = app.store.find_grant(token.id()).await? else { return Err(unknown_token()) };
    if !row.tag.matches(&token.tag()) || row.grant.client != client.id || !is_alive(&row, now) {
        return Ok(());
    }
    let resource = issue::choose_resource(app, &row.grant, asked.resource.as_ref())?;
    issue::refuse_nothing(app, &row.grant, &narrowed(app, &row.grant, asked.scopes.as_ref())?, resource)?;
    admission::verify(app, &row.grant, now).await
}

/// The scopes of the next access token: what was granted, or the part of it that was asked for. Words that no mount knows
/// are dropped; a known scope that was not granted is `invalid_scope` (RFC 6749 section 6).
fn narrowed(app: &App, grant: &Grant, asked: Option<&Scopes>) -> Result<Scopes, Error> {
    let asked = asked.map(|asked| asked.narrow(&request::known_scopes(app))).unwrap_or_default();
    if asked.is_empty() {
        return Ok(grant.scopes.clone());
    }
    if !asked.is_subset(&grant.scopes) {
        return Err(Error::new(ErrorCode::InvalidScope, "A scope was asked for that was not granted."));
    }
    Ok(asked)
}

/// The one statement. `only` is the resource that the grant must be for, where nothing was judged before.
async fn rotate(
    app: &App,
    client: &Client,
    token: &RefreshToken,
    only: Option<&Resource>,
    now: UnixTime,
) -> Result<Option<(OwnedGrant, RefreshToken)>, Error> {
    let salt = Salt::new();
    let successor = token.successor(salt);
    let rotation = Rotation {
        id: token.id(),
        token: &token.hash(),
        successor: &successor.hash(),
        salt: salt.encode(),
        client: &client.id,
        resource: only,
    };
    let grant = app.store.rotate(&rotation, issue::lifetimes(app), now).await?;
    Ok(grant.map(|grant| (grant, successor)))
}

enum Verdict {
    /// The predecessor within the grace: the same successor again.
    Again(OwnedGrant, RefreshToken),
    /// The token is the current one after all: the row changed while it was looked at, or the resource is not the only one.
    Current(Grant),
    /// Refused; any revocation this requires has happened.
    Refused(Error),
}

/// Why nothing was rotated, top to bottom the first that holds.
async fn explain(app: &App, client: &Client, token: &RefreshToken, now: UnixTime) -> Result<Verdict, Error> {
    let refused = |description| Ok(Verdict::Refused(Error::invalid_grant(description)));
    let Some(row) = app.store.find_grant(token.id()).await?.filter(|row| row.tag.matches(&token.tag())) else {
        return Ok(Verdict::Refused(unknown_token()));
    };
    if row.grant.client != client.id {
        tracing::warn!(family = %row.grant.id, client = %client.id, "a refresh token was presented by another client");
        return Ok(Verdict::Refused(unknown_token()));
    }
    if !is_alive(&row, now) {
        return refused("The refresh token has expired or was revoked.");
    }
    let presented = token.hash();
    if presented.matches(&row.refresh) {
        return Ok(Verdict::Current(row.grant));
    }
    // By a clock behind the one that rotated, no time has passed.
    let grace = app.settings.tokens.refresh_grace;
    let is_within_grace = !grace.is_zero() && now <= row.rotated_at + grace;
    let is_predecessor = presented.matches(&row.predecessor);
    if is_predecessor
        && is_within_grace
        && let Some(successor) = again(&row, token)
    {
        log_repeat(app, &row, now);
        return Ok(Verdict::Again(OwnedGrant { grant: row.grant, origin: row.origin }, successor));
    }
    let why = if is_predecessor { "reuse" } else { "reuse_old" };
    tracing::warn!(family = %row.grant.id, client = %client.id, why, "a refresh token was used twice: its family is revoked");
    revoke::revoke(app, row.grant.id, why, now).await?;
    refused("The refresh token was used before; the grant is revoked.")
}

/// How long after a rotation a repeat counts as two requests of one client that crossed, in seconds.
const RACE: i64 = 10;

/// Tells the operator of a predecessor that was used once more within the grace. A client whose answer got lost does that
/// once. A thief who does it in each window gets what the client gets, and is never revoked: two generations in a row with
/// a late repeat look like one.
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

/// The successor that the predecessor was answered with.
fn again(row: &StoredGrant, token: &RefreshToken) -> Option<RefreshToken> {
    let successor = token.successor(Salt::from_stored(&row.salt)?);
    let hash: TokenHash = successor.hash();
    hash.matches(&row.refresh).then_some(successor)
}

/// Whether the family is neither revoked nor over.
pub(crate) fn is_alive(row: &StoredGrant, now: UnixTime) -> bool {
    !row.is_revoked() && row.grant.expires_at > now && row.refresh_expires_at > now
}

fn unknown_token() -> Error {
    Error::invalid_grant("The refresh token is unknown, or was given to another client.")
}
