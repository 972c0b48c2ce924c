//! Turns a person's consent into a grant with its first code, and a stored consent (RFC 6749 section 4.1.2).

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::client::document;
use crate::oauth::error::Error;
use crate::oauth::grant::{Grant, GrantId};
use crate::oauth::token::AuthorizationCode;
use crate::random;
use crate::store::{Consent, NewCode, NewGrant, Permission, SignIn};

use super::request::AuthorizationRequest;

/// A new grant, not stored yet.
pub(crate) struct Given {
    pub permission: Permission,
    /// The code for the client, of which only the hash is stored.
    pub code: AuthorizationCode,
}

/// Makes the grant for a person's consent to `request`. Stores nothing.
pub(crate) fn grant(app: &App, request: &AuthorizationRequest, sign_in: &SignIn, now: UnixTime) -> Given {
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
    let grant = NewGrant {
        grant,
        sign_in: sign_in.clone(),
        code: new_code(app, &code, now),
        challenge: request.challenge,
        redirect_uri: redirect_uri.as_str().to_owned(),
        document: document::needs_copy(app, &request.client).then(|| request.client.clone()),
    };
    Given { permission: Permission { grant, consent }, code }
}

/// The code as the database holds it: hash and expiry.
pub(super) fn new_code(app: &App, code: &AuthorizationCode, now: UnixTime) -> NewCode {
    NewCode { hash: code.hash(), expires_at: now + app.settings.tokens.code_lifetime }
}

/// Stores the grant and the consent of a person who is signed in already. Returns the URL that carries the code to the
/// client.
pub(crate) async fn complete(
    app: &App,
    request: &AuthorizationRequest,
    sign_in: &SignIn,
    now: UnixTime,
) -> Result<String, Error> {
    let Given { permission, code } = grant(app, request, sign_in, now);
    app.store.insert_grant(&permission, now).await?;
    Ok(request.return_to.with_code(&code.expose()))
}
