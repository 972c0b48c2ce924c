//! Which persons may come in, after an upstream has identified them. Judged again at each refresh, and when a browser's
//! session or a code is used.
//!
//! Two things count: whether the upstream is configured and its gates (`hosted_domain`) admit the account, and the rules of
//! `[access]`.

use crate::clock::UnixTime;
use crate::config::settings::{AccessRules, Settings, UpstreamSettings};
use crate::flow::app::App;
use crate::oauth::error::Error;
use crate::oauth::grant::{Origin, Person, PersonId};

/// Whether a person may come in, by a configured upstream and by the rules.
pub(crate) fn is_admitted(settings: &Settings, person: &Person) -> bool {
    is_of_an_upstream(settings, &person.origin) && is_allowed(&settings.access, person)
}

/// Whether a configured upstream has this issuer and its gates still admit the account.
pub(crate) fn is_of_an_upstream(settings: &Settings, origin: &Origin) -> bool {
    settings.upstreams.iter().any(|upstream| upstream.issuer == origin.issuer && passes_gates(upstream, origin))
}

/// Whether a person who has just signed in at an upstream may come in, by its gates and by [`is_admitted`].
pub(crate) fn is_admitted_by(settings: &Settings, upstream: &UpstreamSettings, person: &Person) -> bool {
    passes_gates(upstream, &person.origin) && is_admitted(settings, person)
}

/// The gates of the upstream's own table. If the person's claims are not stored yet, they passed the gates at the sign-in.
fn passes_gates(upstream: &UpstreamSettings, origin: &Origin) -> bool {
    match (&upstream.hosted_domain, &origin.claims) {
        (Some(domain), Some(claims)) => claims.is_of_workspace(domain),
        _ => true,
    }
}

/// Whether the rules admit this person: every person if nothing is listed, else persons with a vouched-for email that
/// matches one line. If the email cannot be judged, the person is rejected.
fn is_allowed(rules: &AccessRules, person: &Person) -> bool {
    if rules.is_open() {
        return true;
    }
    let Some(email) = person.vouched_email() else { return false };
    let email = email.to_ascii_lowercase();
    let domain = email.rsplit_once('@').map(|(_, domain)| domain);
    rules.emails.contains(&email)
        || domain.is_some_and(|domain| rules.email_domains.iter().any(|allowed| allowed == domain))
}

/// Whether a person who came in before still may, by their stored claims.
pub(crate) async fn is_still_admitted(app: &App, id: &PersonId) -> Result<bool, Error> {
    let person = app.store.find_person(id).await?;
    Ok(person.is_some_and(|person| is_admitted(&app.settings, &person)))
}

/// Logs once, at the start, how many live grants belong to people whose upstream is no longer configured.
pub(crate) async fn log_grants_of_others(app: &App, now: UnixTime) -> Result<(), Error> {
    let issuers: Vec<&str> = app.settings.upstreams.iter().map(|upstream| upstream.issuer.as_str()).collect();
    let grants = app.store.count_grants_of_others(&issuers, now).await?;
    if grants > 0 {
        tracing::warn!(
            grants,
            "live grants belong to people of a provider that is not configured any more; each ends when it is used next"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(email: Option<&str>, email_verified: bool) -> Person {
        Person {
            id: PersonId::new("https://issuer.example", "1"),
            origin: Origin { issuer: "https://issuer.example".into(), claims: None },
            sub: "1".into(),
            email: email.map(str::to_owned),
            email_verified,
            name: None,
        }
    }

    #[test]
    fn only_a_verified_email_opens_the_door() {
        let rules = AccessRules {
            emails: vec!["ada@example.com".into()],
            email_domains: vec!["example.org".into(), "kelvin.example".into()],
            ..AccessRules::default()
        };
        assert!(is_allowed(&rules, &person(Some("Ada@Example.com"), true)));
        assert!(is_allowed(&rules, &person(Some("bob@example.org"), true)));
        for (email, verified) in [
            (Some("ada@example.com"), false),
            (Some("bob@example.com"), true),
            (Some("bob@sub.example.org"), true),
            (Some("bob@notexample.org"), true),
            (Some("bob@example.org@evil.example"), true),
            (Some("example.org"), true),
            (Some("eve@\u{212a}elvin.example"), true),
            (None, true),
        ] {
            assert!(!is_allowed(&rules, &person(email, verified)), "{email:?} {verified}");
        }
        assert!(is_allowed(&AccessRules::default(), &person(None, false)));
    }
}
