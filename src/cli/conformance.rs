//! `jean conformance`: what the specifications ask for, and whether this version does it.

use std::fmt;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::time::Duration;

use jean::{Clock, Config, Jean, UnixTime};
use jean_checks::{Finding, Report, Revision, Setup, Subject};
use serde_json::json;

/// The version that the table is about.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where lines end: what the narrowest terminals have.
const WIDTH: usize = 80;

/// How far the sentences are from the left.
const INDENT: usize = 18;

/// Runs the table and prints it, as text or as JSON. What does not hold is an error.
pub(super) async fn run(as_json: bool) -> anyhow::Result<()> {
    let report = jean_checks::run(start).await?;
    let failed = report.findings.iter().filter(|finding| finding.failure.is_some()).count();
    let mut out = std::io::stdout().lock();
    let text = if as_json {
        let findings = &report.findings;
        let all = json!({
            "version": VERSION,
            "requirements": findings.len(),
            "failed": failed,
            "findings": findings,
        });
        format!("{all:#}\n")
    } else {
        let colours = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        Table { report: &report, colours }.to_string()
    };
    match out.write_all(text.as_bytes()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        other => other?,
    }
    anyhow::ensure!(failed == 0, "{failed} of {} requirements do not hold", report.findings.len());
    Ok(())
}

/// Starts a complete jean, with a database in the table's folder. Nothing of an operator's configuration or data is read.
async fn start(setup: Setup) -> anyhow::Result<Subject> {
    let mut config = Config::from_toml(&setup.tables)?;
    for (key, value) in [
        ("public_url", &setup.public_url),
        ("database", &format!("sqlite://{}", setup.folder.join("jean.db").display())),
        ("upstream.idp.kind", &"oidc".to_owned()),
        ("upstream.idp.issuer", &setup.provider.issuer),
        ("upstream.idp.client_id", &setup.provider.client_id),
        ("upstream.idp.client_secret", &setup.provider.client_secret),
    ] {
        config.set(key, value)?;
    }
    let jean = Jean::builder(config).clock(TableClock(setup.clock)).start().await?;
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

/// The report for people.
struct Table<'a> {
    report: &'a Report,
    colours: bool,
}

impl Table<'_> {
    /// The text in a colour (ECMA-48 section 8.3.117), where there are any.
    fn paint(&self, colour: &str, text: impl fmt::Display) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn heading(&self, f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
        let name = self.paint("1", &finding.specification);
        let since = match finding.revisions.first() {
            Some(_) if is_of_mcp(finding) => String::new(),
            Some(revision) => format!(" (MCP since {revision})"),
            None => " (beside MCP)".to_owned(),
        };
        writeln!(f, "\n{name}  {}{since}", finding.title)
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
        let outcome = match finding.failure {
            None => self.paint("32", "ok    "),
            Some(_) => self.paint("1;31", "FAILED"),
        };
        let sentence = format!("{} ({})", finding.requirement, section(finding.section));
        writeln!(f, "  {outcome}  {:6}  {}", finding.level, wrapped(&sentence))?;
        match &finding.failure {
            None => Ok(()),
            Some(why) => writeln!(f, "{:INDENT$}{}\n{:INDENT$}{}", "", wrapped(why), "", finding.link),
        }
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings = || self.report.findings.iter();
        writeln!(f)?;
        for revision in Revision::ALL {
            let asked = || findings().filter(move |finding| finding.revisions.contains(&revision));
            let own = self.count(asked().filter(|finding| is_of_mcp(finding)));
            let named = self.count(asked().filter(|finding| !is_of_mcp(finding)));
            writeln!(f, "MCP {revision}  {own}, and of the RFCs and drafts that it names {named}")?;
        }
        let mut names: Vec<&str> = findings().filter(|of| !is_of_mcp(of)).map(|of| of.specification.as_str()).collect();
        names.dedup();
        for name in names {
            writeln!(f, "{name:14}  {}", self.count(findings().filter(|finding| finding.specification == name)))?;
        }
        writeln!(f, "{:14}  {}", format!("jean {VERSION}"), self.count(findings()))
    }

    fn count<'b>(&self, findings: impl Iterator<Item = &'b Finding>) -> String {
        let (mut good, mut all) = (0, 0);
        for finding in findings {
            all += 1;
            good += usize::from(finding.failure.is_none());
        }
        self.paint(if good == all { "32" } else { "1;31" }, format_args!("{good} of {all}"))
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "jean {VERSION}: what the specifications ask for, checked from outside.")?;
        let mut before = "";
        for finding in &self.report.findings {
            if finding.specification != before {
                self.heading(f, finding)?;
                before = &finding.specification;
            }
            self.row(f, finding)?;
        }
        self.summary(f)
    }
}

/// Whether MCP itself says so, and none of what it names.
fn is_of_mcp(finding: &Finding) -> bool {
    finding.specification.starts_with("MCP")
}

/// A section as people read it: the number, or the words of a heading.
fn section(section: &str) -> String {
    let heading = section.rsplit(['#', '/']).next().unwrap_or(section);
    heading.replace('-', " ")
}

/// The text in lines that begin below one another, the first one not indented.
fn wrapped(text: &str) -> String {
    let (mut lines, mut column) = (String::new(), INDENT);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > INDENT {
            if column + 1 + length > WIDTH {
                lines.push_str(&format!("\n{:INDENT$}", ""));
                column = INDENT;
            } else {
                lines.push(' ');
                column += 1;
            }
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_go_on_below_where_they_began() {
        let lines = wrapped(&"word ".repeat(30));
        assert!(lines.lines().all(|line| line.len() <= WIDTH), "{lines}");
        assert!(lines.lines().skip(1).all(|line| line.starts_with(&" ".repeat(INDENT)) && !line.ends_with(' ')));
        assert_eq!(lines.split_whitespace().count(), 30);
        assert_eq!(section("authorization/client-registration#pre-registration"), "pre registration");
        assert_eq!(section("4.1.2"), "4.1.2");
    }
}
