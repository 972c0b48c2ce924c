//! What every table needs while it is resolved: a place to report problems, and values that several tables have.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::problem::Problems;
use crate::config::settings::Issuer;
use crate::config::source::Source;
use crate::config::tables::Span;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);
pub(super) const CENTURY: Duration = Duration::from_secs(36_500 * 24 * 3600);

/// Where this server is reached, and where it listens. What is wrong in the configuration is `None`.
#[derive(Clone, Copy)]
pub(super) struct Location<'a> {
    pub(super) issuer: Option<&'a Issuer>,
    pub(super) listen: Option<SocketAddr>,
}

pub(super) struct Pass<'a> {
    pub(super) source: &'a Source,
    pub(super) problems: Problems,
}

impl Pass<'_> {
    pub(super) fn report(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(self.source.problem(key, message));
    }

    pub(super) fn ok_or_report<T>(&mut self, key: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.report(key, message)).ok()
    }

    /// A span within bounds, in whole seconds.
    pub(super) fn span(&mut self, key: &str, Span(span): Span, bounds: RangeInclusive<Duration>) -> Duration {
        let shown = humantime::format_duration;
        if span < *bounds.start() {
            self.report(key, format!("must be at least {}", shown(*bounds.start())));
        } else if span > *bounds.end() {
            self.report(key, format!("must be at most {}", shown(*bounds.end())));
        } else if span.subsec_nanos() != 0 {
            self.report(key, "must be whole seconds");
        }
        span
    }

    /// The tables below `parent`, in the order of the file; those that only the environment knows come last.
    pub(super) fn in_order<'t, T>(&self, parent: &str, tables: &'t BTreeMap<String, T>) -> Vec<(&'t String, &'t T)> {
        let mut tables: Vec<_> = tables.iter().collect();
        tables.sort_by_key(|(name, _)| {
            let place = self.source.order(&format!("{parent}.{name}"));
            (place.is_none(), place)
        });
        tables
    }
}

pub(super) fn is_domain(text: &str) -> bool {
    text.contains('.') && text.split('.').all(|label| !label.is_empty()) && !text.contains([' ', '@', '/', ':', ','])
}
