//! What a running jean goes by: `jean.toml` parsed into typed, cross-checked values.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::oauth::client::Client;
use crate::oauth::client_id::ClientId;
use crate::oauth::default_endpoint::DefaultEndpoint;
use crate::oauth::document_url::HostPattern;
use crate::oauth::name::Outline;
use crate::oauth::resource::Resource;
use crate::oauth::scope::{self, Scope, Scopes};
use crate::oauth::token::TokenHash;

/// Everything that was configured. Only [`server`](crate::server) reads [`Config`](super::Config); all below sees this.
#[derive(Clone, Debug)]
pub struct Settings {
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
    pub fn mount(&self, resource: &Resource) -> Option<&Mount> {
        self.mounts.iter().find(|mount| mount.resource == *resource)
    }

    /// The mount that counts where a client names none.
    pub fn default_mount(&self) -> &Mount {
        &self.mounts[0]
    }

    /// The words that the authorization server itself understands, without those of OpenID Connect if that is turned off.
    pub fn own_scopes(&self) -> Scopes {
        scope::OWN.into_iter().filter(|scope| self.is_own_scope(scope)).filter_map(Scope::parse).collect()
    }

    /// Whether this is one of [`own_scopes`](Self::own_scopes).
    pub fn is_own_scope(&self, scope: &str) -> bool {
        scope::OWN.contains(&scope) && (self.clients.openid || scope == scope::OFFLINE_ACCESS)
    }

    /// The default endpoints whose paths are taken, each with the key of `jean.toml` that takes it. They are not served.
    pub fn shadowed_default_endpoints(&self) -> Vec<Shadowed> {
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
    pub fn upstream(&self, name: &str) -> Option<&UpstreamSettings> {
        self.upstreams.iter().find(|upstream| upstream.name == name)
    }
}

/// A default endpoint whose path is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed {
    /// Which one.
    pub endpoint: DefaultEndpoint,
    /// The key of `jean.toml` that puts something else there.
    pub by: String,
}

/// The issuer identifier (RFC 8414 section 2): byte for byte the same in metadata, tokens and answers.
///
/// `https://host[:port][/prefix]`, without a trailing slash; http only on loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    url: Url,
}

impl Issuer {
    /// Parses `public_url`; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("is not an absolute URL ({error})"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must have neither query nor fragment".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not carry a user or a password".into());
        }
        let loopback = crate::oauth::resource::is_loopback(&url);
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err("must be https, unless its host is localhost, 127.0.0.1 or [::1]".into()),
            _ => return Err("must begin with https://".into()),
        }
        if url.path().contains("//") || url.path().contains('%') {
            return Err("must have a plain path, without empty or escaped segments".into());
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        let url = Url::parse(&text).map_err(|error| error.to_string())?;
        Ok(Issuer { text, url })
    }

    /// The identifier's text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, as in an Origin header (RFC 6454 section 6.2).
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The host alone.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Host and port, as in a Host header.
    pub fn authority(&self) -> String {
        let host = self.host();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The path prefix: empty, or `/prefix` without a trailing slash.
    pub fn prefix(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Whether it is served by https.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether it is on this computer.
    pub fn is_loopback(&self) -> bool {
        crate::oauth::resource::is_loopback(&self.url)
    }

    /// The address of one of our own paths, which begins with a slash.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Where the upstream of this name sends the browser back to, as it is registered there.
    pub fn callback(&self, upstream: &str) -> String {
        self.at(&format!("/oauth/callback/{upstream}"))
    }
}

/// Where the data is.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file, created when missing.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, with its password.
    Postgres(SecretString),
}

/// One identity provider.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// The table's name in `jean.toml`; part of the callback's path.
    pub name: String,
    /// What the button calls it: "Google".
    pub label: String,
    /// What it is.
    pub kind: UpstreamKind,
    /// Its issuer, exactly as its discovery document spells it; for the dev upstream `http://127.0.0.1:PORT`, where it listens.
    pub issuer: String,
    /// jean's client id there.
    pub client_id: String,
    /// jean's client secret there; a public client has none.
    pub client_secret: Option<SecretString>,
    /// What jean asks for there; always with `openid`.
    pub scopes: Vec<String>,
    /// Google's `hd`: only accounts of this Workspace domain, by the claim.
    pub hosted_domain: Option<String>,
}

