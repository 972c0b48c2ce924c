//! What the specifications ask of an OAuth server for MCP, as a table of black-box checks: `jean conformance` prints it for
//! the running version, and jean's tests hold every row.
//!
//! [`run`] is told how to start a server, the [`Subject`], and sends it what a client and a browser would send, with an
//! identity provider and a clock of its own. A row is one requirement with its source ([`source`]) and 3 to 10 lines of
//! check over the [`mod@bench`]; there is one file for each topic. Rows know the wire and nothing else: this crate uses
//! nothing of the server that it checks.

// The docs above lead to what only `--document-private-items` shows.
#![expect(rustdoc::private_intra_doc_links, reason = "the crate's docs are its map, for those who work on it")]

mod access_token;
mod authorize;
mod bearer;
mod bench;
mod browser;
mod client_assertion;
mod client_configuration;
mod client_document;
mod discovery;
mod introspect;
mod issuer;
mod key;
mod mcp;
mod native;
mod openid;
mod pkce;
mod refresh;
mod register;
mod resource;
mod revoke;
mod row;
mod source;
mod subject;
mod token;
mod transport;
mod wire;

use serde::Serialize;

use bench::Bench;
use row::Row;
use source::Source;
pub use source::{Level, Revision};
pub use subject::{Clock, Provider, Setup, Subject};

/// What became of every row.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The rows, those of one specification together.
    pub findings: Vec<Finding>,
}

/// One requirement, and whether it holds.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The row's name, which stays the same from version to version: `rfc7636-wrong-verifier`.
    pub id: String,
    /// The specification: `RFC 7636`.
    pub specification: String,
    /// What the specification is about.
    pub title: &'static str,
    /// The section: a number, or the heading's anchor.
    pub section: &'static str,
    /// Where to read it.
    pub link: String,
    /// How strict it is.
    pub level: Level,
    /// One sentence.
    pub requirement: &'static str,
    /// The revisions of MCP that ask for it; empty if none does.
    pub revisions: Vec<Revision>,
    /// What went wrong, if it does not hold.
    pub failure: Option<String>,
}

/// Why the table could not be run at all.
#[derive(Debug, thiserror::Error)]
#[error("no server could be started to check: {0:#}")]
pub struct Error(anyhow::Error);

impl Report {
    /// Whether every row holds.
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.failure.is_none())
    }
}

/// Runs the whole table against servers that `start` starts, most rows against the same one.
///
/// # Errors
/// If there is no room for a temporary folder or no free port on loopback, or `start` fails.
pub async fn run<S>(start: S) -> Result<Report, Error>
where
    S: AsyncFn(Setup) -> anyhow::Result<Subject> + 'static,
{
    let bench = Bench::start(start).await.map_err(Error)?;
    let rows = rows();
    // Some at once: most of the time of a check is spent waiting for the disk.
    let lane = |first| checked(&bench, rows.iter().enumerate().skip(first).step_by(4));
    let (a, b, c, d) = tokio::join!(lane(0), lane(1), lane(2), lane(3));
    let mut findings = [a, b, c, d].concat();
    findings.sort_by_key(|(place, _)| *place);
    bench.close().await;
    Ok(Report { findings: findings.into_iter().map(|(_, finding)| finding).collect() })
}

/// Checks rows one after the other; each with its place in the table.
async fn checked<'a>(bench: &Bench, rows: impl Iterator<Item = (usize, &'a Row)>) -> Vec<(usize, Finding)> {
    let mut findings = Vec::new();
    for (place, row) in rows {
        let failure = (row.check)(bench).await.err().map(|error| format!("{error:#}"));
        findings.push((place, Finding::new(row, failure)));
    }
    findings
}

impl Finding {
    fn new(row: &Row, failure: Option<String>) -> Self {
        let Source { specification, section, .. } = row.source;
        Finding {
            id: format!("{}-{}", specification.slug(), row.id),
            specification: specification.to_string(),
            title: specification.title(),
            section,
            link: specification.link(section),
            level: row.level,
            requirement: row.requirement,
            revisions: row.source.revisions().collect(),
            failure,
        }
    }
}

/// The table: the rows of one specification together, in the order of their numbers, MCP last.
fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = [
        authorize::rows(),
        browser::rows(),
        token::rows(),
        refresh::rows(),
        bearer::rows(),
        revoke::rows(),
        register::rows(),
        client_configuration::rows(),
        client_assertion::rows(),
        pkce::rows(),
        introspect::rows(),
        native::rows(),
        discovery::rows(),
        resource::rows(),
        access_token::rows(),
        issuer::rows(),
        client_document::rows(),
        openid::rows(),
        mcp::rows(),
        transport::rows(),
    ]
    .into_iter()
    .flatten()
    .collect();
    rows.sort_by_key(|row| row.source.specification);
    rows
}
