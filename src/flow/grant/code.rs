//! Authorization codes: given for a consent, redeemed once (RFC 6749 section 4.1, RFC 7636, OAuth 2.1 section 4.1.3).

use crate::app::App;
use crate::clock::UnixTime;
use crate::flow::client::document;
use crate::flow::journey::request::AuthorizationRequest;
use crate::flow::person::admission;
use crate::oauth::client::Client;
use crate::oauth::error::Error;
use crate::oauth::grant::{Grant, GrantId};
use crate::oauth::params::Params;
use crate::oauth::pkce::{CodeChallenge, CodeVerifier};
use crate::oauth::resource::Resource;
use crate::oauth::token::{AuthorizationCode, RefreshToken};
use crate::random;
use crate::store::{Consent, NewGrant, OwnedGrant, Redemption, SignIn};

use super::issue::{self, Issued, Order};
use super::revoke;

/// What a person's consent to `request` becomes: a grant with its first code, and the consent to keep on file.
pub fn grant(
    app: &App,
    request: &AuthorizationRequest,
    sign_in: &SignIn,
    now: UnixTime,
) -> (NewGrant, Consent, AuthorizationCode) {
    let id = GrantId::new(now, random::bytes());
    let code = AuthorizationCode::new(id);
    let redirect_uri = request.return_to.redirect_uri();
    let grant = Grant {
        id,
        person: sign_in.person.clone(),
        client: request.client.id.clone(),
        scopes: request.scopes.clone(),
        resources: request.resources.clone(),
        nonce: request.nonce.clone(),
        auth_time: sign_in.auth_time,
        expires_at: now + app.settings.tokens.grant_lifetime,
    };
    let consent = Consent {
        person: grant.person.clone(),
        client: grant.client.clone(),
        redirect_uri: redirect_uri.without_port(),
        resources: grant.resources.clone(),
        scopes: grant.scopes.clone(),
        client_version: request.client.version(),
        created_at: now,
    };
    let new = NewGrant {
        grant,
        sign_in: sign_in.clone(),
        code: code.hash(),
        code_expires_at: now + app.settings.tokens.code_lifetime,
        challenge: request.challenge,
        redirect_uri: redirect_uri.as_str().to_owned(),
        document: document::needs_copy(app, &request.client).then(|| request.client.clone()),
    };
    (new, consent, code)
}

/// Keeps the consent to `request` of somebody who is signed in: the URL that carries the code to the client.
pub async fn give(app: &App, request: &AuthorizationRequest, sign_in: &SignIn, now: UnixTime) -> Result<String, Error> {
    let (grant, consent, code) = grant(app, request, sign_in, now);
    app.store.insert_grant(&grant, &consent, now).await?;
    Ok(request.return_to.with_code(&code.expose()))
}

/// Redeems a code. Whatever is wrong with the request, the code stays good for the client it was given to; a replay of a
/// used code by that client revokes what the code gave.
pub async fn redeem(app: &App, client: &Client, params: &Params, now: UnixTime) -> Result<Issued, Error> {
    let code = AuthorizationCode::parse(params.required("code")?).ok_or_else(unknown_code)?;
    let verifier = params
        .one("code_verifier")?
        .ok_or_else(|| Error::invalid_request("code_verifier is missing (RFC 7636 section 4.5)."))?;
    let verifier = CodeVerifier::parse(verifier)?;
    let redirect_uri = params.one("redirect_uri")?;
    let asked = issue::asked_resource(params)?;

    let presented =
        Presented { code: &code, client, challenge: verifier.challenge(), redirect_uri, resource: asked.as_ref() };
    let only = issue::only_resource(app);
    let is_plain = only.is_some_and(|only| asked.as_ref().is_none_or(|asked| asked == only));
    if !is_plain || !app.settings.access.is_open() {
        judge_before(app, &presented, now).await?;
    }
    issue::ready(app, now)?;
    let refresh_token = client.may_refresh().then(|| RefreshToken::new(code.id()));
    let redemption = Redemption {
        id: code.id(),
        code: &code.hash(),
        client: &client.id,
        challenge: presented.challenge,
        redirect_uri,
        resource: only,
        refresh: refresh_token.as_ref().map(|token| (token.tag(), token.hash())),
    };
    match app.store.redeem_code(&redemption, issue::lifetimes(app), now).await? {
        Some(OwnedGrant { grant, origin }) => {
            admission::verify_origin(app, &grant, origin.as_ref(), now).await?;
            let resource = issue::choose_resource(app, &grant, asked.as_ref())?;
            let order = Order { grant: &grant, scopes: &grant.scopes, resource, refresh_token, id_token: true };
            issue::issue(app, order, now).await
        }
        None => Err(explain(app, &presented, now).await?),
    }
}

/// A code with all that a request says about it.
struct Presented<'a> {
    code: &'a AuthorizationCode,
    client: &'a Client,
    challenge: CodeChallenge,
    redirect_uri: Option<&'a str>,
    resource: Option<&'a Resource>,
}

/// What one statement cannot judge: which of several resources, and whether the person may still come in.
async fn judge_before(app: &App, presented: &Presented<'_>, now: UnixTime) -> Result<(), Error> {
    let Some(row) = app.store.find_grant(presented.code.id()).await? else { return Err(unknown_code()) };
    if !row.code.matches(&presented.code.hash()) || row.grant.client != presented.client.id || row.is_redeemed() {
        return Ok(());
    }
    let resource = issue::choose_resource(app, &row.grant, presented.resource)?;
    issue::refuse_nothing(app, &row.grant, &row.grant.scopes, resource)?;
    admission::verify(app, &row.grant, now).await
}

/// Why no code was redeemed, top to bottom the first that holds.
async fn explain(app: &App, presented: &Presented<'_>, now: UnixTime) -> Result<Error, Error> {
    let Some(row) = app.store.find_grant(presented.code.id()).await? else { return Ok(unknown_code()) };
    let is_its_own = row.code.matches(&presented.code.hash())
        && row.grant.client == presented.client.id
        && row.challenge == presented.challenge.encode();
    if !is_its_own {
        return Ok(unknown_code());
    }
    if row.is_revoked() {
        return Ok(Error::invalid_grant("What the code gave was revoked."));
    }
    if row.is_redeemed() {
        revoke::revoke(app, row.grant.id, "code_replay", now).await?;
        return Ok(Error::invalid_grant("The code was used already; what it gave is revoked."));
    }
    if row.code_expires_at <= now {
        return Ok(Error::invalid_grant("The code has expired."));
    }
    if presented.redirect_uri.is_some_and(|uri| uri != row.redirect_uri) {
        return Ok(Error::invalid_grant("redirect_uri is not the one of the authorization request."));
    }
    Ok(issue::invalid_target("The resource was not granted, or is not served here any more."))
}

fn unknown_code() -> Error {
    Error::invalid_grant("The code is unknown, or was given to another client or for another verifier.")
}
