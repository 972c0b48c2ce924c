//! Which scopes a request gets, and which of them each resource knows.

use crate::flow::app::App;
use crate::oauth::client::{Client, ClientOrigin};
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::resource::{Resource, Resources};
use crate::oauth::scope::{Scope, Scopes};

/// Every scope that a mount or the authorization server itself knows.
pub(crate) fn supported(app: &App) -> Scopes {
    app.settings.mounts.iter().fold(app.settings.own_scopes(), |all, mount| all.union(&mount.known_scopes()))
}

/// The scopes that will be granted: the known ones among those requested, else the default ones of each resource. The
/// authorization server's own scopes permit nothing at a resource, so they are granted in addition, and no limit applies
/// to them.
///
/// The `scope` of a registration does not narrow this: any client may register again, and the person decides. The
/// operator's scopes for a configured client do narrow it.
pub(crate) fn of_request(
    app: &App,
    asked: Option<&str>,
    resources: &Resources,
    client: &Client,
) -> Result<Scopes, Error> {
    let mounts = || resources.iter().filter_map(|resource| app.settings.mount(resource));
    let limit = match (&client.origin, &client.metadata.scope) {
        (ClientOrigin::Configured, Some(scope)) => Some(Scopes::parse(scope)?),
        _ => None,
    };
    let within = |scopes: Scopes| limit.as_ref().map_or(scopes.clone(), |limit| scopes.narrow(limit));

    let asked = Scopes::parse(asked.unwrap_or_default())?;
    let known = mounts().fold(Scopes::default(), |all, mount| all.union(&mount.known_scopes()));
    let own = asked.narrow(&app.settings.own_scopes());
    let asked = within(asked.narrow(&known));
    if !asked.is_empty() {
        return Ok(asked.union(&own));
    }
    let default = within(mounts().fold(Scopes::default(), |all, mount| all.union(&mount.default_scopes)));
    if default.is_empty() && !known.is_empty() {
        return Err(Error::new(ErrorCode::InvalidScope, "None of the scopes is known, and there is no default one."));
    }
    Ok(default.union(&own))
}

/// The scopes that the resource or the authorization server itself knows.
pub(crate) fn at(app: &App, scopes: &Scopes, resource: &Resource) -> Result<Scopes, Error> {
    let mount = app.settings.mount(resource).ok_or_else(not_served)?;
    let is_known =
        |scope: &&Scope| mount.scopes.contains_key(scope.as_str()) || app.settings.is_own_scope(scope.as_str());
    Ok(scopes.iter().filter(is_known).cloned().collect())
}

/// The error for a resource that no mount serves any more.
pub(crate) fn not_served() -> Error {
    Error::invalid_target("The resource is not served here any more.")
}
