//! What a client presents to get tokens for, and what it asks for.

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

/// A token request whose client authenticated.
pub(super) struct Request<'a> {
    /// The client.
    pub(super) client: &'a Client,
    /// What it asks for.
    pub(super) asked: Asked,
    /// When it came.
    pub(super) now: UnixTime,
}

/// What a token request asks for: less than the grant, or one of its resources.
pub(super) struct Asked {
    /// `scope` (RFC 6749 section 6), of a grant type that has it.
    pub(super) scopes: Option<Scopes>,
    /// `resource` (RFC 8707 section 2.2).
    pub(super) resource: Option<Resource>,
}

impl Asked {
    /// Parses `resource`, which may be repeated but names one: each token is for one.
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

    /// Whether the statement that spends can judge it alone: nothing is asked for beyond the only resource there is.
    pub(super) fn is_plain(&self, only: &Resource) -> bool {
        self.scopes.is_none() && self.resource.as_ref().is_none_or(|resource| resource == only)
    }
}

/// What a client presents, by its grant type: the two steps that only the grant type knows.
pub(super) trait Presented {
    /// The grant that it is of, by its own word.
    fn grant(&self) -> GrantId;

    /// The error if there is no such grant.
    fn unknown(&self) -> Error;

    /// Whether it is genuine, its client's own, and unspent by this row. Only then it is judged before it is spent; anything
    /// else is for the statement that spends it.
    fn is_due(&self, row: &StoredGrant, request: &Request<'_>) -> bool;

    /// Spends it by one guarded statement, or says why it cannot be spent. `only` is the resource that the grant must be for,
    /// if nothing was judged before.
    async fn spend(&self, app: &App, request: &Request<'_>, only: Option<&Resource>) -> Result<Spent, Error>;
}

/// What was spent, and what goes with the access token.
pub(super) struct Spent {
    /// The grant, with the provider of its person.
    pub(super) owned: OwnedGrant,
    /// The refresh token to hand out, if the client may refresh.
    pub(super) refresh_token: Option<RefreshToken>,
    /// Whether an ID token goes with it if `openid` is among the scopes.
    pub(super) id_token: bool,
}
