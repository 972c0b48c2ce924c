//! Authorization codes, each redeemed once (RFC 6749 section 4.1.3, RFC 7636 section 4.6, OAuth 2.1 section 4.1.3).

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::revocations;
use crate::oauth::error::Error;
use crate::oauth::grant::GrantId;
use crate::oauth::params::Params;
use crate::oauth::pkce::{CodeChallenge, CodeVerifier};
use crate::oauth::resource::Resource;
use crate::oauth::token::{AuthorizationCode, RefreshToken};
use crate::store::{FirstRefreshToken, Redemption, StoredGrant};

use super::presented::{Presented, Request, Spent};

/// A code, with the parameters that must match it. If the request is rejected, the code stays valid for the client that it
/// was issued to. If that client replays a used code, the grant is revoked.
pub(super) struct Code<'a> {
    code: AuthorizationCode,
    challenge: CodeChallenge,
    redirect_uri: Option<&'a str>,
}

impl<'a> Code<'a> {
    pub(super) fn parse(params: &'a Params) -> Result<Self, Error> {
        let code = AuthorizationCode::parse(params.required("code")?).ok_or_else(unknown_code)?;
        let verifier = params
            .one("code_verifier")?
            .ok_or_else(|| Error::invalid_request("code_verifier is missing (RFC 7636 section 4.5)."))?;
        let challenge = CodeVerifier::parse(verifier)?.challenge();
        Ok(Code { code, challenge, redirect_uri: params.one("redirect_uri")? })
    }

    /// Why no code was redeemed: the first reason, from top to bottom, that applies.
    async fn explain(&self, app: &App, request: &Request<'_>) -> Result<Error, Error> {
        let now: UnixTime = request.now;
        let Some(row) = app.store.find_grant(self.code.id()).await? else { return Ok(unknown_code()) };
        let is_its_own = row.code.matches(&self.code.hash())
            && row.grant.client == request.client.id
            && row.challenge == self.challenge.encode();
        if !is_its_own {
            return Ok(unknown_code());
        }
        if row.is_revoked() {
            return Ok(Error::invalid_grant("What the code gave was revoked."));
        }
        if row.is_redeemed() {
            revocations::revoke(app, row.grant.id, "code_replay", now).await?;
            return Ok(Error::invalid_grant("The code was used already; what it gave is revoked."));
        }
        if row.code_expires_at <= now {
            return Ok(Error::invalid_grant("The code has expired."));
        }
        if self.redirect_uri.is_some_and(|uri| uri != row.redirect_uri) {
            return Ok(Error::invalid_grant("redirect_uri is not the one of the authorization request."));
        }
        Ok(Error::invalid_target("The resource was not granted, or is not served here any more."))
    }
}

impl Presented for Code<'_> {
    fn grant(&self) -> GrantId {
        self.code.id()
    }

    fn unknown(&self) -> Error {
        unknown_code()
    }

    fn is_judged_first(&self, row: &StoredGrant, request: &Request<'_>) -> bool {
        row.code.matches(&self.code.hash()) && row.grant.client == request.client.id && !row.is_redeemed()
    }

    async fn spend(&self, app: &App, request: &Request<'_>, only: Option<&Resource>) -> Result<Spent, Error> {
        let refresh_token = request.client.may_refresh().then(|| RefreshToken::new(self.code.id()));
        let redemption = Redemption {
            id: self.code.id(),
            code: &self.code.hash(),
            client: &request.client.id,
            challenge: self.challenge,
            redirect_uri: self.redirect_uri,
            resource: only,
            refresh: refresh_token.as_ref().map(|token| FirstRefreshToken { tag: token.tag(), hash: token.hash() }),
        };
        match app.store.redeem_code(&redemption, app.grant_lifetimes(), request.now).await? {
            Some(owned) => Ok(Spent { owned, refresh_token, id_token: true }),
            None => Err(self.explain(app, request).await?),
        }
    }
}

fn unknown_code() -> Error {
    Error::invalid_grant("The code is unknown, or was given to another client or for another verifier.")
}
