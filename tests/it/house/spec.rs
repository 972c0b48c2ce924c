//! The conformance table: every row holds, and none of what it is about is left out.

use std::collections::BTreeSet;
use std::time::Duration;

use jean::{Clock, Config, Jean, UnixTime};
use jean_checks::{Report, Revision, Setup, Subject};

/// All that the table has to be about, in addition to the revisions of MCP.
const SPECIFICATIONS: &[&str] = &[
    "RFC 6749",
    "RFC 6750",
    "RFC 7009",
    "RFC 7523",
    "RFC 7591",
    "RFC 7592",
    "RFC 7636",
    "RFC 7662",
    "RFC 8252",
    "RFC 8414",
    "RFC 8707",
    "RFC 9068",
    "RFC 9207",
    "RFC 9728",
    "OAuth 2.1",
    "CIMD",
    "OIDC Discovery",
    "OIDC Core",
];

/// A jean for the table, as the program starts it.
async fn start(setup: Setup) -> anyhow::Result<Subject> {
    let Setup { public_url, tables, provider, folder, clock, .. } = setup;
    let tables = format!(
        "public_url = \"{public_url}\"\ndatabase = \"sqlite://{}\"\n{tables}\n\
         [upstream.idp]\nkind = \"oidc\"\nissuer = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\n",
        folder.join("jean.db").display(),
        provider.issuer,
        provider.client_id,
        provider.client_secret,
    );
    let jean = Jean::builder(Config::from_toml(&tables)?).clock(TableClock(clock)).start().await?;
    Ok(Subject::new(jean.service(), async move { jean.close().await }))
}

/// The clock that the table moves.
struct TableClock(jean_checks::Clock);

impl Clock for TableClock {
    fn now(&self) -> UnixTime {
        UnixTime(self.0.now())
    }

    fn monotonic(&self) -> Duration {
        self.0.passed()
    }
}

#[tokio::test]
async fn every_requirement_of_the_table_holds() {
    let report = jean_checks::run(start).await.expect("jean starts");
    let failures = report.findings.iter().filter_map(|finding| {
        let why = finding.failure.as_ref()?;
        Some(format!(
            "{} ({}, {}): {}\n    {why}",
            finding.id, finding.specification, finding.section, finding.requirement
        ))
    });
    let failures: Vec<String> = failures.collect();
    assert!(failures.is_empty(), "{} rows fail:\n{}", failures.len(), failures.join("\n"));
    assert_complete(&report);
}

fn assert_complete(report: &Report) {
    let findings = &report.findings;
    assert!(findings.len() >= 120, "{} rows", findings.len());
    assert_eq!(
        findings.iter().map(|finding| &finding.id).collect::<BTreeSet<_>>().len(),
        findings.len(),
        "a name twice"
    );
    for finding in findings {
        let url = url::Url::parse(&finding.link).unwrap_or_else(|error| panic!("{}: {error}", finding.link));
        assert_eq!(url.scheme(), "https", "{}", finding.link);
        assert!(!finding.section.is_empty() && finding.link.ends_with(finding.section), "{}", finding.id);
        assert!(finding.requirement.ends_with('.') && finding.requirement.len() <= 100, "{}", finding.requirement);
        assert!(!finding.title.is_empty(), "{}", finding.specification);
        let well_named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(finding.id.chars().all(well_named), "{}", finding.id);
    }
    let covered: BTreeSet<&str> = findings.iter().map(|finding| finding.specification.as_str()).collect();
    for specification in SPECIFICATIONS {
        assert!(covered.contains(specification), "no row about {specification}");
    }
    for revision in Revision::ALL {
        let name = format!("MCP {revision}");
        let own = findings.iter().filter(|finding| finding.specification == name);
        assert!(own.count() >= 5, "too few rows about {name}");
    }
}
