//! For the tests of applications that embed jean, by the feature `testing`: a [`Caller`] for the unit tests of a handler,
//! and a clock that is moved. With [`Builder::names`](crate::Builder::names) no test asks DNS.
//!
//! Providers, browsers, clients and sites of documents for whole journeys are in the package `jean-testing`.

pub use crate::clock::ManualClock;
use crate::mcp::Caller;

/// A caller with this id and these scopes, as the guard would put one into a request's extensions.
///
/// ```
/// let caller = jean::testing::caller("ada", &["read"]).with_email("ada@example.com", true);
/// assert_eq!((caller.subject(), caller.email()), ("ada", Some("ada@example.com")));
/// assert!(caller.needs(&["read"]).is_ok() && caller.needs(&["write"]).is_err());
/// ```
pub fn caller(subject: &str, scopes: &[&str]) -> Caller {
    Caller::made_up(subject, scopes)
}
