//! `[tokens]`: lifetimes and the algorithm.

use std::time::Duration;

use super::pass::{CENTURY, DAY, MINUTE, Pass, SECOND};
use crate::config::settings::{SigningAlgorithm, TokenSettings};
use crate::config::tables::{Span, Tables};

impl Pass<'_> {
    pub(super) fn tokens(&mut self, tables: &Tables) -> Option<TokenSettings> {
        let table = &tables.tokens;
        let algorithm = SigningAlgorithm::parse(&table.algorithm)
            .ok_or_else(|| "must be \"ES256\", \"EdDSA\" or \"RS256\"".to_owned());
        let algorithm = self.ok_or_report("tokens.algorithm", algorithm);
        let code_lifetime = self.span("tokens.code_lifetime", table.code_lifetime, SECOND..=10 * MINUTE);
        let Span(access_lifetime) = table.access_lifetime;
        if access_lifetime <= 5 * MINUTE {
            self.report(
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
                self.report(&format!("tokens.{key}"), "must not be shorter than access_lifetime");
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
}

#[cfg(test)]
mod tests {
    use crate::config::resolve::tests::problems;

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
            assert_eq!(problems(&format!("tokens.{good}")), "");
            let told = problems(&format!("tokens.{bad}"));
            assert!(told.contains("tokens."), "{bad}: {told}");
        }
    }
}
