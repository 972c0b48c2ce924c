//! The second pass over a configuration: [`Tables`] parsed into typed, cross-checked [`Settings`].
//!
//! Every value is looked at, whatever is wrong with another, so that all problems are told at once.

mod access;
mod brand;
mod clients;
mod database;
mod documents;
mod limits;
mod mounts;
mod pass;
mod resource_servers;
mod tokens;
mod upstreams;

use std::net::SocketAddr;
use std::time::Duration;

use super::problem::Problems;
use super::settings::{Issuer, Settings};
use super::source::Source;
use super::tables::Tables;

use database::parse_database;
use pass::{Location, MINUTE, Pass};

/// Parses and cross-checks everything.
pub(super) fn resolve(tables: &Tables, source: &Source) -> Result<Settings, Problems> {
    let mut pass = Pass { source, problems: Problems::default() };
    let issuer = pass.ok_or_report("public_url", Issuer::parse(&tables.public_url));
    let listen = pass.ok_or_report("listen", parse_listen(&tables.listen));
    let database = pass.ok_or_report("database", parse_database(tables.database.expose()));
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

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8080 or 0.0.0.0:8080".into())
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
    pub(super) fn problems(text: &str) -> String {
        settings(text).err().unwrap_or_default()
    }
}
