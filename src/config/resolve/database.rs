//! `database`, and the secrets that seal what is in it.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::pass::Pass;
use crate::config::secret;
use crate::config::settings::Database;
use crate::config::tables::Tables;

/// The shortest root secret.
const MIN_SECRET: usize = 32;

impl Pass<'_> {
    pub(super) fn secrets(&mut self, tables: &Tables, database: Option<&Database>) -> Vec<SecretString> {
        let key = if tables.secret.is_some() { "secret" } else { "secret_file" };
        let read = secret::load(tables.secret.as_ref(), tables.secret_file.as_deref());
        let Some(read) = self.ok_or_report(key, read) else { return Vec::new() };
        let Some(text) = read else {
            if matches!(database, Some(Database::Postgres(_))) {
                let fresh = crate::random::text::<32>();
                self.report(
                    "secret",
                    format!("is missing, and PostgreSQL needs one that all machines share; here is a new one: secret = \"{fresh}\""),
                );
            }
            return Vec::new();
        };
        let secrets: Vec<&str> = text.expose_secret().split(',').map(str::trim).collect();
        if secrets.iter().any(|secret| secret.chars().count() < MIN_SECRET) {
            self.report(
                key,
                format!("must have at least {MIN_SECRET} characters; make one with: openssl rand -base64 32"),
            );
        }
        secrets.into_iter().map(SecretString::from).collect()
    }
}

pub(super) fn parse_database(text: &str) -> Result<Database, String> {
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

#[cfg(test)]
mod tests {
    use crate::config::resolve::tests::{problems, settings};

    #[test]
    fn a_database_is_a_file_or_postgresql() {
        for good in ["sqlite://jean.db", "sqlite:///var/lib/jean.db", "sqlite:jean.db"] {
            assert_eq!(problems(&format!("database = {good:?}")), "");
        }
        for bad in
            ["jean.db", "sqlite://", "sqlite::memory:", "sqlite://a?mode=ro", "mysql://h/d", "postgres://u:p:/@[/d"]
        {
            let told = problems(&format!("database = {bad:?}"));
            assert!(told.contains("database = (hidden): "), "{bad}: {told}");
        }
    }

    #[test]
    fn postgresql_without_a_secret_is_given_a_fresh_one() {
        let told = || problems("database = \"postgres://db/jean\"");
        let (first, second) = (told(), told());
        assert!(first.starts_with("configuration: secret: is missing"), "{first}");
        assert_ne!(first, second);
        let fresh = first.rsplit_once("secret = ").unwrap().1;
        assert_eq!(settings(&format!("database = \"postgres://db/jean\"\nsecret = {fresh}")).unwrap().secrets.len(), 1);
    }

    #[test]
    fn a_short_secret_is_refused_wherever_it_stands_in_the_list() {
        let long = "x".repeat(32);
        assert_eq!(problems(&format!("secret = \"{long}, {long}\"")), "");
        for bad in [&long[1..], &format!("{long},short"), &format!("{long},")] {
            assert!(problems(&format!("secret = {bad:?}")).contains("at least 32 characters"), "{bad}");
        }
    }
}
