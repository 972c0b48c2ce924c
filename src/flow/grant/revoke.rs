//! Revocation by the client (RFC 7009).

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::revocations;
use crate::flow::token::verify;
use crate::oauth::client::Client;
use crate::oauth::error::Error;
use crate::oauth::grant::GrantId;
use crate::oauth::params::Params;
use crate::oauth::token::RefreshToken;

/// Revokes the family of any token that its own client presents. If the token is unknown or another client's, nothing is
/// revoked and the response is the same (RFC 7009 section 2.2).
pub(crate) async fn request(app: &App, client: &Client, params: &Params, now: UnixTime) -> Result<(), Error> {
    let token = params.required("token")?;
    let family = match RefreshToken::parse(token) {
        Some(refresh) => Some((refresh.id(), Some(refresh.tag()))),
        None => access_family(app, client, token, now).map(|family| (family, None)),
    };
    let Some((family, tag)) = family else { return Ok(()) };
    let Some(row) = app.store.find_grant(family).await? else { return Ok(()) };
    if row.grant.client == client.id && tag.is_none_or(|tag| tag.matches(&row.tag)) {
        revocations::revoke(app, family, "client", now).await?;
    }
    Ok(())
}

/// The family of a genuine access token of this client, even if it has expired.
fn access_family(app: &App, client: &Client, token: &str, now: UnixTime) -> Option<GrantId> {
    let claims = verify::verify_signature(app, token, now).ok()?.claims;
    let is_ours = claims.iss == app.settings.issuer.as_str();
    (is_ours && claims.client_id == client.id.as_str()).then(|| GrantId::parse(&claims.fam))?
}
