//! Who may come in, once an upstream has said who it is.

use crate::app::App;
use crate::clock::UnixTime;
use crate::config::settings::AccessRules;
use crate::oauth::error::Error;
use crate::oauth::grant::{Grant, Person, PersonId};

use super::revoke;

/// Whether nothing is listed, so that whoever the upstream signs in may come.
pub fn is_open(rules: &AccessRules) -> bool {
    rules.emails.is_empty() && rules.email_domains.is_empty()
}

/// Whether the rules let this person in: everyone where nothing is listed, else whoever matches one line with an email
/// that the upstream vouches for. What cannot be judged is refused.
pub fn is_allowed(rules: &AccessRules, person: &Person) -> bool {
    if is_open(rules) {
        return true;
    }
    let Some(email) = person.email.as_deref().filter(|_| person.email_verified) else { return false };
    let email = email.to_ascii_lowercase();
    let domain = email.rsplit_once('@').map(|(_, domain)| domain);
    rules.emails.contains(&email)
        || domain.is_some_and(|domain| rules.email_domains.iter().any(|allowed| allowed == domain))
}

/// Whether a person who came in before still may, by what is known of them now.
pub async fn is_still_allowed(app: &App, id: &PersonId) -> Result<bool, Error> {
    let person = app.store.find_person(id).await?;
    Ok(person.is_some_and(|person| is_allowed(&app.settings.access, &person)))
}

/// Refuses a grant whose person may not come in any more, and revokes it.
pub async fn check(app: &App, grant: &Grant, now: UnixTime) -> Result<(), Error> {
    if is_still_allowed(app, &grant.person).await? {
        return Ok(());
    }
    revoke::revoke(app, grant.id, "access", now).await?;
    Err(Error::invalid_grant("The person may not use this server any more."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(email: Option<&str>, email_verified: bool) -> Person {
        Person {
            id: PersonId::new("https://issuer.example", "1"),
            issuer: "https://issuer.example".into(),
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
