//! The second pass over a configuration: [`Tables`] parsed into typed, cross-checked [`Settings`].
//!
//! Every value is looked at, whatever is wrong with another, so that all problems are told at once.

mod clients;
mod documents;
mod mounts;
mod resource_servers;
mod upstreams;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::problem::Problems;
use super::secret;
use super::settings::{AccessRules, Brand, Database, Issuer, Limits, Logo, Settings, SigningAlgorithm, TokenSettings};
use super::source::Source;
use super::tables::{AccessTable, BrandTable, List, Span, Tables};
use crate::oauth::name::showable;

/// The shortest root secret.
const MIN_SECRET: usize = 32;
/// The largest logo, in bytes.
const MAX_LOGO: u64 = 256 * 1024;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const CENTURY: Duration = Duration::from_secs(36_500 * 24 * 3600);

/// Parses and cross-checks everything.
pub(super) fn resolve(tables: &Tables, source: &Source) -> Result<Settings, Problems> {
    let mut pass = Pass { source, problems: Problems::default() };
    let issuer = pass.told("public_url", Issuer::parse(&tables.public_url));
    let listen = pass.told("listen", parse_listen(&tables.listen));
    let database = pass.told("database", parse_database(tables.database.expose()));
    let secrets = pass.secrets(tables, database.as_ref());
    let location = Location { issuer: issuer.as_ref(), listen };
    let upstreams = pass.upstreams(tables, location);
    let mounts = pass.mounts(tables, issuer.as_ref());
    let access = pass.access(tables);
    let tokens = pass.tokens(tables);
    let documents = pass.documents(tables, location);
    let clients = pass.clients(tables, &mounts, documents);
    let resource_servers = pass.resource_servers(tables, &mounts);
    let brand = pass.brand(&tables.brand, issuer.as_ref());
    let max_staleness = pass.span("guard.max_staleness", tables.guard.max_staleness, Duration::ZERO..=60 * MINUTE);
    let limits = pass.limits(tables);
    match (issuer, listen, database, tokens) {
        (Some(issuer), Some(listen), Some(database), Some(tokens)) if pass.problems.is_empty() => Ok(Settings {
            issuer,
            listen,
            database,
            secrets,
            upstreams,
            access,
            mounts: mounts.into_iter().filter_map(|read| read.mount).collect(),
            tokens,
            clients,
            resource_servers,
            brand,
            max_staleness,
            limits,
            injected_variables: source.injected().to_vec(),
        }),
        _ => Err(pass.problems),
    }
}

/// Where this server is reached, and where it listens. What is wrong in the configuration is `None`.
#[derive(Clone, Copy)]
struct Location<'a> {
    issuer: Option<&'a Issuer>,
    listen: Option<SocketAddr>,
}

struct Pass<'a> {
    source: &'a Source,
    problems: Problems,
}

