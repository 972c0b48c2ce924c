//! What a person allowed a client before, and what is new in a request since then.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::error::Error;
use crate::oauth::grant::PersonId;
use crate::oauth::redirect::RedirectUri;
use crate::oauth::scope::Scopes;
use crate::store::Consent;

use super::request::AuthorizationRequest;

/// What a person allowed a client before, the last yes first; empty where they never met.
#[derive(Debug, Default)]
pub(crate) struct Past(Vec<Consent>);

/// What is new in a request since the last yes, beside its scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// The answer goes where none went before. Among the apps on a computer there is no telling one from another.
    pub destination: bool,
    /// It asks for other resources.
    pub resources: bool,
    /// The client says other things of itself: its registration or its document changed.
    pub client: bool,
}

impl Past {
    /// Reads it.
    pub(crate) async fn of(app: &App, request: &AuthorizationRequest, person: &PersonId) -> Result<Self, Error> {
        Ok(Past(app.store.find_consents(person, &request.client.id).await?))
    }

    /// The consent for the very redirect URI and resources of the request: the only one that can answer for the person.
    pub(crate) fn exact(&self, request: &AuthorizationRequest) -> Option<&Consent> {
        let redirect_uri = request.return_to.redirect_uri().without_port();
        self.0.iter().find(|consent| consent.redirect_uri == redirect_uri && consent.resources == request.resources)
    }

    /// Since when the person knows the client.
    pub(crate) fn since(&self) -> Option<UnixTime> {
        self.0.iter().map(|consent| consent.created_at).min()
    }

    /// The scopes of the last yes for the resources of the request, against which new ones are marked; `None` where nothing
    /// was ever allowed, so that there is nothing to mark.
    pub(crate) fn scopes(&self, request: &AuthorizationRequest) -> Option<Scopes> {
        let same = self.exact(request).or_else(|| self.0.iter().find(|consent| consent.resources == request.resources));
        let known = !self.0.is_empty();
        known.then(|| same.map(|consent| consent.scopes.clone()).unwrap_or_default())
    }

    /// What is new; nothing is where they never met.
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
