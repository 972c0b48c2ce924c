//! `[access]`: who may come in.

use super::pass::{Pass, is_domain};
use crate::config::settings::AccessRules;
use crate::config::tables::{AccessTable, List, Tables};

impl Pass<'_> {
    pub(super) fn access(&mut self, tables: &Tables) -> AccessRules {
        let access = &tables.access;
        self.open_or_listed(access);
        let listed = |list: &Option<List>| list.clone().unwrap_or_default().0;
        let emails: Vec<_> = listed(&access.emails).iter().map(|email| email.trim().to_ascii_lowercase()).collect();
        for (i, email) in emails.iter().enumerate() {
            let good = email.rsplit_once('@').is_some_and(|(user, domain)| !user.is_empty() && is_domain(domain));
            if !good {
                self.report(
                    &format!("access.emails.{i}"),
                    format!("{email:?} must be an address such as ada@example.com"),
                );
            }
        }
        let email_domains: Vec<_> = listed(&access.email_domains)
            .iter()
            .map(|domain| domain.trim().trim_start_matches('@').to_ascii_lowercase())
            .collect();
        for (i, domain) in email_domains.iter().enumerate().filter(|(_, domain)| !is_domain(domain)) {
            self.report(
                &format!("access.email_domains.{i}"),
                format!("{domain:?} must be a domain such as example.com"),
            );
        }
        AccessRules { emails, email_domains, everyone: access.everyone == Some(true) }
    }

    /// A list that somebody emptied must not open the door, and neither must `everyone = false`.
    fn open_or_listed(&mut self, access: &AccessTable) {
        let lists = [("access.emails", &access.emails), ("access.email_domains", &access.email_domains)];
        let is_empty = |list: &Option<List>| list.as_ref().is_some_and(|list| list.0.is_empty());
        for (key, _) in lists.iter().filter(|(_, list)| is_empty(list)) {
            self.report(key, "lets nobody in; write `everyone = true` to let everyone in");
        }
        let is_listed = lists.iter().any(|(_, list)| list.is_some());
        match (access.everyone, is_listed) {
            (Some(true), true) => {
                self.report(
                    "access.everyone",
                    "lets everyone in, and a list says who may come in; keep one of the two",
                );
            }
            (Some(false), false) => self.report(
                "access.everyone",
                "lists nobody, and without a list everyone may come in; list `emails` or `email_domains`",
            ),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::config::resolve::tests::{problems, settings};

    #[test]
    fn access_rules_are_in_lower_case() {
        let access = settings("access.emails = [\"Ada@Example.com\"]\naccess.email_domains = [\"@Example.org\"]")
            .unwrap()
            .access;
        assert_eq!((access.emails, access.email_domains), (vec!["ada@example.com".into()], vec!["example.org".into()]));
        let told = problems(
            "access.emails = [\"ada\", \"@example.com\"]\naccess.email_domains = [\"a@example.com\", \"localhost\"]",
        );
        assert_eq!(told.lines().count(), 4, "{told}");
    }

    #[test]
    fn a_list_of_people_that_is_written_and_empty_is_refused() {
        const NOBODY: &str = "lets nobody in; write `everyone = true` to let everyone in";
        for key in ["access.emails", "access.email_domains"] {
            for empty in ["[]", "\"\"", "\" \"", "\",\""] {
                let told = problems(&format!("{key} = {empty}"));
                assert!(told.contains(key) && told.ends_with(NOBODY), "{key} = {empty}: {told}");
            }
            for blank in ["[\"\"]", "[\" \"]"] {
                assert!(problems(&format!("{key} = {blank}")).contains("must be"), "{key} = {blank}");
            }
        }
        // The other list does not make up for it.
        assert!(problems("access.emails = []\naccess.email_domains = [\"example.com\"]").ends_with(NOBODY));
        let from_environment = |file: &str, name: &str| {
            let file = format!("upstream.dev = {{}}\n{file}");
            let config = Config::parse(&file, "jean.toml", [(name.to_owned(), String::new())]).unwrap();
            config.settings().err().map(|problems| problems.to_string()).unwrap_or_default()
        };
        for file in ["", "access.emails = [\"ada@example.com\"]"] {
            let told = from_environment(file, "JEAN_ACCESS__EMAILS");
            assert_eq!(told, format!("environment JEAN_ACCESS__EMAILS: access.emails = \"\": {NOBODY}"));
        }
        assert!(from_environment("", "JEAN_ACCESS__EMAIL_DOMAINS").ends_with(NOBODY));
        assert_eq!(from_environment("", "JEAN_SECRET"), "");
        let mut config = Config::from_toml("upstream.dev = {}").unwrap();
        config.set("access.emails", "").unwrap();
        assert!(config.settings().unwrap_err().to_string().ends_with(NOBODY));
    }

    #[test]
    fn everyone_is_said_by_one_key_alone() {
        assert!(settings("access.everyone = true").unwrap().access.everyone);
        assert!(!settings("").unwrap().access.everyone);
        assert!(!settings("access.emails = \"ada@example.com\"\naccess.everyone = false").unwrap().access.everyone);
        for list in ["emails = [\"ada@example.com\"]", "email_domains = \"example.com\"", "emails = []"] {
            let told = problems(&format!("access.everyone = true\naccess.{list}"));
            assert!(told.contains("access.everyone = true: lets everyone in, and a list says"), "{list}: {told}");
        }
        assert!(problems("access.everyone = false").contains("access.everyone = false: lists nobody"));
    }
}
