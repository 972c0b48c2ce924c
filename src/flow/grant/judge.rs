//! The judgement that all grant types share: resource, scopes, and whether the person may still come in.
//!
//! Most requests need none before they are spent, since one statement judges them: there is one mount, nothing but it is asked
//! for, and everybody may come in. Others are judged by the grant's row first, so that a refused request spends nothing.

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

/// The only resource there is, if the statement that spends can judge the request by it alone.
pub(super) fn by_the_statement_alone<'a>(app: &'a App, asked: &Asked) -> Option<&'a Resource> {
    match app.settings.mounts.as_slice() {
        [only] if asked.is_plain(&only.resource) && app.settings.access.is_open() => Some(&only.resource),
        _ => None,
    }
}

/// Judges what one statement cannot: which of several resources, fewer scopes, and whether the person may still come in. Only
/// for the rightful client and what is unspent; for anything else the statement itself decides.
pub(super) async fn before_spending(app: &App, presented: &impl Presented, request: &Request<'_>) -> Result<(), Error> {
    let Some(row) = app.store.find_grant(presented.grant()).await? else { return Err(presented.unknown()) };
    if !presented.is_due(&row, request) {
        return Ok(());
    }
    let resource = resource(app, &row.grant, request.asked.resource.as_ref())?;
    let scopes = scopes(app, &row.grant, request.asked.scopes.as_ref())?;
    require_some(app, &row.grant, &scopes, resource)?;
    admission(app, &row.grant, request.now).await
}

/// The resource of the next token: the one that was asked for, else the only one that was granted; still served here.
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

/// The scopes of the next access token: what was granted, or the part of it that was asked for. Words that no mount knows
/// are dropped; a known scope that was not granted is `invalid_scope` (RFC 6749 section 6).
pub(super) fn scopes(app: &App, grant: &Grant, asked: Option<&Scopes>) -> Result<Scopes, Error> {
    let asked = asked.map(|asked| asked.narrow(&scopes::known(app))).unwrap_or_default();
    if asked.is_empty() {
        return Ok(grant.scopes.clone());
    }
    if !asked.is_subset(&grant.scopes) {
        return Err(Error::new(ErrorCode::InvalidScope, "A scope was asked for that was not granted."));
    }
    Ok(asked)
}

/// `invalid_scope` if all of the scopes are those of other resources of the grant, and none is one of this resource: `scope`
/// in an answer is not empty (RFC 6749 section 3.3).
fn require_some(app: &App, grant: &Grant, scopes: &Scopes, resource: &Resource) -> Result<(), Error> {
    let has_some = |resource| scopes::at(app, scopes, resource).is_ok_and(|scopes| !scopes.is_empty());
    if !has_some(resource) && grant.resources.iter().any(has_some) {
        return Err(Error::new(ErrorCode::InvalidScope, "The scopes are those of another resource."));
    }
    Ok(())
}

/// Rejects a grant whose person may not come in any more, and revokes it.
async fn admission(app: &App, grant: &Grant, now: UnixTime) -> Result<(), Error> {
    if admission::is_still_admitted(app, &grant.person).await? {
        return Ok(());
    }
    revocations::revoke(app, grant.id, "access", now).await?;
    Err(Error::invalid_grant("The person may not use this server any more."))
}

/// The same by the provider alone, for what one statement has just spent: it returned the provider, so that no other statement
/// is needed. A grant of a provider that is gone is over, whatever was spent.
pub(super) async fn origin(app: &App, grant: &Grant, origin: Option<&Origin>, now: UnixTime) -> Result<(), Error> {
    if origin.is_some_and(|origin| admission::is_of_an_upstream(&app.settings, origin)) {
        return Ok(());
    }
    revocations::revoke(app, grant.id, "upstream", now).await?;
    Err(Error::invalid_grant("The identity provider of the person is not one of this server's any more."))
}
