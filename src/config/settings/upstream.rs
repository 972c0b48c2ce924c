//! `[upstream.NAME]`.

use secrecy::SecretString;

/// One identity provider.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamSettings {
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
pub(crate) const GOOGLE: &str = "https://accounts.google.com";

impl UpstreamSettings {
    /// Whether the accounts here are Google's, by whatever kind of table.
    pub(crate) fn is_google(&self) -> bool {
        self.kind == UpstreamKind::Google || self.issuer == GOOGLE
    }
}

/// The presets, which differ in what the upstream understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpstreamKind {
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
