//! `[upstream.*]`: the identity providers, each by its preset.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::pass::{Location, Pass, is_domain};
use crate::config::presets::{self, Refusal};
use crate::config::secret;
use crate::config::settings::{Issuer, UpstreamKind, UpstreamSettings};
use crate::config::tables::{List, Tables, UpstreamTable};
use crate::oauth::scope::Scope;

/// One table, once its kind is known.
#[derive(Clone, Copy)]
struct Entry<'a> {
    name: &'a str,
    kind: UpstreamKind,
    table: &'a UpstreamTable,
}

/// How jean is registered at a provider.
struct Registration {
    client_id: String,
    client_secret: Option<SecretString>,
}

impl Pass<'_> {
    pub(super) fn upstreams(&mut self, tables: &Tables, location: Location<'_>) -> Vec<UpstreamSettings> {
        if tables.upstream.is_empty() && self.source.keys("upstream").is_empty() {
            self.report(
                "upstream",
                "is missing, so people cannot sign in; add [upstream.google], [upstream.auth0], [upstream.supabase], \
                 a table with kind = \"oidc\", or on your own computer [upstream.dev]",
            );
        }
        let ordered = self.in_order("upstream", &tables.upstream);
        let upstreams: Vec<_> =
            ordered.into_iter().filter_map(|(name, table)| self.upstream(name, table, location)).collect();
        let mut ports = BTreeSet::new();
        for dev in upstreams.iter().filter(|upstream| upstream.kind == UpstreamKind::Dev) {
            if !ports.insert(&dev.issuer) {
                self.report(
                    &format!("upstream.{}.port", dev.name),
                    "is also the port of another dev provider; choose another",
                );
            }
        }
        upstreams
    }

    fn upstream(&mut self, name: &str, table: &UpstreamTable, location: Location<'_>) -> Option<UpstreamSettings> {
        let base = format!("upstream.{name}");
        let key = |key: &str| format!("{base}.{key}");
        if !is_path_name(name) {
            self.report(
                &base,
                "must have a name of lower-case letters, digits and hyphens, because the name is part of a path",
            );
        }
        let Some(kind) = UpstreamKind::parse(table.kind.as_deref().unwrap_or(name)) else {
            self.report(
                &key("kind"),
                match table.kind {
                    Some(_) => "must be google, auth0, supabase, oidc or dev",
                    None => {
                        "is missing, and the table's name is not google, auth0, supabase or dev; write kind = \"oidc\""
                    }
                },
            );
            return None;
        };
        let keys = kind.keys();
        for set in self.source.keys(&base) {
            if !keys.contains(&set) {
                let message = format!("does not belong to {}; the keys here are {}", kind.as_str(), keys.join(", "));
                self.report(&key(set), message);
            }
        }
        let issuer = kind.issuer(table, location.listen);
        let issuer = issuer.map_err(|Refusal { key: wrong, message }| self.report(&key(wrong), message)).ok();
        let registration = match kind {
            UpstreamKind::Dev => {
                if let Some(message) = lacks_dev(cfg!(feature = "dev")) {
                    self.report(&base, message);
                }
                self.dev_is_local(&base, location);
                Some(Registration { client_id: "jean".to_owned(), client_secret: None })
            }
            _ => self.registration(Entry { name, kind, table }, location.issuer),
        };
        if let Some(domain) = &table.hosted_domain
            && !is_domain(domain)
        {
            self.report(&key("hosted_domain"), "must be a domain such as example.com");
        }
        let scopes = self.upstream_scopes(&key("scopes"), table.scopes.as_ref());
        let Registration { client_id, client_secret } = registration?;
        Some(UpstreamSettings {
            name: name.to_owned(),
            label: table.label.clone().unwrap_or_else(|| kind.label(name)),
            kind,
            issuer: issuer?,
            client_id,
            client_secret,
            scopes,
            hosted_domain: table.hosted_domain.as_ref().map(|domain| domain.to_ascii_lowercase()),
        })
    }

    fn registration(&mut self, entry: Entry<'_>, issuer: Option<&Issuer>) -> Option<Registration> {
        let Entry { name, kind, table } = entry;
        let key = |key: &str| format!("upstream.{name}.{key}");
        let client_id = table.client_id.clone().filter(|id| !id.is_empty());
        if client_id.is_none() {
            let callback = issuer.map(|issuer| issuer.callback(name)).unwrap_or_default();
            let console = kind.console();
            self.report(
                &key("client_id"),
                format!("is missing; register jean at {console}, with the callback URL {callback}"),
            );
        }
        let secret_key = if table.client_secret.is_some() { key("client_secret") } else { key("client_secret_file") };
        let client_secret = secret::load(table.client_secret.as_ref(), table.client_secret_file.as_deref());
        let client_secret = self.ok_or_report(&secret_key, client_secret);
        if kind == UpstreamKind::Google && matches!(client_secret, Some(None)) {
            self.report(
                &key("client_secret"),
                "is missing; Google shows it next to the client id (or write client_secret_file)",
            );
        }
        Some(Registration { client_id: client_id?, client_secret: client_secret? })
    }

    /// The scopes to ask for, `openid` always among them: without it there is no ID token.
    fn upstream_scopes(&mut self, key: &str, listed: Option<&List>) -> Vec<String> {
        let Some(List(listed)) = listed else { return presets::SCOPES.map(str::to_owned).to_vec() };
        for scope in listed.iter().filter(|scope| Scope::parse(scope).is_none()) {
            self.report(key, format!("holds {scope:?}, which is not a valid scope; write one scope for each item"));
        }
        let mut scopes = listed.clone();
        if !scopes.iter().any(|scope| scope == "openid") {
            scopes.insert(0, "openid".into());
        }
        scopes
    }

    /// The dev upstream signs in anyone: it may be reached from this computer only.
    fn dev_is_local(&mut self, key: &str, location: Location<'_>) {
        let Location { issuer, listen } = location;
        let mut open = Vec::new();
        if let Some(issuer) = issuer.filter(|issuer| !issuer.is_loopback()) {
            open.push(format!("public_url is {}{}", issuer.as_str(), self.source.origin("public_url")));
        }
        if let Some(listen) = listen.filter(|listen| !listen.ip().is_loopback()) {
            open.push(format!("listen is {listen}{}", self.source.origin("listen")));
        }
        if !open.is_empty() {
            let open = open.join(" and ");
            self.report(
                key,
                format!(
                    "signs in anyone who types a name, so it is for this computer only, but {open}; replace [{key}] by \
                     [upstream.google], [upstream.auth0], [upstream.supabase] or an oidc issuer, or make public_url and \
                     listen loopback"
                ),
            );
        }
    }
}

