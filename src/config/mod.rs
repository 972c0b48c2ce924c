//! The configuration: `jean.toml`, the environment, and the program's own values.
//!
//! A [`Config`] is what was set, in this order: the defaults, the file, the environment (`JEAN_TABLE__KEY`), and
//! [`Config::set`]. It is read in two passes. The first checks names and types against [`tables`], the second parses and
//! cross-checks the values into [`Settings`], which is all that the rest of the program sees. Either tells every
//! problem at once, with the place, the key and what to do.

mod presets;
mod problem;
mod resolve;
mod secret;
pub(crate) mod settings;
mod source;
mod summary;
mod tables;
pub(crate) mod warnings;

use std::fmt;
use std::path::Path;

pub use self::problem::Problems;
pub use self::summary::Summary;

use self::problem::{Place, Problem};
use self::settings::{RegistrationBounds, Settings};
use self::source::Source;
use self::tables::Tables;

/// What was configured: `jean.toml`, with the environment laid over it.
#[derive(Clone, Default)]
pub struct Config {
    tables: Tables,
    source: Source,
    registrations: RegistrationBounds,
}

impl Config {
    /// Reads a file and the environment of the process.
    ///
    /// # Errors
    /// Everything that is wrong, where a key is unknown or a value has the wrong type.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Problems> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => format!("; make one with: jean config > {name}"),
                _ => String::new(),
            };
            Problem::with_file(Place::File(name.clone()), format!("cannot be read: {error}{hint}"))
        })?;
        let variables =
            std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
        Config::parse(&text, &name, variables)
    }

    /// Reads a text, without any environment.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_toml(text: &str) -> Result<Self, Problems> {
        Config::parse(text, "configuration", [])
    }

    /// Reads a text that is called `file` in problems, and the environment that is given.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(
        text: &str,
        file: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        let mut source = Source::from_toml(text, file)?;
        source.apply_environment(environment);
        Config::read(source)
    }

    /// Sets one value over all others: `config.set("tokens.access_lifetime", "30m")`. A list is written with commas.
    ///
    /// # Errors
    /// The problem with the key or its value; the configuration then stays as it was.
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> Result<(), Problems> {
        let mut source = self.source.clone();
        source.put(key, value.into(), Place::Code);
        *self = Config { registrations: self.registrations, ..Config::read(source)? };
        Ok(())
    }

    /// Bounds how many registrations that nobody used a sweep leaves, and how many there may be: for tests, which cannot
    /// make a million of them.
    #[cfg(feature = "testing")]
    pub fn bound_registrations(&mut self, kept: u64, most: u64) {
        self.registrations = RegistrationBounds { kept, most, ..self.registrations };
    }

    /// Whether everything fits together; the summary says what it amounts to.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn check(&self) -> Result<Summary, Problems> {
        self.settings().map(|settings| Summary::new(self.source.file(), &settings))
    }

    /// Where to listen.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    pub fn listen(&self) -> Result<std::net::SocketAddr, Problems> {
        self.settings().map(|settings| settings.listen)
    }

    /// The second pass: typed, cross-checked values.
    pub(crate) fn settings(&self) -> Result<Settings, Problems> {
        let mut settings = resolve::resolve(&self.tables, &self.source)?;
        settings.clients.registrations = self.registrations;
        Ok(settings)
    }

    /// The first pass: names and types. Where something is wrong, the second pass tells the rest at once.
    fn read(source: Source) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let registrations = RegistrationBounds::default();
        let config = Config { tables: source.extract(&mut problems), source, registrations };
        if problems.is_empty() {
            return Ok(config);
        }
        if let Err(more) = config.settings() {
            problems.add_later(more);
        }
        Err(problems)
    }
}

