//! Clients, and how each came to be known (RFC 6749 section 2, RFC 7591).

use url::Url;

use super::address::Place;
use super::auth_method::AuthMethod;
use super::client_id::ClientId;
use super::client_metadata::{ClientMetadata, GrantType};
use super::name::{self, Headline, Outline};
use super::redirect::RedirectUri;
use super::token::TokenHash;
use crate::clock::UnixTime;

/// How a client came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientOrigin {
    /// It registered itself (RFC 7591); what it says of itself is unverified.
    Registered,
    /// The operator wrote it into `jean.toml`.
    Configured,
    /// Its id is the address of its metadata document (CIMD): the host of that address vouches for what it says.
    Document,
}

/// A client with what it may do.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Its id.
    pub id: ClientId,
    /// How it came to be known.
    pub origin: ClientOrigin,
    /// What it registered, defaults filled in.
    pub metadata: ClientMetadata,
    /// The hash of its secret; `None` for a public client.
    pub secret: Option<TokenHash>,
    /// The hash of the token by which a registered client manages its registration (RFC 7592); others have none.
    pub registration: Option<TokenHash>,
    /// When it was registered, or this copy of its document was made; 0 for a configured one.
    pub created_at: UnixTime,
}

impl Client {
    /// What it calls itself: its name, or its id where it gave none.
    pub(crate) fn name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or(self.id.as_str())
    }

    /// The name that it gives itself, as a page may show it. It may have been kept before a rule for names came.
    pub(crate) fn chosen_name(&self) -> Option<String> {
        self.metadata.client_name.as_deref().and_then(name::chosen)
    }

    /// The host that vouches for it: that of the document it was read from (CIMD), in ASCII, with its port. A document on
    /// this computer vouches for nobody.
    pub(crate) fn confirmed_host(&self) -> Option<String> {
        let url = Url::parse(self.id.as_str()).ok()?;
        let is_elsewhere = url.host().is_some_and(|host| Place::of(&host) != Place::Here);
        let vouches = self.origin == ClientOrigin::Document && url.scheme() == "https" && is_elsewhere;
        vouches.then(|| self.id.host())
    }

    /// What a page calls it: the host that vouches for it, the operator's name for it, or the name that it gives itself.
    /// `is_known` says whether the outline of a name is that of a host where documents may be.
    pub(crate) fn headline(&self, is_known: impl Fn(&Outline) -> bool) -> Headline {
        match self.confirmed_host() {
            Some(host) => Headline::Confirmed(host),
            None if self.origin == ClientOrigin::Configured => Headline::Configured(self.name().to_owned()),
            None => {
                let name = self.chosen_name().unwrap_or_else(|| self.id.to_string());
                Headline::chosen(&name, is_known)
            }
        }
    }

    /// The registered redirect URI that allows `asked`.
    pub(crate) fn allows(&self, asked: &RedirectUri) -> bool {
        self.metadata.redirect_uris.iter().any(|registered| registered.allows(asked))
    }

    /// Whether it may authenticate so: as it registered, or in any of the ways that its document lists.
    pub(crate) fn accepts(&self, method: AuthMethod) -> bool {
        let ClientMetadata { token_endpoint_auth_method, token_endpoint_auth_methods_supported, .. } = &self.metadata;
        *token_endpoint_auth_method == method || token_endpoint_auth_methods_supported.contains(&method)
    }

    /// Whether it gets refresh tokens.
    pub(crate) fn may_refresh(&self) -> bool {
        self.metadata.grant_types.contains(&GrantType::RefreshToken)
    }

    /// A hash over what a person consents to; another one asks for consent anew.
    pub(crate) fn version(&self) -> TokenHash {
        TokenHash::of(serde_json::to_string(&self.metadata).unwrap_or_default().as_bytes())
    }
}
