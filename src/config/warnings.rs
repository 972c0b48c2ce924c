//! What a configuration allows and probably does not mean: one function for each rule, over the settings alone.
//!
//! `jean check` prints every warning, and the log of a start has those of [`AT_START`]. Neither fails because of one.

use std::fmt;

use super::settings::{Settings, UpstreamKind, UpstreamSettings};

/// Something that works and is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// The key that it is about.
    key: String,
    /// What it leads to, and what to write instead.
    message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

type Rule = fn(&Settings) -> Vec<Warning>;

/// The rules whose warnings are in the log of each start too.
const AT_START: &[Rule] = &[open_door];

/// The rules that only `jean check` tells.
const CHECK_ONLY: &[Rule] = &[consumer_accounts, unenforced_scopes];

/// The warnings for the log of a start.
pub(crate) fn at_start(settings: &Settings) -> Vec<Warning> {
    AT_START.iter().flat_map(|rule| rule(settings)).collect()
}

/// Every warning.
pub(super) fn all(settings: &Settings) -> Vec<Warning> {
    AT_START.iter().chain(CHECK_ONLY).flat_map(|rule| rule(settings)).collect()
}

fn warning(key: impl Into<String>, message: impl Into<String>) -> Warning {
    Warning { key: key.into(), message: message.into() }
}

/// Anyone can get an account at these providers, and nobody said who may come in, or that everyone may.
fn open_door(settings: &Settings) -> Vec<Warning> {
    let is_for_anyone = |upstream: &&UpstreamSettings| match upstream.kind {
        UpstreamKind::Google => upstream.hosted_domain.is_none(),
        UpstreamKind::Auth0 | UpstreamKind::Supabase => true,
        UpstreamKind::Dev | UpstreamKind::Oidc => upstream.is_google(),
    };
    if settings.access.everyone || !settings.access.is_open() {
        return Vec::new();
    }
    let open: Vec<&str> =
        settings.upstreams.iter().filter(is_for_anyone).map(|upstream| upstream.label.as_str()).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let message = format!(
        "lists nobody, so everyone who signs in with {} may come in; list `emails` or `email_domains`, or write \
         `everyone = true` if that is what you want",
        open.join(" or ")
    );
    vec![warning("access", message)]
}

/// Google verifies the addresses of other companies once, and keeps them for a consumer account after their owner has left
/// the company.
fn consumer_accounts(settings: &Settings) -> Vec<Warning> {
    let is_for_anyone = |upstream: &UpstreamSettings| upstream.is_google() && upstream.hosted_domain.is_none();
    let is_hosted_elsewhere = settings.access.email_domains.iter().any(|domain| domain != "gmail.com");
    let google = settings.upstreams.iter().find(|upstream| is_for_anyone(upstream)).filter(|_| is_hosted_elsewhere);
    let message = |google: &UpstreamSettings| {
        format!(
            "of the accounts at {}, only those of a Google Workspace and those that end in @gmail.com count: a consumer \
             account may have an address of any domain; if only one Workspace should come in, write \
             upstream.{}.hosted_domain too",
            google.label, google.name
        )
    };
    google.map(|google| warning("access.email_domains", message(google))).into_iter().collect()
}

