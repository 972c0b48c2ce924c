//! The decisions that all grant types share: resource, scopes, and whether the person may still come in.
//!
//! Most requests need no decision before they spend, since the statement that spends decides: there is one mount, the
//! request names no other resource and no scopes, and `[access]` lists nobody. For others the grant's row is loaded and
//! judged first, so that a rejected request spends nothing. For all, [`origin`] looks at the provider after spending.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::person::admission;
use crate::flow::revocations;
use crate::flow::scopes::{self, not_served};
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::{Grant, Origin};
use crate::oauth::resource::Resource;
use crate::oauth::scope::Scopes;

use super::presented::{Asked, Presented, Request};

/// The only resource there is, if the statement that spends can decide about the request alone.
pub(super) fn by_the_statement_alone<'a>(app: &'a App, asked: &Asked) -> Option<&'a Resource> {
    match app.settings.mounts.as_slice() {
        [only] if asked.is_plain(&only.resource) && app.settings.access.is_open() => Some(&only.resource),
        _ => None,
    }
}

/// Judges what one statement cannot: which of several resources, fewer scopes, and whether the person may still come in.
/// Skips what [`Presented::is_judged_first`] excludes: the statement that spends rejects it, and finds out why.
pub(super) async fn before_spending(app: &App, presented: &impl Presented, request: &Request<'_>) -> Result<(), Error> {
    let Some(row) = app.store.find_grant(presented.grant()).await? else { return Err(presented.unknown()) };
    if !presented.is_judged_first(&row, request) {
        return Ok(());
    }
    let resource = resource(app, &row.grant, request.asked.resource.as_ref())?;
    let scopes = scopes(app, &row.grant, request.asked.scopes.as_ref())?;
    require_some(app, &row.grant, &scopes, resource)?;
    admission(app, &row.grant, request.now).await
}

/// The resource of the next token: the requested one, else the only one that was granted. It must still be served here.
pub(super) fn resource<'a>(app: &App, grant: &'a Grant, asked: Option<&'a Resource>) -> Result<&'a Resource, Error> {
    let resource = match asked {
        Some(asked) if grant.resources.contains(asked) => asked,
        Some(_) => return Err(Error::invalid_target("The resource was not granted.")),
        None => {
            let several = || Error::invalid_target("Several resources were granted: name one.");
            grant.resources.only().ok_or_else(several)?
        }
    };
    app.settings.mount(resource).map(|_| resource).ok_or_else(not_served)
}

/// The scopes of the next access token: the granted ones, or the requested part of them. Scopes that no mount knows are
/// dropped; a known scope that was not granted is `invalid_scope` (RFC 6749 section 6).
pub(super) fn scopes(app: &App, grant: &Grant, asked: Option<&Scopes>) -> Result<Scopes, Error> {
    let asked = asked.map(|asked| asked.narrow(&scopes::supported(app))).unwrap_or_default();
    if asked.is_empty() {
        return Ok(grant.scopes.clone());
    }
    if !asked.is_subset(&grant.scopes) {
        return Err(Error::new(ErrorCode::InvalidScope, "A scope was asked for that was not granted."));
    }
    Ok(asked)
}

/// `invalid_scope` if all of the scopes belong to other resources of the grant and none to this one: `scope` in a response
/// must not be empty (RFC 6749 section 3.3).
fn require_some(app: &App, grant: &Grant, scopes: &Scopes, resource: &Resource) -> Result<(), Error> {
    let has_some = |resource| scopes::at(app, scopes, resource).is_ok_and(|scopes| !scopes.is_empty());
    if !has_some(resource) && grant.resources.iter().any(has_some) {
        return Err(Error::new(ErrorCode::InvalidScope, "The scopes are those of another resource."));
    }
    Ok(())
}

/// If the person may no longer come in, revokes the grant and rejects the request.
async fn admission(app: &App, grant: &Grant, now: UnixTime) -> Result<(), Error> {
    if admission::is_still_admitted(app, &grant.person).await? {
        return Ok(());
    }
    revocations::revoke(app, grant.id, "access", now).await?;
    Err(Error::invalid_grant("The person may not use this server any more."))
}

/// Rejects the request after spending if the person's provider is no longer configured, or its gates no longer admit
/// the account. The grant is then revoked, so it does not matter that something was spent. It needs no statement of its
/// own: the one that spent also returned the provider.
pub(super) async fn origin(app: &App, grant: &Grant, origin: Option<&Origin>, now: UnixTime) -> Result<(), Error> {
    if origin.is_some_and(|origin| admission::is_of_an_upstream(&app.settings, origin)) {
        return Ok(());
    }
    revocations::revoke(app, grant.id, "upstream", now).await?;
    Err(Error::invalid_grant("The identity provider of the person is not one of this server's any more."))
}
