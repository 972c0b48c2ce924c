//! What a running jean goes by: `jean.toml` parsed into typed, cross-checked values, with a file for each table.

mod access;
mod brand;
mod clients;
mod database;
mod issuer;
mod limits;
mod mount;
mod resource_server;
mod tokens;
mod upstream;

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::SecretString;

use crate::oauth::default_endpoint::DefaultEndpoint;
use crate::oauth::resource::Resource;
use crate::oauth::scope::{self, Scope, Scopes};

pub(crate) use access::AccessRules;
pub(crate) use brand::{Brand, Logo};
pub(crate) use clients::{ClientSettings, DocumentSettings, RegistrationBounds};
pub(crate) use database::Database;
pub(crate) use issuer::Issuer;
pub(crate) use limits::Limits;
pub(crate) use mount::{Mount, ToolNeeds};
pub(crate) use resource_server::ResourceServer;
pub(crate) use tokens::{SigningAlgorithm, TokenSettings};
pub(crate) use upstream::{GOOGLE, UpstreamKind, UpstreamSettings};

/// Everything that was configured. Only [`server`](crate::server) reads [`Config`](super::Config); all below sees this.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The public address, which is the issuer.
    pub issuer: Issuer,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the data is.
    pub database: Database,
    /// The root secrets, newest first; empty where one is to be made beside a SQLite file.
    pub secrets: Vec<SecretString>,
    /// The identity providers, in the order in which they are offered; never empty.
    pub upstreams: Vec<UpstreamSettings>,
    /// Who may come in.
    pub access: AccessRules,
    /// What is protected, the default mount first; never empty.
    pub mounts: Vec<Mount>,
    /// Lifetimes and algorithm.
    pub tokens: TokenSettings,
    /// Registration, and the clients of the operator's own.
    pub clients: ClientSettings,
    /// The operator's own resource servers, which ask about access tokens.
    pub resource_servers: Vec<ResourceServer>,
    /// How the pages look.
    pub brand: Brand,
    /// How long the guard goes on while the database is away.
    pub max_staleness: Duration,
    /// Bounds on requests.
    pub limits: Limits,
    /// The variables of the environment that were left out because a platform sets them for a service named jean.
    pub injected_variables: Vec<String>,
}

impl Settings {
    /// The mount whose resource this is.
    pub(crate) fn mount(&self, resource: &Resource) -> Option<&Mount> {
        self.mounts.iter().find(|mount| mount.resource == *resource)
    }

    /// The mount that counts where a client names none.
    pub(crate) fn default_mount(&self) -> &Mount {
        &self.mounts[0]
    }

    /// The words that the authorization server itself understands, without those of OpenID Connect if that is turned off.
    pub(crate) fn own_scopes(&self) -> Scopes {
        scope::OWN.into_iter().filter(|scope| self.is_own_scope(scope)).filter_map(Scope::parse).collect()
    }

    /// Whether this is one of [`own_scopes`](Self::own_scopes).
    pub(crate) fn is_own_scope(&self, scope: &str) -> bool {
        scope::OWN.contains(&scope) && (self.clients.openid || scope == scope::OFFLINE_ACCESS)
    }

    /// The default endpoints whose paths are taken, each with the key of `jean.toml` that takes it. They are not served.
    pub(crate) fn shadowed_default_endpoints(&self) -> Vec<Shadowed> {
        let prefix = self.issuer.prefix();
        let owner = |path: &str| {
            let mount = self.mounts.iter().find(|mount| format!("{prefix}{}", mount.path) == path);
            // The landing page is at the path of the public URL itself.
            let landing = (prefix == path).then(|| "public_url".to_owned());
            mount.map(|mount| format!("mcp.{}.path", mount.name)).or(landing)
        };
        let shadowed = |endpoint: DefaultEndpoint| Some(Shadowed { endpoint, by: owner(endpoint.path())? });
        DefaultEndpoint::ALL.into_iter().filter_map(shadowed).collect()
    }

    /// The upstream of this name.
    pub(crate) fn upstream(&self, name: &str) -> Option<&UpstreamSettings> {
        self.upstreams.iter().find(|upstream| upstream.name == name)
    }
}

/// A default endpoint whose path is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shadowed {
    /// Which one.
    pub endpoint: DefaultEndpoint,
    /// The key of `jean.toml` that puts something else there.
    pub by: String,
}
