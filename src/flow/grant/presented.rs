//! What a client presents at the token endpoint, and what it asks for.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::client::Client;
use crate::oauth::error::Error;
use crate::oauth::grant::GrantId;
use crate::oauth::params::Params;
use crate::oauth::resource::Resource;
use crate::oauth::scope::Scopes;
use crate::oauth::token::RefreshToken;
use crate::store::{OwnedGrant, StoredGrant};

/// A token request of an authenticated client.
pub(super) struct Request<'a> {
    pub(super) client: &'a Client,
    pub(super) asked: Asked,
    pub(super) now: UnixTime,
}

/// What a token request asks for: fewer scopes than granted, or one of the grant's resources.
pub(super) struct Asked {
    /// `scope` (RFC 6749 section 6), if the grant type has it.
    pub(super) scopes: Option<Scopes>,
    /// `resource` (RFC 8707 section 2.2).
    pub(super) resource: Option<Resource>,
}

impl Asked {
    /// Parses `resource`. It may be repeated but must name one resource, since each token is for one.
    pub(super) fn resource(params: &Params) -> Result<Option<Resource>, Error> {
        let mut resources = params.all("resource").map(Resource::parse);
        let Some(first) = resources.next().transpose()? else { return Ok(None) };
        for other in resources {
            if other? != first {
                return Err(Error::invalid_target("A token is for one resource: name one."));
            }
        }
        Ok(Some(first))
    }

    /// Whether the statement that spends can decide alone: the request asks for nothing but the only resource there is.
    pub(super) fn is_plain(&self, only: &Resource) -> bool {
        self.scopes.is_none() && self.resource.as_ref().is_none_or(|resource| resource == only)
    }
}

/// What a client presents: the steps that differ by grant type.
pub(super) trait Presented {
    /// The grant that it claims to belong to.
    fn grant(&self) -> GrantId;

    /// The error if there is no such grant.
    fn unknown(&self) -> Error;

    /// Whether the request is judged by this row before it spends: only if what is presented is genuine and belongs to
    /// this client. A redeemed code is not judged. A refresh token is, whichever generation of a live family it is. For
    /// anything else the statement that spends decides.
    fn is_judged_first(&self, row: &StoredGrant, request: &Request<'_>) -> bool;

    /// Spends it by one guarded statement, or returns why it cannot be spent. `only` is the resource that the grant must be
    /// for, if the request was not judged before.
    async fn spend(&self, app: &App, request: &Request<'_>, only: Option<&Resource>) -> Result<Spent, Error>;
}

/// The outcome of spending, and what goes with the access token.
pub(super) struct Spent {
    /// The grant, with the provider of its person.
    pub(super) owned: OwnedGrant,
    /// The refresh token for the client, if it may refresh.
    pub(super) refresh_token: Option<RefreshToken>,
    /// Whether to issue an ID token, if `openid` is among the scopes.
    pub(super) id_token: bool,
}
