//! The identity providers that jean knows by name, and what each fills in: issuer, label, and the keys it takes.
//!
//! The issuer is the text that the provider's discovery document spells, byte for byte: Auth0's ends with a slash,
//! Supabase's does not.

use std::net::SocketAddr;

use url::Url;

use super::settings::{GOOGLE, UpstreamKind};
use super::tables::UpstreamTable;
use crate::oauth::resource::is_https_or_loopback;

/// The scopes that are asked for where the table lists none.
pub(super) const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// What is wrong with the value of a key, or that there is none.
pub(super) struct Refusal {
    pub(super) key: &'static str,
    pub(super) message: String,
}

impl Refusal {
    fn new(key: &'static str, message: impl Into<String>) -> Self {
        Refusal { key, message: message.into() }
    }
}

impl UpstreamKind {
    /// Every kind, in the order in which the reference tells them.
    pub(crate) const ALL: [UpstreamKind; 5] =
        [UpstreamKind::Dev, UpstreamKind::Google, UpstreamKind::Auth0, UpstreamKind::Supabase, UpstreamKind::Oidc];

    /// The name in `jean.toml`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            UpstreamKind::Dev => "dev",
            UpstreamKind::Google => "google",
            UpstreamKind::Auth0 => "auth0",
            UpstreamKind::Supabase => "supabase",
            UpstreamKind::Oidc => "oidc",
        }
    }

    /// Reads the name in `jean.toml`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        UpstreamKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The keys that its table takes.
    pub(super) fn keys(self) -> Vec<&'static str> {
        let own: &[&str] = match self {
            UpstreamKind::Dev => return vec!["kind", "label", "port"],
            UpstreamKind::Google => &["hosted_domain"],
            UpstreamKind::Auth0 => &["domain"],
            UpstreamKind::Supabase => &["project"],
            UpstreamKind::Oidc => &[],
        };
        let common = ["kind", "label", "issuer", "client_id", "client_secret", "client_secret_file", "scopes"];
        [&common, own].concat()
    }

    /// What the button calls a table of this kind that has no label.
    pub(super) fn label(self, table: &str) -> String {
        let label = match self {
            UpstreamKind::Dev => "a test account",
            UpstreamKind::Google => "Google",
            UpstreamKind::Auth0 => "Auth0",
            UpstreamKind::Supabase => "Supabase",
            UpstreamKind::Oidc => return capitalised(table),
        };
        if table == self.as_str() { label.to_owned() } else { format!("{label} ({table})") }
    }

    /// Where the operator gets a client id.
    pub(super) fn console(self) -> &'static str {
        match self {
            UpstreamKind::Google => "console.cloud.google.com, Google Auth Platform, Clients (web application)",
            UpstreamKind::Auth0 => "manage.auth0.com, Applications (regular web application)",
            UpstreamKind::Supabase => "the project's dashboard, Authentication, OAuth Apps",
            UpstreamKind::Dev | UpstreamKind::Oidc => "the provider",
        }
    }

    /// The issuer of a table of this kind.
    pub(super) fn issuer(self, table: &UpstreamTable, listen: Option<SocketAddr>) -> Result<String, Refusal> {
        match (self, &table.issuer) {
            (UpstreamKind::Dev, _) => dev_issuer(table.port, listen),
            (_, Some(_)) if table.domain.is_some() => Err(both("domain")),
            (_, Some(_)) if table.project.is_some() => Err(both("project")),
            (_, Some(issuer)) => {
                check_issuer(issuer).map(|()| issuer.clone()).map_err(|why| Refusal::new("issuer", why))
            }
            (UpstreamKind::Google, None) => Ok(GOOGLE.into()),
            (UpstreamKind::Auth0, None) => match table.domain.as_deref() {
                Some(domain) if is_host(domain) => Ok(format!("https://{domain}/")),
                Some(_) => Err(Refusal::new("domain", "must be the host alone, such as tenant.eu.auth0.com")),
                None => Err(Refusal::new(
                    "domain",
                    "is missing; write the application's domain, such as tenant.eu.auth0.com",
                )),
            },
            (UpstreamKind::Supabase, None) => match table.project.as_deref() {
                Some(project) if is_reference(project) => Ok(format!("https://{project}.supabase.co/auth/v1")),
                Some(_) => Err(Refusal::new("project", "must be the reference alone: REF in https://REF.supabase.co")),
                None => Err(Refusal::new("project", "is missing; write the reference, REF in https://REF.supabase.co")),
            },
            (UpstreamKind::Oidc, None) => Err(Refusal::new(
                "issuer",
                "is missing; write the issuer as the provider's /.well-known/openid-configuration spells it",
            )),
        }
    }
}

fn both(key: &'static str) -> Refusal {
    Refusal::new(key, "says the same as issuer; keep one of the two")
}