/// The issuer of all accounts at Google.
pub const GOOGLE: &str = "https://accounts.google.com";

impl UpstreamSettings {
    /// Whether the accounts here are Google's, by whatever kind of table.
    pub fn is_google(&self) -> bool {
        self.kind == UpstreamKind::Google || self.issuer == GOOGLE
    }
}

/// The presets, which differ in what the upstream understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamKind {
    /// jean's own small issuer, on loopback.
    Dev,
    /// accounts.google.com.
    Google,
    /// An Auth0 tenant.
    Auth0,
    /// A Supabase project's OAuth server.
    Supabase,
    /// Any other OpenID Connect issuer.
    Oidc,
}

/// Who may come in once signed in: everyone if nothing is listed, else each person who matches one line.
#[derive(Clone, Debug, Default)]
pub struct AccessRules {
    /// Verified email addresses, in lower case.
    pub emails: Vec<String>,
    /// Domains of verified email addresses, in lower case, without `@`.
    pub email_domains: Vec<String>,
    /// Whether the operator says that everyone may come in. Nothing is listed then.
    pub everyone: bool,
}

impl AccessRules {
    /// Whether nothing is listed, so that everyone may come in whom a provider signs in.
    pub fn is_open(&self) -> bool {
        self.emails.is_empty() && self.email_domains.is_empty()
    }
}

/// One protected MCP endpoint.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The table's name in `jean.toml`.
    pub name: String,
    /// Below `public_url`: `/mcp`.
    pub path: String,
    /// `public_url` with the path: the audience of its tokens.
    pub resource: Resource,
    /// The scopes and what each lets a client do, in words for people.
    pub scopes: BTreeMap<String, String>,
    /// The scopes granted where a client asks for none.
    pub default_scopes: Scopes,
    /// The scopes without which no call passes.
    pub required_scopes: Scopes,
    /// What the calls of some tools need beside.
    pub tools: Vec<ToolNeeds>,
    /// Origins that may call it from a browser, beside our own and loopback.
    pub allowed_origins: Vec<String>,
}

impl Mount {
    /// The scopes as a set.
    pub fn known_scopes(&self) -> Scopes {
        self.scopes.keys().filter_map(|name| Scope::parse(name)).collect()
    }

    /// What a call of this tool needs beside the required scopes: the scopes of every line that fits its name.
    pub fn needs(&self, tool: &str) -> Scopes {
        let fitting = self.tools.iter().filter(|needs| needs.fits(tool));
        fitting.fold(Scopes::default(), |all, needs| all.union(&needs.scopes))
    }
}

/// What the calls of one tool need, or of several whose names begin alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolNeeds {
    /// The tool's name; a `*` at its end stands for any rest.
    pub name: String,
    /// The scopes.
    pub scopes: Scopes,
}

impl ToolNeeds {
    fn fits(&self, tool: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => tool.starts_with(start),
            None => tool == self.name,
        }
    }
}

/// How tokens are made, and how long they live.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// What signs access tokens.
    pub algorithm: SigningAlgorithm,
    /// Of an authorization code.
    pub code_lifetime: Duration,
    /// Of an access token.
    pub access_lifetime: Duration,
    /// Of a refresh token that is not used.
    pub refresh_idle: Duration,
    /// Of a grant, however much it is used.
    pub grant_lifetime: Duration,
    /// How long the predecessor of a refresh token still gets its successor again.
    pub refresh_grace: Duration,
    /// The age at which a signing key is replaced.
    pub key_rotation: Duration,
}

/// The signing algorithms on offer (RFC 7518 section 3.1, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA, for readers that know nothing newer.
    Rs256,
}

