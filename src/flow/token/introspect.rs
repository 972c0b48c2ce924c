//! Token introspection (RFC 7662): whether a token is valid, for the client that it was issued to and for the resource
//! server that it is for. For other askers every token is inactive. Introspection rotates, spends and revokes nothing.

use serde::Serialize;

use crate::clock::UnixTime;
use crate::config::settings::ResourceServer;
use crate::flow::app::App;
use crate::flow::client::authenticate;
use crate::flow::person::admission;
use crate::oauth::auth_method::AuthMethod;
use crate::oauth::client::Client;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::params::Params;
use crate::oauth::token::RefreshToken;

use super::verify::{self, Audience};

/// The authenticated asker.
#[derive(Debug)]
pub(crate) enum Asker<'a> {
    /// A confidential client, which may ask about its own tokens.
    Client(Box<Client>),
    /// A resource server of `jean.toml`, which may ask about access tokens for its mounts.
    ResourceServer(&'a ResourceServer),
}

/// The response for an active token (RFC 7662 section 2.2).
#[derive(Debug, Serialize)]
pub(crate) struct Introspection {
    pub active: bool,
    pub scope: String,
    pub client_id: String,
    pub sub: String,
    pub exp: i64,
    pub iss: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

/// Authenticates the asker. A public client cannot authenticate, so it may not ask (RFC 7662 section 2.1). Nor may a client
/// whose document lists `none` among other methods, since its id alone would be enough.
pub(crate) async fn authenticate<'a>(
    app: &'a App,
    authorization: Option<&str>,
    params: &Params,
    now: UnixTime,
) -> Result<Asker<'a>, Error> {
    if let Some(server) = authenticate::resource_server(app, authorization, params)? {
        return Ok(Asker::ResourceServer(server));
    }
    let client = authenticate::authenticate(app, authorization, params, now).await?;
    if client.accepts(AuthMethod::None) {
        return Err(Error::invalid_client("A public client cannot ask about tokens."));
    }
    Ok(Asker::Client(Box::new(client)))
}

/// Describes the token; `None` if it is not active, or if this asker may not ask about it.
pub(crate) async fn introspect(
    app: &App,
    asker: &Asker<'_>,
    params: &Params,
    now: UnixTime,
) -> Result<Option<Introspection>, Error> {
    let token = params.required("token")?;
    match (RefreshToken::parse(token), asker) {
        (Some(refresh), Asker::Client(client)) => refresh_token(app, client, &refresh, now).await,
        (Some(_), Asker::ResourceServer(_)) => Ok(None),
        (None, _) => access_token(app, asker, token, now).await,
    }
}

/// An access token is active if the guard would accept it.
async fn access_token(
    app: &App,
    asker: &Asker<'_>,
    token: &str,
    now: UnixTime,
) -> Result<Option<Introspection>, Error> {
    let verified = match verify::verify(app, token, Audience::Ours, now).await {
        Err(error) if error.code == ErrorCode::InvalidToken => return Ok(None),
        verified => verified?,
    };
    let is_their_business = match asker {
        Asker::Client(client) => verified.client == client.id,
        Asker::ResourceServer(server) => server.resources.contains(&verified.audience),
    };
    if !is_their_business {
        return Ok(None);
    }
    Ok(Some(Introspection {
        active: true,
        scope: verified.scopes.to_string(),
        client_id: verified.client.to_string(),
        sub: verified.person.id.to_string(),
        exp: verified.expires_at.0,
        iss: app.settings.issuer.as_str().to_owned(),
        token_type: Some("Bearer"),
        aud: Some(verified.audience.to_string()),
        iat: Some(verified.issued_at.0),
        jti: Some(verified.id.clone()),
    }))
}

/// A refresh token is active if it is the newest of its family and could be used now. A rotated one is inactive, although a
/// lost answer may still be repeated for it.
async fn refresh_token(
    app: &App,
    client: &Client,
    token: &RefreshToken,
    now: UnixTime,
) -> Result<Option<Introspection>, Error> {
    let Some(row) = app.store.find_grant(token.id()).await? else { return Ok(None) };
    let is_current = row.grant.client == client.id
        && client.may_refresh()
        && row.refresh.matches(&token.hash())
        && row.is_alive(now);
    if !is_current {
        return Ok(None);
    }
    if !admission::is_still_admitted(app, &row.grant.person).await? {
        return Ok(None);
    }
    Ok(Some(Introspection {
        active: true,
        scope: row.grant.scopes.to_string(),
        client_id: row.grant.client.to_string(),
        sub: row.grant.person.to_string(),
        exp: row.refresh_expires_at.0,
        iss: app.settings.issuer.as_str().to_owned(),
        token_type: None,
        aud: None,
        iat: None,
        jti: None,
    }))
}