fn dev_issuer(port: Option<u16>, listen: Option<SocketAddr>) -> Result<String, Refusal> {
    let taken = listen.map_or(0, |listen| listen.port());
    let free = match taken {
        0 => None,
        port => port.checked_add(1),
    };
    match port.or(free) {
        Some(0) => Err(Refusal::new("port", "must be a port of its own, not 0")),
        Some(port) if port == taken => Err(Refusal::new("port", "is the port of listen; choose another")),
        Some(port) => Ok(format!("http://127.0.0.1:{port}")),
        None if listen.is_none() => Ok("http://127.0.0.1:8081".into()),
        None => Err(Refusal::new(
            "port",
            "is missing, and the port of listen has no next one to use; write a port, such as 8081",
        )),
    }
}

/// Whether a text can be an issuer identifier (OpenID Connect Discovery section 3): https, or http on loopback.
fn check_issuer(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("is not an absolute URL ({error})"))?;
    if !is_https_or_loopback(&url) {
        return Err("must begin with https://, unless its host is localhost, 127.0.0.1 or [::1]".into());
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a query, a fragment, a user or a password".into());
    }
    if url.path().contains("/.well-known/") {
        return Err("must be the issuer alone, without /.well-known and what follows it".into());
    }
    Ok(())
}

/// Whether a text is a bare host name.
fn is_host(text: &str) -> bool {
    let url = Url::parse(&format!("https://{text}/"));
    text.contains('.') && url.is_ok_and(|url| url.host_str() == Some(text) && url.path() == "/")
}

fn is_reference(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|c| if c == '-' { ' ' } else { c })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(kind: UpstreamKind, fill: impl FnOnce(&mut UpstreamTable)) -> Result<String, &'static str> {
        let mut table = UpstreamTable::default();
        fill(&mut table);
        kind.issuer(&table, "127.0.0.1:8080".parse().ok()).map_err(|refusal| refusal.key)
    }

    #[test]
    fn each_preset_spells_the_issuer_as_the_provider_does() {
        assert_eq!(issuer(UpstreamKind::Google, |_| ()), Ok("https://accounts.google.com".into()));
        let auth0 = issuer(UpstreamKind::Auth0, |table| table.domain = Some("t.eu.auth0.com".into()));
        assert_eq!(auth0, Ok("https://t.eu.auth0.com/".into()));
        let supabase = issuer(UpstreamKind::Supabase, |table| table.project = Some("abcdefghij0123456789".into()));
        assert_eq!(supabase, Ok("https://abcdefghij0123456789.supabase.co/auth/v1".into()));
        assert_eq!(issuer(UpstreamKind::Dev, |_| ()), Ok("http://127.0.0.1:8081".into()));
        assert_eq!(issuer(UpstreamKind::Dev, |table| table.port = Some(9)), Ok("http://127.0.0.1:9".into()));
    }

    #[test]
    fn an_issuer_is_https_unless_it_is_on_this_computer() {
        let oidc = |text: &str| issuer(UpstreamKind::Oidc, |table| table.issuer = Some(text.into()));
        for good in ["https://id.example.com/", "https://id.example.com/realms/a", "http://127.0.0.1:9/x"] {
            assert_eq!(oidc(good), Ok(good.into()));
        }
        for bad in [
            "http://id.example.com",
            "id.example.com",
            "https://id.example.com?x",
            "https://u@id.example.com",
            "https://id.example.com/.well-known/openid-configuration",
        ] {
            assert_eq!(oidc(bad), Err("issuer"), "{bad}");
        }
        assert_eq!(issuer(UpstreamKind::Oidc, |_| ()), Err("issuer"));
    }

    #[test]
    fn what_a_preset_needs_is_asked_for_by_its_key() {
        let auth0 = |domain: &str| issuer(UpstreamKind::Auth0, |table| table.domain = Some(domain.into()));
        for bad in ["https://t.eu.auth0.com", "t.eu.auth0.com/", "t", "", "T.auth0.com", "a.b:1", "u@a.b"] {
            assert_eq!(auth0(bad), Err("domain"), "{bad}");
        }
        assert_eq!(issuer(UpstreamKind::Auth0, |_| ()), Err("domain"));
        assert_eq!(
            issuer(UpstreamKind::Supabase, |table| table.project = Some("a.supabase.co".into())),
            Err("project")
        );
        assert_eq!(issuer(UpstreamKind::Dev, |table| table.port = Some(8080)), Err("port"));
        assert_eq!(
            UpstreamKind::Dev.issuer(&UpstreamTable::default(), "[::1]:0".parse().ok()).map_err(|refusal| refusal.key),
            Err("port")
        );
    }

    #[test]
    fn a_second_table_of_a_kind_is_told_apart() {
        assert_eq!(UpstreamKind::Google.label("google"), "Google");
        assert_eq!(UpstreamKind::Google.label("staff"), "Google (staff)");
        assert_eq!(UpstreamKind::Oidc.label("acme-id"), "Acme id");
    }
}