fn is_path_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What is wrong with `[upstream.dev]` in a program that was built with the feature `dev` or without it.
fn lacks_dev(built_in: bool) -> Option<&'static str> {
    let message = "needs the development provider, which this program was built without; build it with the feature \
                   `dev` of jean, or replace the table by another provider's";
    (!built_in).then_some(message)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::lacks_dev;
    use crate::config::Config;
    use crate::config::settings::UpstreamKind;

    fn problems(text: &str) -> String {
        let config = Config::from_toml(text).unwrap();
        config.settings().err().map(|problems| problems.to_string()).unwrap_or_default()
    }

    #[test]
    fn upstreams_keep_the_order_of_the_file() {
        let text = "
            [upstream.staff]
            kind = \"google\"
            client_id = \"a\"
            client_secret = \"s\"
            hosted_domain = \"Example.com\"
            [upstream.auth0]
            domain = \"t.auth0.com\"
            client_id = \"b\"
            scopes = [\"email\"]
            [upstream.dev]
            label = \"a made-up person\"
        ";
        let upstreams = Config::from_toml(text).unwrap().settings().unwrap().upstreams;
        let names: Vec<_> = upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
        assert_eq!(names, ["staff", "auth0", "dev"]);
        let [staff, auth0, dev] = &upstreams[..] else { panic!("three") };
        assert_eq!((staff.kind, staff.label.as_str()), (UpstreamKind::Google, "Google (staff)"));
        assert_eq!(staff.hosted_domain.as_deref(), Some("example.com"));
        assert_eq!(staff.client_secret.as_ref().unwrap().expose_secret(), "s");
        assert_eq!(auth0.scopes, ["openid", "email"]);
        assert!(auth0.client_secret.is_none());
        assert_eq!(dev.label, "a made-up person");
    }

    #[test]
    fn without_an_upstream_the_hint_names_them() {
        assert!(problems("").starts_with("configuration: upstream: is missing"));
    }

    #[test]
    fn the_dev_upstream_is_for_this_computer_only() {
        assert_eq!(problems("upstream.dev = {}"), "");
        let told = problems("public_url = \"https://example.com\"\nlisten = \"0.0.0.0:80\"\nupstream.dev = {}");
        assert!(
            told.contains(
                "public_url is https://example.com (configuration:1:14) and listen is 0.0.0.0:80 (configuration:2:10)"
            ),
            "{told}"
        );
        assert!(told.contains("replace [upstream.dev] by [upstream.google]"), "{told}");
    }

    #[test]
    fn two_dev_upstreams_need_two_ports() {
        let two = |port: u16| problems(&format!("[upstream.dev]\n[upstream.b]\nkind = \"dev\"\nport = {port}"));
        assert!(two(8081).contains("upstream.b.port") || two(8081).contains("upstream.dev.port"));
        assert_eq!(two(8082), "");
    }

    #[test]
    fn what_a_table_lacks_or_has_too_much_is_told() {
        for (text, expected) in [
            ("[upstream.google]", "client_id: is missing; register jean at console.cloud.google.com"),
            ("[upstream.google]", "with the callback URL http://localhost:8080/oauth/callback/google"),
            ("[upstream.google]\nclient_id = \"x\"", "upstream.google.client_secret: is missing"),
            ("[upstream.google]\ndomain = \"x\"", "upstream.google.domain = \"x\": does not belong to google"),
            ("[upstream.dev]\nclient_id = \"x\"", "upstream.dev.client_id = \"x\": does not belong to dev"),
            ("[upstream.acme]\nissuer = \"https://a.example\"", "upstream.acme.kind: is missing"),
            ("[upstream.acme]\nkind = \"saml\"", "upstream.acme.kind = \"saml\": must be"),
            ("[upstream.oidc]\nclient_id = \"x\"", "upstream.oidc.issuer: is missing"),
            ("[upstream.Dev]\nkind = \"dev\"", "upstream.Dev: must have a name of lower-case letters"),
            ("[upstream.google]\nclient_secret = \"a\"\nclient_secret_file = \"b\"", "keep one of the two"),
            ("[upstream.google]\nhosted_domain = \"@example.com\"", "hosted_domain"),
            ("[upstream.google]\nscopes = [\"openid email\"]", "one scope for each item"),
        ] {
            let told = problems(text);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn the_dev_upstream_needs_its_feature() {
        assert_eq!(lacks_dev(true), None);
        assert!(lacks_dev(false).is_some_and(|message| message.contains("the feature `dev` of jean")));
    }
}
