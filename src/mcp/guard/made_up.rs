//! Callers for the tests of applications, made without a guard.

use std::sync::Arc;

use super::caller::Caller;
use super::challenge::Challenge;
use crate::clock::UnixTime;
use crate::flow::app::Verified;
use crate::oauth::client_id::ClientId;
use crate::oauth::grant::{GrantId, Origin, Person, PersonId};
use crate::oauth::resource::Resource;
use crate::oauth::scope::Scope;

impl Caller {
    /// A caller with the client `test`, valid until the year 2100.
    pub(crate) fn made_up(subject: &str, scopes: &[&str]) -> Self {
        Caller {
            verified: Arc::new(Verified {
                family: GrantId::new(UnixTime(0), [0; 4]),
                kid: String::new(),
                audience: Resource::parse("http://localhost:8080/mcp").expect("a resource"),
                id: String::new(),
                issued_at: UnixTime(0),
                expires_at: UnixTime(4_102_444_800),
                scopes: scopes.iter().copied().filter_map(Scope::parse).collect(),
                client: ClientId::parse("test").expect("a client id"),
                client_name: "Test".to_owned(),
                person: Person {
                    id: PersonId::from_stored(subject),
                    origin: Origin { issuer: String::new(), claims: None },
                    sub: subject.to_owned(),
                    email: None,
                    email_verified: false,
                    name: None,
                },
            }),
            challenge: Arc::new(Challenge::made_up()),
        }
    }

    /// Sets the name, for tests.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        Arc::make_mut(&mut self.verified).person.name = Some(name.to_owned());
        self
    }

    /// Sets the email, and whether the identity provider vouches for it; for tests.
    #[must_use]
    pub fn with_email(mut self, email: &str, verified: bool) -> Self {
        let person = &mut Arc::make_mut(&mut self.verified).person;
        (person.email, person.email_verified) = (Some(email.to_owned()), verified);
        self
    }
}