/// The values, without the secrets.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tables.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::ExposeSecret;
    use serde_json::Value;

    use super::settings::Database;
    use super::*;

    const REFERENCE: &str = include_str!("../../jean.toml");

    fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
        Config::parse(text, "jean.toml", variables.iter().map(|(name, value)| (name.to_string(), value.to_string())))
    }

    fn json(config: &Config) -> Value {
        serde_json::to_value(&config.tables).unwrap()
    }

    #[test]
    fn the_reference_runs_as_it_is() {
        let settings = parse(REFERENCE, &[]).unwrap().settings().unwrap();
        assert_eq!(settings.issuer.as_str(), "http://localhost:8080");
        assert_eq!(settings.listen, "127.0.0.1:8080".parse().unwrap());
        assert!(matches!(&settings.database, Database::Sqlite(path) if path == Path::new("jean.db")));
        assert!(settings.secrets.is_empty());
        assert_eq!(settings.upstreams[0].issuer, "http://127.0.0.1:8081");
        assert_eq!(settings.upstreams[0].client_id, "jean");
        let mount = &settings.mounts[0];
        assert_eq!(mount.resource.as_str(), "http://localhost:8080/mcp");
        assert_eq!(mount.default_scopes.to_string(), "read write");
        assert_eq!(mount.required_scopes.to_string(), "read");
        assert_eq!(settings.brand.name, "jean");
        assert_eq!(settings.tokens.refresh_grace, Duration::from_secs(60));
    }

    /// The line without its comment sign, where it is a key or a table that is commented out.
    fn uncommented(line: &str) -> Option<&str> {
        let text = line.strip_prefix("# ")?;
        let is_table = text.starts_with('[') && text.ends_with(']');
        let is_key =
            text.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()));
        (is_table || is_key).then_some(text)
    }

    #[test]
    fn the_reference_has_every_key_and_no_other() {
        let text: Vec<_> = REFERENCE.lines().map(|line| uncommented(line).unwrap_or(line)).collect();
        let config = parse(&text.join("\n"), &[]).unwrap();
        let mut all = json(&config);
        // What differs between providers is in the table of one of them.
        let upstreams = all["upstream"].as_object_mut().unwrap();
        let tables: Vec<Value> = upstreams.values().cloned().collect();
        for (_, table) in upstreams.iter_mut() {
            for (key, value) in table.as_object_mut().unwrap() {
                *value =
                    tables.iter().map(|table| table[key].clone()).find(|value| !value.is_null()).unwrap_or_default();
            }
        }
        assert_no_null("", &all);
    }

    fn assert_no_null(path: &str, value: &Value) {
        match value {
            Value::Null => panic!("{path} is not in jean.toml"),
            Value::Object(table) => {
                table.iter().for_each(|(key, value)| assert_no_null(&format!("{path}.{key}"), value))
            }
            Value::Array(items) => items.iter().for_each(|item| assert_no_null(path, item)),
            _ => {}
        }
    }

    #[test]
    fn the_reference_s_commented_defaults_are_the_defaults() {
        let mut table = "";
        let mut compared = 0;
        for line in REFERENCE.lines() {
            if line.starts_with('[') || uncommented(line).is_some_and(|text| text.starts_with('[')) {
                table = line;
            }
            // A table that is commented out is an example.
            let Some(key) = uncommented(line).filter(|key| !key.starts_with('[') && !table.starts_with('#')) else {
                continue;
            };
            let without = json(&parse(table, &[]).unwrap());
            let with = json(&parse(&format!("{table}\n{key}"), &[]).unwrap());
            let name = key.split(' ').next().unwrap();
            let path = table.trim_matches(['[', ']']).split('.').filter(|part| !part.is_empty()).chain([name]);
            let default = path.fold(&without, |value, part| &value[part]);
            assert!(default.is_null() || with == without, "{table} {key}: the default is {default}");
            compared += usize::from(!default.is_null());
        }
        assert_eq!(compared, 20);
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let text = r#"
public_url = "http://example.com"
listen = 8080
[tokens]
acces_lifetime = "1h"
refresh_idle = true
code_lifetime = "soon"
[upstream.google]
client_id = "x"
client_secret = 12345
[mcp]
path = "/mcp"
[brand]
accent = "blue"
[access]
emails = ["ada@example.com", 3]
"#;
        let told =
            parse(text, &[("JEAN_LIMITS__BODY", "64k"), ("JEAN_TOKENS_ALGORITHM", "ES256")]).unwrap_err().to_string();
        let expected = [
            "jean.toml:2:14: public_url = \"http://example.com\": must be https, unless its host is localhost, 127.0.0.1 or [::1]",
            "jean.toml:3:10: listen = 8080: is a whole number; must be a text in quotes",
            "jean.toml:5:1: tokens.acces_lifetime: unknown key; did you mean access_lifetime?",
            "jean.toml:6:16: tokens.refresh_idle = true: is a boolean; must be a span of time such as \"30s\", \"10m\", \"1h\" or \"30d\"",
            "jean.toml:7:17: tokens.code_lifetime = \"soon\": must be a span of time such as \"30s\", \"10m\", \"1h\" or \"30d\"",
            "jean.toml:10:17: upstream.google.client_secret = (hidden): is a whole number; must be a text in quotes",
            "jean.toml:12:8: mcp.path = \"/mcp\": is a text; must be a table with a name of its own, as in [mcp.NAME]",
            "jean.toml:14:10: brand.accent = \"blue\": must be a colour such as #2563eb",
            "jean.toml:16:30: access.emails.1 = 3: is a whole number; must be a text in quotes",
            "environment JEAN_LIMITS__BODY: limits.body = \"64k\": is a text; must be a whole number, 0 or more",
            "environment JEAN_TOKENS_ALGORITHM: tokens_algorithm: unknown key; a table's name is followed by two underscores: JEAN_TOKENS__ALGORITHM; if it is not meant for jean, unset JEAN_TOKENS_ALGORITHM",
        ];
        assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_environment_overrides_the_file_and_the_program_both() {
        let variables = [
            ("JEAN_PUBLIC_URL", "https://mcp.example.com"),
            ("JEAN_LISTEN", "0.0.0.0:80"),
            ("JEAN_DATABASE", "postgres://u:p@db/jean"),
            ("JEAN_SECRET", "0123456789012345678901234567890123456789,9876543210987654321098765432109876543210"),
            ("JEAN_UPSTREAM__GOOGLE__CLIENT_ID", "12345"),
            ("JEAN_UPSTREAM__GOOGLE__CLIENT_SECRET", "true"),
            ("JEAN_ACCESS__EMAIL_DOMAINS", "example.com, example.org"),
            ("JEAN_CLIENTS__REGISTRATION", "false"),
            ("JEAN_LIMITS__BODY", "40000"),
            ("JEAN_LOG", "debug"),
        ];
        let mut config = parse("listen = \"127.0.0.1:1\"\n[limits]\ntimeout = \"5s\"", &variables).unwrap();
        config.set("tokens.access_lifetime", "30m").unwrap();
        let settings = config.settings().unwrap();
        assert_eq!(settings.issuer.as_str(), "https://mcp.example.com");
        assert_eq!(settings.listen, "0.0.0.0:80".parse().unwrap());
        assert!(
            matches!(&settings.database, Database::Postgres(url) if url.expose_secret() == "postgres://u:p@db/jean")
        );
        assert_eq!(settings.secrets.len(), 2);
        assert_eq!(settings.secrets[0].expose_secret(), "0123456789012345678901234567890123456789");
        assert_eq!(settings.upstreams[0].client_id, "12345");
        assert_eq!(settings.upstreams[0].client_secret.as_ref().unwrap().expose_secret(), "true");
        assert_eq!(settings.access.email_domains, ["example.com", "example.org"]);
        assert!(!settings.clients.registration);
        assert_eq!((settings.limits.body, settings.limits.timeout), (40000, Duration::from_secs(5)));
        assert_eq!(settings.tokens.access_lifetime, Duration::from_secs(1800));
    }

    #[test]
    fn a_value_that_does_not_fit_leaves_the_configuration_as_it_was() {
        let mut config = parse(REFERENCE, &[]).unwrap();
        let told = config.set("tokens.access_lifetime", "long").unwrap_err().to_string();
        assert!(told.starts_with("set by the program: tokens.access_lifetime = \"long\": must be"), "{told}");
        assert!(config.settings().is_ok());
    }

    #[test]
    fn a_missing_file_tells_how_to_make_one() {
        let dir = tempfile::tempdir().unwrap();
        let told = Config::load(dir.path().join("jean.toml")).unwrap_err().to_string();
        assert!(told.contains("make one with: jean config > "), "{told}");
    }

    #[test]
    fn a_configuration_is_printed_without_its_secrets() {
        let config =
            Config::from_toml("database = \"postgres://u:hunter2@h/d\"\nsecret = \"hunter2\"\nbrand.name = \"Acme\"")
                .unwrap();
        let printed = format!("{config:?}");
        assert!(printed.contains("Acme") && !printed.contains("hunter2"), "{printed}");
        let told = config.settings().unwrap_err();
        assert!(!format!("{told:?}").contains("hunter2"), "{told}");
    }

    #[test]
    fn the_summary_tells_what_to_register() {
        let text = "public_url = \"https://a.example\"\n[upstream.auth0]\ndomain = \"t.auth0.com\"\nclient_id = \"x\"\n[access]\nemail_domains = \"a.example\"";
        let summary = Config::from_toml(text).unwrap().check().unwrap().to_string();
        assert_eq!(
            summary.lines().collect::<Vec<_>>(),
            [
                "configuration is fine:",
                "  public URL  https://a.example",
                "  listens on  127.0.0.1:8080",
                "  database    SQLite, jean.db",
                "  MCP URL     https://a.example/mcp (scopes: mcp)",
                "  sign-in     with Auth0; register there: https://a.example/oauth/callback/auth0",
                "  who         anyone @a.example",
            ]
        );
    }

    #[test]
    fn the_summary_names_the_default_endpoints_that_are_not_served_and_the_key_that_takes_their_path() {
        for (text, not_served) in [
            ("", &[][..]),
            ("public_url = \"http://localhost:8080/x\"\nmcp.default.path = \"/token\"", &[]),
            ("mcp.default.path = \"/token/x\"", &[]),
            ("mcp.default.path = \"/token\"", &["/token for clients without metadata: mcp.default.path puts"]),
            (
                "public_url = \"http://localhost:8080/register\"",
                &["/register for clients without metadata: public_url puts"],
            ),
            (
                "mcp.default = {}\nmcp.register = {}\nmcp.a.path = \"/authorize\"",
                &[
                    "/authorize for clients without metadata: mcp.a.path puts",
                    "/register for clients without metadata: mcp.register.path puts",
                ],
            ),
        ] {
            let text = format!("{text}\n[upstream.dev]");
            let summary = Config::from_toml(&text).unwrap().check().unwrap().to_string();
            let lines = summary.lines().filter_map(|line| line.strip_prefix("  not served  "));
            let told: Vec<&str> = lines.map(|line| line.trim_end_matches(" something else there")).collect();
            assert_eq!(told, not_served, "{text}");
        }
    }

    #[test]
    fn the_summary_ends_with_what_is_ignored_and_what_is_probably_not_meant() {
        let text = "[upstream.auth0]\ndomain = \"t.auth0.com\"\nclient_id = \"x\"";
        let variables = [("JEAN_SERVICE_HOST", "10.0.0.1"), ("JEAN_PORT", "tcp://10.0.0.1:8080")];
        let summary = parse(text, &variables).unwrap().check().unwrap();
        let told = summary.to_string();
        let lines: Vec<_> = told.lines().rev().collect();
        assert_eq!(lines[0], format!("warning: {}", summary.warnings().next().unwrap()));
        assert!(lines[0].starts_with("warning: access: lists nobody, so everyone who signs in with"), "{told}");
        let ignored = "  ignored     JEAN_PORT, JEAN_SERVICE_HOST, which a platform sets for a service named jean";
        assert_eq!(lines[1], ignored);
        assert_eq!(lines.len(), 9, "{told}");
    }
}
