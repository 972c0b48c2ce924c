//! `[limits]`: bounds on requests and connections.

use super::pass::{MINUTE, Pass, SECOND};
use crate::config::settings::Limits;
use crate::config::tables::Tables;

impl Pass<'_> {
    pub(super) fn limits(&mut self, tables: &Tables) -> Limits {
        let body = tables.limits.body;
        if !(32 * 1024..=16 * 1024 * 1024).contains(&body) {
            self.report("limits.body", "must be from 32768 to 16777216 bytes");
        }
        let connections = tables.limits.connections;
        if !(16..=1_000_000).contains(&connections) {
            self.report("limits.connections", "must be from 16 to 1000000");
        }
        Limits {
            body,
            timeout: self.span("limits.timeout", tables.limits.timeout, SECOND..=10 * MINUTE),
            keep_alive: self.span("limits.keep_alive", tables.limits.keep_alive, SECOND..=60 * MINUTE),
            connections,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::resolve::tests::problems;

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
            assert_ne!(problems(bad), "", "{bad}");
        }
        assert_eq!(problems("guard.max_staleness = \"0s\""), "");
    }
}