/// A person agrees to one scope or to several, and every call passes in any case.
fn unenforced_scopes(settings: &Settings) -> Vec<Warning> {
    let is_unenforced = settings
        .mounts
        .iter()
        .filter(|mount| mount.scopes.len() > 1 && mount.tools.is_empty() && mount.required_scopes.is_empty());
    let warn = |mount: &super::settings::Mount| {
        let names: Vec<&str> = mount.scopes.keys().map(String::as_str).collect();
        let message = format!(
            "jean does not enforce the difference between {}: every call passes with any of them, unless the MCP server \
             itself checks; write `tools` or `required_scopes`",
            names.join(", ")
        );
        warning(format!("mcp.{}.scopes", mount.name), message)
    };
    is_unenforced.map(warn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const GOOGLE: &str = "[upstream.google]\nclient_id = \"x\"\nclient_secret = \"x\"\n";
    const WORKSPACE: &str = "[upstream.work]\nkind = \"google\"\nhosted_domain = \"example.com\"\nclient_id = \"x\"\n\
                             client_secret = \"x\"\n";
    const AUTH0: &str = "[upstream.auth0]\ndomain = \"t.auth0.com\"\nclient_id = \"x\"\n";
    const SUPABASE: &str = "[upstream.supabase]\nproject = \"abc\"\nclient_id = \"x\"\n";
    const ACME: &str = "[upstream.acme]\nkind = \"oidc\"\nissuer = \"https://id.acme.example\"\nclient_id = \"x\"\n";
    const DEV: &str = "[upstream.dev]\n";
    /// Google by another kind of table.
    const PLAIN: &str =
        "[upstream.plain]\nkind = \"oidc\"\nissuer = \"https://accounts.google.com\"\nclient_id = \"x\"\n";

    /// The keys that a rule warns of, with the message of each.
    fn told(rule: Rule, text: &str) -> Vec<String> {
        let settings = Config::from_toml(text).unwrap().settings().unwrap();
        rule(&settings).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_open_door_to_everyone_is_told_in_one_line() {
        for (providers, named) in [
            (&[GOOGLE][..], "Google may"),
            (&[PLAIN], "Plain may"),
            (&[AUTH0], "Auth0 may"),
            (&[SUPABASE], "Supabase may"),
            (&[GOOGLE, WORKSPACE], "Google may"),
            (&[GOOGLE, AUTH0, ACME], "Google or Auth0 may"),
        ] {
            let told = told(open_door, &providers.concat());
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with("access: lists nobody, so everyone who signs in with"), "{told:?}");
            assert!(told[0].contains(&format!("signs in with {named}")) && !told[0].contains('\n'), "{told:?}");
        }
        for quiet in [WORKSPACE, ACME, DEV] {
            assert_eq!(told(open_door, quiet), [""; 0], "{quiet}");
        }
        for access in ["everyone = true", "emails = [\"ada@example.org\"]", "email_domains = [\"example.org\"]"] {
            assert_eq!(told(open_door, &format!("{GOOGLE}[access]\n{access}")), [""; 0], "{access}");
        }
    }

    #[test]
    fn domains_with_google_and_no_hosted_domain_are_told() {
        let with = |providers: &str, access: &str| told(consumer_accounts, &format!("{providers}[access]\n{access}"));
        let told = with(GOOGLE, "email_domains = [\"example.com\"]");
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("access.email_domains: ") && told[0].contains("upstream.google.hosted_domain"));
        assert_eq!(with(&[WORKSPACE, GOOGLE].concat(), "email_domains = [\"gmail.com\", \"example.com\"]").len(), 1);
        assert_eq!(with(WORKSPACE, "email_domains = [\"example.com\"]"), [""; 0]);
        assert_eq!(with(AUTH0, "email_domains = [\"example.com\"]"), [""; 0]);
        assert_eq!(with(GOOGLE, "email_domains = [\"gmail.com\"]"), [""; 0]);
        assert_eq!(with(GOOGLE, "emails = [\"ada@example.com\"]"), [""; 0]);
    }

    #[test]
    fn scopes_that_nothing_tells_apart_are_told() {
        let with = |mount: &str| told(unenforced_scopes, &format!("{DEV}[mcp.default]\n{mount}"));
        let two = "scopes = { read = \"Read\", write = \"Write\" }\n";
        let told = with(two);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("mcp.default.scopes: ") && told[0].contains("read, write"), "{told:?}");
        let second = format!("{two}[mcp.files]\nscopes = {{ a = \"A\", b = \"B\", c = \"C\" }}");
        assert_eq!(with(&second).len(), 2);
        assert_eq!(with("scopes = { read = \"Read\" }"), [""; 0]);
        assert_eq!(with(""), [""; 0]);
        assert_eq!(with(&format!("{two}required_scopes = [\"read\"]")), [""; 0]);
        assert_eq!(with(&format!("{two}tools = {{ \"delete_*\" = [\"write\"] }}")), [""; 0]);
    }

    #[test]
    fn a_start_tells_of_the_open_door_and_check_of_everything() {
        let text = format!("{GOOGLE}[mcp.default]\nscopes = {{ read = \"Read\", write = \"Write\" }}");
        let settings = Config::from_toml(&text).unwrap().settings().unwrap();
        assert_eq!(at_start(&settings).len(), 1);
        assert_eq!(all(&settings).len(), 2);
    }
}