impl SigningAlgorithm {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            SigningAlgorithm::Es256 => "ES256",
            SigningAlgorithm::EdDsa => "EdDSA",
            SigningAlgorithm::Rs256 => "RS256",
        }
    }

    /// Reads the name on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa, SigningAlgorithm::Rs256]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
    }
}

/// Which clients there may be.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Whether anyone may register a client (RFC 7591).
    pub registration: bool,
    /// Whether clients may learn who the person is (OpenID Connect).
    pub openid: bool,
    /// Whether a consent is remembered for https redirect URIs.
    pub remember_consent: bool,
    /// How long a registration is kept that never led to a grant.
    pub unused_lifetime: Duration,
    /// How long any other is kept after its last grant was over.
    pub idle_lifetime: Duration,
    /// What registrations that nobody used may cost.
    pub registrations: RegistrationBounds,
    /// Clients that are known by a metadata document.
    pub documents: DocumentSettings,
    /// The operator's own.
    pub preregistered: Vec<Client>,
}

/// Bounds on registrations that nobody has allowed anything yet. Anybody can make them, so they are what a flood leaves.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationBounds {
    /// How many of them a sweep leaves; the oldest go.
    pub kept: u64,
    /// How many there may be; above that nobody can register.
    pub most: u64,
    /// How old one is at least before it may go because there are so many.
    pub spared: Duration,
}

impl Default for RegistrationBounds {
    fn default() -> Self {
        RegistrationBounds { kept: 100_000, most: 1_000_000, spared: Duration::from_secs(3600) }
    }
}

/// Which clients may come with a metadata document of their own.
#[derive(Clone, Debug)]
pub struct DocumentSettings {
    /// Whether any may.
    pub on: bool,
    /// At which hosts their documents may be; at all where none is listed.
    pub hosts: Vec<HostPattern>,
    /// Whether documents may be on loopback, since jean itself is: what `public_url` says and where it listens.
    pub local: bool,
    /// The documents that are known already.
    pub pinned: BTreeMap<ClientId, Client>,
}

impl DocumentSettings {
    /// Whether documents may be at this host.
    pub fn allows(&self, authority: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|pattern| pattern.matches(authority))
    }

    /// Whether this is the outline of a host that is listed, or that has a pinned document.
    pub fn names(&self, outline: &Outline) -> bool {
        let is_it = |host: &str| Outline::of(host) == *outline;
        self.hosts.iter().any(|pattern| is_it(pattern.host())) || self.pinned.keys().any(|id| is_it(&id.host()))
    }
}

/// A resource server that asks about access tokens (RFC 7662), as MCP servers elsewhere do.
#[derive(Clone, Debug)]
pub struct ResourceServer {
    /// By what it names itself.
    pub id: ClientId,
    /// The hash of its secret.
    pub secret: TokenHash,
    /// What it serves: it learns of tokens for these and no other.
    pub resources: Vec<Resource>,
}

/// How the pages look and where their links go.
#[derive(Clone, Debug)]
pub struct Brand {
    /// Whose server this is.
    pub name: String,
    /// The accent colour in light and dark, as `#rrggbb`; our own where none is set.
    pub accent: Option<String>,
    /// A logo: the file's bytes and media type.
    pub logo: Option<Logo>,
    /// Where the privacy policy is.
    pub privacy_url: Option<String>,
    /// Where the terms are.
    pub terms_url: Option<String>,
    /// Where a person finds help: an address, or an email as `mailto:`.
    pub support_url: Option<String>,
}

/// A logo, read at the start.
#[derive(Clone, Debug)]
pub struct Logo {
    /// Of the file's ending.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Bounds on what a request may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest body of a form, a registration, or a message to the built-in MCP server, in bytes.
    pub body: usize,
    /// How long an answer may take to begin, unless a write of the request has begun.
    pub timeout: Duration,
    /// How long a connection may idle between two requests.
    pub keep_alive: Duration,
    /// The most connections at once.
    pub connections: usize,
}
