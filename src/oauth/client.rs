//! Clients: their ids, how each came to be known, and how it authenticates (RFC 6749 section 2, RFC 7591).

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::address::Place;
use super::client_metadata::{ClientMetadata, GrantType};
use super::name::{self, Headline, Outline};
use super::redirect::RedirectUri;
use super::token::TokenHash;
use crate::clock::UnixTime;

/// `client_id` (RFC 6749 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(String);

/// The longest `client_id` that comes in, in bytes: it is part of keys in rows, of which PostgreSQL takes 2,700 bytes.
pub const MAX_CLIENT_ID: usize = 512;

/// The longest one that may have come in earlier.
const MAX_STORED: usize = 2048;

impl ClientId {
    /// Reads a `client_id` that may be new here: printable ASCII (RFC 6749 appendix A.1), at most [`MAX_CLIENT_ID`] bytes.
    pub fn parse(text: &str) -> Option<Self> {
        ClientId::from_stored(text).filter(|id| id.0.len() <= MAX_CLIENT_ID)
    }

    /// Reads one that came in earlier: of a row, of a token, or of a client that comes back with what it has. No row gets
    /// it as a new key.
    pub fn from_stored(text: &str) -> Option<Self> {
        let good = !text.is_empty() && text.len() <= MAX_STORED && text.bytes().all(|b| (0x20..=0x7e).contains(&b));
        good.then(|| ClientId(text.to_owned()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id is the address of the client's own metadata document (CIMD). Ids that jean makes never look like one.
    pub fn is_document_url(&self) -> bool {
        self.0.starts_with("https://") || self.0.starts_with("http://")
    }

    /// The host of a document's address, with its port; empty for other ids.
    pub fn host(&self) -> String {
        let url = Url::parse(&self.0).ok().filter(|_| self.is_document_url());
        url.map(|url| url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()).unwrap_or_default()
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `token_endpoint_auth_method` (RFC 7591 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A public client, which has no secret.
    None,
    /// The secret in the Authorization header.
    ClientSecretBasic,
    /// The secret in the body.
    ClientSecretPost,
    /// A JWT that the client signs with a key of its own (RFC 7523 section 2.2, OpenID Connect Core section 9).
    PrivateKeyJwt,
}

impl AuthMethod {
    /// Every method, in the order in which metadata lists them.
    pub const ALL: [AuthMethod; 4] =
        [AuthMethod::None, AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost, AuthMethod::PrivateKeyJwt];

    /// The name as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            AuthMethod::None => "none",
            AuthMethod::ClientSecretBasic => "client_secret_basic",
            AuthMethod::ClientSecretPost => "client_secret_post",
            AuthMethod::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Reads the name on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        AuthMethod::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

/// How a client came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientOrigin {
    /// It registered itself (RFC 7591); what it says of itself is unverified.
    Registered,
    /// The operator wrote it into `jean.toml`.
    Configured,
    /// Its id is the address of its metadata document (CIMD): the host of that address vouches for what it says.
    Document,
}

/// A client with what it may do.
#[derive(Clone, Debug)]
pub struct Client {
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
    pub fn name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or(self.id.as_str())
    }

    /// The name that it gives itself, as a page may show it. It may have been kept before a rule for names came.
    pub fn chosen_name(&self) -> Option<String> {
        self.metadata.client_name.as_deref().and_then(name::chosen)
    }

    /// The host that vouches for it: that of the document it was read from (CIMD), in ASCII, with its port. A document on
    /// this computer vouches for nobody.
    pub fn confirmed_host(&self) -> Option<String> {
        let url = Url::parse(self.id.as_str()).ok()?;
        let is_elsewhere = url.host().is_some_and(|host| Place::of(&host) != Place::Here);
        let vouches = self.origin == ClientOrigin::Document && url.scheme() == "https" && is_elsewhere;
        vouches.then(|| self.id.host())
    }

    /// What a page calls it: the host that vouches for it, the operator's name for it, or the name that it gives itself.
    /// `is_known` says whether the outline of a name is that of a host where documents may be.
    pub fn headline(&self, is_known: impl Fn(&Outline) -> bool) -> Headline {
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
    pub fn allows(&self, asked: &RedirectUri) -> bool {
        self.metadata.redirect_uris.iter().any(|registered| registered.allows(asked))
    }

    /// Whether it may authenticate so: as it registered, or in any of the ways that its document lists.
    pub fn accepts(&self, method: AuthMethod) -> bool {
        let ClientMetadata { token_endpoint_auth_method, token_endpoint_auth_methods_supported, .. } = &self.metadata;
        *token_endpoint_auth_method == method || token_endpoint_auth_methods_supported.contains(&method)
    }

    /// Whether it gets refresh tokens.
    pub fn may_refresh(&self) -> bool {
        self.metadata.grant_types.contains(&GrantType::RefreshToken)
    }

    /// A hash over what a person consents to; another one asks for consent anew.
    pub fn version(&self) -> TokenHash {
        TokenHash::of(serde_json::to_string(&self.metadata).unwrap_or_default().as_bytes())
    }
}
