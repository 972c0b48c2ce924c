//! What a configuration amounts to, in a few lines for the operator.

use std::fmt;

use super::settings::{AccessRules, Database, Settings, Shadowed, UpstreamKind, UpstreamSettings};
use super::warnings::{self, Warning};

/// What a configuration amounts to: the addresses to hand out and to register, who may come in, where the data is, and
/// what is probably not meant.
#[derive(Clone, Debug)]
pub struct Summary {
    file: String,
    rows: Vec<(&'static str, String)>,
    warnings: Vec<Warning>,
}

impl Summary {
    pub(super) fn new(file: &str, settings: &Settings) -> Self {
        let mut rows = vec![
            ("public URL", settings.issuer.as_str().to_owned()),
            ("listens on", settings.listen.to_string()),
            ("database", database(&settings.database)),
        ];
        for mount in &settings.mounts {
            rows.push(("MCP URL", format!("{} (scopes: {})", mount.resource, mount.known_scopes())));
        }
        for Shadowed { endpoint, by } in settings.shadowed_default_endpoints() {
            rows.push((
                "not served",
                format!("{endpoint} for clients without metadata: {by} puts something else there"),
            ));
        }
        for upstream in &settings.upstreams {
            rows.push(("sign-in", sign_in(upstream, settings)));
        }
        rows.push(("who", who(&settings.access, &settings.upstreams)));
        if !settings.injected_variables.is_empty() {
            let names = settings.injected_variables.join(", ");
            rows.push(("ignored", format!("{names}, which a platform sets for a service named jean")));
        }
        Summary { file: file.to_owned(), rows, warnings: warnings::all(settings) }
    }

    /// What works and is probably not meant: the key, and what to write instead, one line each.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.warnings.iter().map(ToString::to_string)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is fine:", self.file)?;
        for (name, value) in &self.rows {
            write!(f, "\n  {name:<12}{value}")?;
        }
        for warning in self.warnings() {
            write!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}

fn database(database: &Database) -> String {
    match database {
        Database::Sqlite(path) => format!("SQLite, {}", path.display()),
        Database::Postgres(_) => "PostgreSQL".into(),
    }
}

fn sign_in(upstream: &UpstreamSettings, settings: &Settings) -> String {
    match upstream.kind {
        UpstreamKind::Dev => format!("with {}, for this computer only ({})", upstream.label, upstream.issuer),
        _ => format!("with {}; register there: {}", upstream.label, settings.issuer.callback(&upstream.name)),
    }
}

fn who(access: &AccessRules, upstreams: &[UpstreamSettings]) -> String {
    let mut allowed = access.emails.clone();
    allowed.extend(access.email_domains.iter().map(|domain| format!("anyone @{domain}")));
    if !allowed.is_empty() {
        return allowed.join(", ");
    }
    let sources = upstreams.iter().map(|upstream| match &upstream.hosted_domain {
        Some(domain) => format!("{} for {domain}", upstream.label),
        None => upstream.label.clone(),
    });
    format!("everyone who signs in with {}", sources.collect::<Vec<_>>().join(" or "))
}
