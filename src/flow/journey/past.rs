//! What a person allowed a client before, and what changed since then.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::error::Error;
use crate::oauth::grant::PersonId;
use crate::oauth::redirect::RedirectUri;
use crate::oauth::scope::Scopes;
use crate::store::Consent;

use super::request::AuthorizationRequest;

/// What a person allowed a client before, the latest consent first. Empty if there was none.
#[derive(Debug, Default)]
pub(crate) struct Past(Vec<Consent>);

/// What changed since the last consent, except for scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// The answer goes to a new address. All apps on a computer count as one address, since they cannot be told apart.
    pub destination: bool,
    /// The request names other resources.
    pub resources: bool,
    /// The client's registration or document changed.
    pub client: bool,
}

impl Past {
    pub(crate) async fn of(app: &App, request: &AuthorizationRequest, person: &PersonId) -> Result<Self, Error> {
        Ok(Past(app.store.find_consents(person, &request.client.id).await?))
    }

    /// The consent for exactly the redirect URI and the resources of the request. No other consent can replace the question.
    pub(crate) fn exact(&self, request: &AuthorizationRequest) -> Option<&Consent> {
        let redirect_uri = request.return_to.redirect_uri().without_port();
        self.0.iter().find(|consent| consent.redirect_uri == redirect_uri && consent.resources == request.resources)
    }

    /// When the person first allowed this client something.
    pub(crate) fn since(&self) -> Option<UnixTime> {
        self.0.iter().map(|consent| consent.created_at).min()
    }

    /// The scopes of the last consent for the request's resources; pages mark the scopes that are not among them as new.
    /// `None` if there was no consent, so that nothing is marked.
    pub(crate) fn scopes(&self, request: &AuthorizationRequest) -> Option<Scopes> {
        let same = self.exact(request).or_else(|| self.0.iter().find(|consent| consent.resources == request.resources));
        let known = !self.0.is_empty();
        known.then(|| same.map(|consent| consent.scopes.clone()).unwrap_or_default())
    }

    /// What changed since the last consent. Empty if there was none.
    pub(crate) fn news(&self, request: &AuthorizationRequest) -> News {
        let Some(last) = self.exact(request).or(self.0.first()) else { return News::default() };
        let asked = request.return_to.redirect_uri();
        let on_this_computer = asked.kind().is_loopback();
        let went_there = |consent: &Consent| {
            let before = RedirectUri::from_stored(consent.redirect_uri.clone());
            before.as_str() == asked.without_port() || on_this_computer && before.kind().is_loopback()
        };
        News {
            destination: !self.0.iter().any(went_there),
            resources: !self.0.iter().any(|consent| consent.resources == request.resources),
            client: !last.client_version.matches(&request.client.version()),
        }
    }
}