impl Pass<'_> {
    fn tell(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(self.source.problem(key, message));
    }

    fn told<T>(&mut self, key: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.tell(key, message)).ok()
    }

    /// A span within bounds, in whole seconds.
    fn span(&mut self, key: &str, Span(span): Span, bounds: RangeInclusive<Duration>) -> Duration {
        let shown = humantime::format_duration;
        if span < *bounds.start() {
            self.tell(key, format!("must be at least {}", shown(*bounds.start())));
        } else if span > *bounds.end() {
            self.tell(key, format!("must be at most {}", shown(*bounds.end())));
        } else if span.subsec_nanos() != 0 {
            self.tell(key, "must be whole seconds");
        }
        span
    }

    /// The tables below `parent`, in the order of the file; those that only the environment knows come last.
    fn in_order<'t, T>(&self, parent: &str, tables: &'t BTreeMap<String, T>) -> Vec<(&'t String, &'t T)> {
        let mut tables: Vec<_> = tables.iter().collect();
        tables.sort_by_key(|(name, _)| {
            let place = self.source.order(&format!("{parent}.{name}"));
            (place.is_none(), place)
        });
        tables
    }

    fn secrets(&mut self, tables: &Tables, database: Option<&Database>) -> Vec<SecretString> {
        let key = if tables.secret.is_some() { "secret" } else { "secret_file" };
        let read = secret::read(tables.secret.as_ref(), tables.secret_file.as_deref());
        let Some(read) = self.told(key, read) else { return Vec::new() };
        let Some(text) = read else {
            if matches!(database, Some(Database::Postgres(_))) {
                let fresh = crate::random::text::<32>();
                self.tell(
                    "secret",
                    format!("is missing, and PostgreSQL needs one that all machines share; here is a new one: secret = \"{fresh}\""),
                );
            }
            return Vec::new();
        };
        let secrets: Vec<&str> = text.expose_secret().split(',').map(str::trim).collect();
        if secrets.iter().any(|secret| secret.chars().count() < MIN_SECRET) {
            self.tell(
                key,
                format!("must have at least {MIN_SECRET} characters; make one with: openssl rand -base64 32"),
            );
        }
        secrets.into_iter().map(SecretString::from).collect()
    }

    fn access(&mut self, tables: &Tables) -> AccessRules {
        let access = &tables.access;
        self.open_or_listed(access);
        let listed = |list: &Option<List>| list.clone().unwrap_or_default().0;
        let emails: Vec<_> = listed(&access.emails).iter().map(|email| email.trim().to_ascii_lowercase()).collect();
        for (i, email) in emails.iter().enumerate() {
            let good = email.rsplit_once('@').is_some_and(|(user, domain)| !user.is_empty() && is_domain(domain));
            if !good {
                self.tell(
                    &format!("access.emails.{i}"),
                    format!("{email:?} must be an address such as ada@example.com"),
                );
            }
        }
        let email_domains: Vec<_> = listed(&access.email_domains)
            .iter()
            .map(|domain| domain.trim().trim_start_matches('@').to_ascii_lowercase())
            .collect();
        for (i, domain) in email_domains.iter().enumerate().filter(|(_, domain)| !is_domain(domain)) {
            self.tell(&format!("access.email_domains.{i}"), format!("{domain:?} must be a domain such as example.com"));
        }
        AccessRules { emails, email_domains, everyone: access.everyone == Some(true) }
    }

    /// A list that somebody emptied must not open the door, and neither must `everyone = false`.
    fn open_or_listed(&mut self, access: &AccessTable) {
        let lists = [("access.emails", &access.emails), ("access.email_domains", &access.email_domains)];
        let is_empty = |list: &Option<List>| list.as_ref().is_some_and(|list| list.0.is_empty());
        for (key, _) in lists.iter().filter(|(_, list)| is_empty(list)) {
            self.tell(key, "lets nobody in; write `everyone = true` to let everyone in");
        }
        let is_listed = lists.iter().any(|(_, list)| list.is_some());
        match (access.everyone, is_listed) {
            (Some(true), true) => {
                self.tell("access.everyone", "lets everyone in, and a list says who may come in; keep one of the two");
            }
            (Some(false), false) => self.tell(
                "access.everyone",
                "lists nobody, and without a list everyone may come in; list `emails` or `email_domains`",
            ),
            _ => {}
        }
    }

    fn tokens(&mut self, tables: &Tables) -> Option<TokenSettings> {
        let table = &tables.tokens;
        let algorithm = SigningAlgorithm::parse(&table.algorithm)
            .ok_or_else(|| "must be \"ES256\", \"EdDSA\" or \"RS256\"".to_owned());
        let algorithm = self.told("tokens.algorithm", algorithm);
        let code_lifetime = self.span("tokens.code_lifetime", table.code_lifetime, SECOND..=10 * MINUTE);
        let Span(access_lifetime) = table.access_lifetime;
        if access_lifetime <= 5 * MINUTE {
            self.tell(
                "tokens.access_lifetime",
                "must be more than 5m, because clients refresh up to five minutes early",
            );
        } else {
            self.span("tokens.access_lifetime", table.access_lifetime, SECOND..=30 * DAY);
        }
        let refresh_idle = self.span("tokens.refresh_idle", table.refresh_idle, SECOND..=CENTURY);
        let grant_lifetime = self.span("tokens.grant_lifetime", table.grant_lifetime, SECOND..=CENTURY);
        let refresh_grace = self.span("tokens.refresh_grace", table.refresh_grace, Duration::ZERO..=10 * MINUTE);
        let key_rotation = self.span("tokens.key_rotation", table.key_rotation, SECOND..=CENTURY);
        for (key, span) in
            [("refresh_idle", refresh_idle), ("grant_lifetime", grant_lifetime), ("key_rotation", key_rotation)]
        {
            if span < access_lifetime {
                self.tell(&format!("tokens.{key}"), "must not be shorter than access_lifetime");
            }
        }
        Some(TokenSettings {
            algorithm: algorithm?,
            code_lifetime,
            access_lifetime,
            refresh_idle,
            grant_lifetime,
            refresh_grace,
            key_rotation,
        })
    }

    fn brand(&mut self, table: &BrandTable, issuer: Option<&Issuer>) -> Brand {
        let name = match &table.name {
            Some(name) => showable(name).unwrap_or_else(|| {
                self.tell("brand.name", "must not be empty");
                String::new()
            }),
            None => issuer.map(Issuer::host).unwrap_or_default().to_owned(),
        };
        if table.accent.as_deref().is_some_and(|accent| !is_colour(accent)) {
            self.tell("brand.accent", "must be a colour such as #2563eb");
        }
        for (key, url) in [("brand.privacy_url", &table.privacy_url), ("brand.terms_url", &table.terms_url)] {
            if url.as_deref().is_some_and(|url| !has_scheme(url, &["https", "http"])) {
                self.tell(key, "must be an address that begins with https://");
            }
        }
        if table.support_url.as_deref().is_some_and(|url| !has_scheme(url, &["https", "http", "mailto"])) {
            self.tell("brand.support_url", "must be an address that begins with https:// or mailto:");
        }
        Brand {
            name,
            accent: table.accent.as_ref().map(|accent| accent.to_ascii_lowercase()),
            logo: table.logo.as_deref().and_then(|path| self.told("brand.logo", read_logo(path))),
            privacy_url: table.privacy_url.clone(),
            terms_url: table.terms_url.clone(),
            support_url: table.support_url.clone(),
        }
    }

    fn limits(&mut self, tables: &Tables) -> Limits {
        let body = tables.limits.body;
        if !(32 * 1024..=16 * 1024 * 1024).contains(&body) {
            self.tell("limits.body", "must be from 32768 to 16777216 bytes");
        }
        let connections = tables.limits.connections;
        if !(16..=1_000_000).contains(&connections) {
            self.tell("limits.connections", "must be from 16 to 1000000");
        }
        Limits {
            body,
            timeout: self.span("limits.timeout", tables.limits.timeout, SECOND..=10 * MINUTE),
            keep_alive: self.span("limits.keep_alive", tables.limits.keep_alive, SECOND..=60 * MINUTE),
            connections,
        }
    }
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8080 or 0.0.0.0:8080".into())
}

fn parse_database(text: &str) -> Result<Database, String> {
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return match path {
            "" | ":memory:" => {
                Err("must name a file, such as sqlite://jean.db or sqlite:///var/lib/jean/jean.db".into())
            }
            _ if path.contains('?') => Err("must be a path alone, without ? and options".into()),
            _ => Ok(Database::Sqlite(PathBuf::from(path))),
        };
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return match Url::parse(text) {
            Ok(_) => Ok(Database::Postgres(text.into())),
            Err(error) => Err(format!("is not a URL ({error}); write special characters in the password as %XX")),
        };
    }
    Err("must begin with sqlite:// or postgres://".into())
}

fn is_domain(text: &str) -> bool {
    text.contains('.') && text.split('.').all(|label| !label.is_empty()) && !text.contains([' ', '@', '/', ':', ','])
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()))
}

fn read_logo(path: &Path) -> Result<Logo, String> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let media_type = match ending.as_deref() {
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        _ => return Err("must be a file that ends in .svg, .png or .webp".into()),
    };
    let unreadable = |error: std::io::Error| format!("the file {} cannot be read: {error}", path.display());
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_LOGO {
        return Err(format!("must be a file of at most {} KiB", MAX_LOGO / 1024));
    }
    Ok(Logo { media_type, bytes: std::fs::read(path).map_err(unreadable)? })
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::config::settings::Settings;

    /// The settings of a configuration that is sound but for `text`.
    pub(super) fn settings(text: &str) -> Result<Settings, String> {
        let text = format!("upstream.dev = {{}}\n{text}");
        let config = Config::from_toml(&text).map_err(|problems| problems.to_string())?;
        config.settings().map_err(|problems| problems.to_string())
    }

    /// The problems that `text` has.
    pub(super) fn told(text: &str) -> String {
        settings(text).err().unwrap_or_default()
    }

    #[test]
    fn a_database_is_a_file_or_postgresql() {
        for good in ["sqlite://jean.db", "sqlite:///var/lib/jean.db", "sqlite:jean.db"] {
            assert_eq!(told(&format!("database = {good:?}")), "");
        }
        for bad in
            ["jean.db", "sqlite://", "sqlite::memory:", "sqlite://a?mode=ro", "mysql://h/d", "postgres://u:p:/@[/d"]
        {
            let told = told(&format!("database = {bad:?}"));
            assert!(told.contains("database = (hidden): "), "{bad}: {told}");
        }
    }

    #[test]
    fn postgresql_without_a_secret_is_given_a_fresh_one() {
        let told = || told("database = \"postgres://db/jean\"");
        let (first, second) = (told(), told());
        assert!(first.starts_with("configuration: secret: is missing"), "{first}");
        assert_ne!(first, second);
        let fresh = first.rsplit_once("secret = ").unwrap().1;
        assert_eq!(settings(&format!("database = \"postgres://db/jean\"\nsecret = {fresh}")).unwrap().secrets.len(), 1);
    }

    #[test]
    fn a_short_secret_is_refused_wherever_it_stands_in_the_list() {
        let long = "x".repeat(32);
        assert_eq!(told(&format!("secret = \"{long}, {long}\"")), "");
        for bad in [&long[1..], &format!("{long},short"), &format!("{long},")] {
            assert!(told(&format!("secret = {bad:?}")).contains("at least 32 characters"), "{bad}");
        }
    }

    #[test]
    fn lifetimes_have_bounds_and_fit_together() {
        for (good, bad) in [
            ("access_lifetime = \"301s\"", "access_lifetime = \"5m\""),
            ("code_lifetime = \"10m\"", "code_lifetime = \"11m\""),
            ("code_lifetime = \"1s\"", "code_lifetime = \"0s\""),
            ("refresh_grace = \"0s\"", "refresh_grace = \"1h\""),
            ("refresh_idle = \"1h\"", "refresh_idle = \"59m\""),
            ("grant_lifetime = \"1h\"", "grant_lifetime = \"59m\""),
            ("key_rotation = \"1d\"", "key_rotation = \"1500ms\""),
            ("algorithm = \"EdDSA\"", "algorithm = \"HS256\""),
        ] {
            assert_eq!(told(&format!("tokens.{good}")), "");
            let told = told(&format!("tokens.{bad}"));
            assert!(told.contains("tokens."), "{bad}: {told}");
        }
    }

    #[test]
    fn a_brand_is_checked() {
        let dir = tempfile::tempdir().unwrap();
        let logo = dir.path().join("logo.SVG");
        std::fs::write(&logo, "<svg/>").unwrap();
        let brand = settings(&format!("brand.logo = {logo:?}\nbrand.accent = \"#A0b1C2\"")).unwrap().brand;
        let read = brand.logo.unwrap();
        assert_eq!((read.media_type, read.bytes.as_slice()), ("image/svg+xml", b"<svg/>".as_slice()));
        assert_eq!(brand.accent.as_deref(), Some("#a0b1c2"));

        std::fs::write(&logo, vec![0; 256 * 1024 + 1]).unwrap();
        assert!(told(&format!("brand.logo = {logo:?}")).contains("at most 256 KiB"));
        for bad in [
            "logo = \"logo.gif\"",
            "logo = \"missing.png\"",
            "accent = \"#12345\"",
            "privacy_url = \"javascript:alert(1)\"",
            "terms_url = \"/terms\"",
            "support_url = \"help@example.com\"",
            "name = \" \"",
        ] {
            assert!(told(&format!("brand.{bad}")).contains("brand."), "{bad}");
        }
    }

    #[test]
    fn access_rules_are_in_lower_case() {
        let access = settings("access.emails = [\"Ada@Example.com\"]\naccess.email_domains = [\"@Example.org\"]")
            .unwrap()
            .access;
        assert_eq!((access.emails, access.email_domains), (vec!["ada@example.com".into()], vec!["example.org".into()]));
        let told = told(
            "access.emails = [\"ada\", \"@example.com\"]\naccess.email_domains = [\"a@example.com\", \"localhost\"]",
        );
        assert_eq!(told.lines().count(), 4, "{told}");
    }

    #[test]
    fn a_list_of_people_that_is_written_and_empty_is_refused() {
        const NOBODY: &str = "lets nobody in; write `everyone = true` to let everyone in";
        for key in ["access.emails", "access.email_domains"] {
            for empty in ["[]", "\"\"", "\" \"", "\",\""] {
                let told = told(&format!("{key} = {empty}"));
                assert!(told.contains(key) && told.ends_with(NOBODY), "{key} = {empty}: {told}");
            }
            for blank in ["[\"\"]", "[\" \"]"] {
                assert!(told(&format!("{key} = {blank}")).contains("must be"), "{key} = {blank}");
            }
        }
        // The other list does not make up for it.
        assert!(told("access.emails = []\naccess.email_domains = [\"example.com\"]").ends_with(NOBODY));
        let from_environment = |file: &str, name: &str| {
            let file = format!("upstream.dev = {{}}\n{file}");
            let config = Config::parse(&file, "jean.toml", [(name.to_owned(), String::new())]).unwrap();
            config.settings().err().map(|problems| problems.to_string()).unwrap_or_default()
        };
        for file in ["", "access.emails = [\"ada@example.com\"]"] {
            let told = from_environment(file, "JEAN_ACCESS__EMAILS");
            assert_eq!(told, format!("environment JEAN_ACCESS__EMAILS: access.emails = \"\": {NOBODY}"));
        }
        assert!(from_environment("", "JEAN_ACCESS__EMAIL_DOMAINS").ends_with(NOBODY));
        assert_eq!(from_environment("", "JEAN_SECRET"), "");
        let mut config = Config::from_toml("upstream.dev = {}").unwrap();
        config.set("access.emails", "").unwrap();
        assert!(config.settings().unwrap_err().to_string().ends_with(NOBODY));
    }

    #[test]
    fn everyone_is_said_by_one_key_alone() {
        assert!(settings("access.everyone = true").unwrap().access.everyone);
        assert!(!settings("").unwrap().access.everyone);
        assert!(!settings("access.emails = \"ada@example.com\"\naccess.everyone = false").unwrap().access.everyone);
        for list in ["emails = [\"ada@example.com\"]", "email_domains = \"example.com\"", "emails = []"] {
            let told = told(&format!("access.everyone = true\naccess.{list}"));
            assert!(told.contains("access.everyone = true: lets everyone in, and a list says"), "{list}: {told}");
        }
        assert!(told("access.everyone = false").contains("access.everyone = false: lists nobody"));
    }

    #[test]
    fn limits_have_bounds() {
        for bad in [
            "limits.body = 10",
            "limits.body = -1",
            "limits.timeout = \"0s\"",
            "limits.keep_alive = \"0s\"",
            "limits.keep_alive = \"2h\"",
            "limits.connections = 15",
            "limits.connections = 1000001",
            "guard.max_staleness = \"2h\"",
        ] {
            assert_ne!(told(bad), "", "{bad}");
        }
        assert_eq!(told("guard.max_staleness = \"0s\""), "");
    }
}
