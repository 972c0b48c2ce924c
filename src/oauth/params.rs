//! Parameters of a query or a form, read by OAuth's rules.
//!
//! RFC 6749 section 3.1: a parameter without a value counts as left out, an unknown one is ignored, and none may be sent
//! twice. RFC 8707 section 2 alone allows repetition, of `resource`.

use std::collections::HashSet;
use std::fmt;

use url::form_urlencoded;

use super::error::Error;

/// The most parameters that a request may have: reading them takes time for each.
const MAX_PARAMETERS: usize = 100;

/// The decoded parameters, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Decodes `application/x-www-form-urlencoded` text; every text decodes to something.
    pub(crate) fn parse(text: &str) -> Self {
        Params(
            form_urlencoded::parse(text.as_bytes())
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The one value of `name`, or `invalid_request` where it came twice, or holds a NUL, which PostgreSQL cannot keep.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Error> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Error::invalid_request(format!("The parameter {name} was sent more than once.")));
        }
        if first.is_some_and(|value| value.contains('\0')) {
            return Err(holds_nul(name));
        }
        Ok(first)
    }

    /// The one value of `name`, or `invalid_request` where it is missing or came twice.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Error> {
        self.one(name)?.ok_or_else(|| Error::invalid_request(format!("The parameter {name} is missing.")))
    }

    /// Every value of `name`.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Refuses any parameter that came twice, `repeatable` ones excepted, that holds a NUL, and more of them than anybody needs.
    pub(crate) fn refuse_repeated(&self, repeatable: &[&str]) -> Result<(), Error> {
        if self.0.len() > MAX_PARAMETERS {
            return Err(Error::invalid_request(format!("There are more than {MAX_PARAMETERS} parameters.")));
        }
        let mut seen = HashSet::new();
        for (name, value) in &self.0 {
            if value.contains('\0') {
                return Err(holds_nul(name));
            }
            if !seen.insert(name.as_str()) && !repeatable.contains(&name.as_str()) {
                return Err(Error::invalid_request(format!("The parameter {name} was sent more than once.")));
            }
        }
        Ok(())
    }
}

/// As a query or the body of a form: [`parse`](Params::parse) reads it back.
impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish())
    }
}

fn holds_nul(name: &str) -> Error {
    Error::invalid_request(format!("The parameter {name} holds a NUL."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_counts_as_left_out() {
        let params = Params::parse("scope=&state=x");
        assert_eq!(params.one("scope").unwrap(), None);
        assert_eq!(params.one("state").unwrap(), Some("x"));
        assert!(params.required("scope").is_err());
    }

    #[test]
    fn more_parameters_than_anybody_needs_are_refused() {
        let many = |n: usize| (0..n).map(|i| format!("p{i}=x")).collect::<Vec<_>>().join("&");
        assert!(Params::parse(&many(100)).refuse_repeated(&[]).is_ok());
        assert!(Params::parse(&many(101)).refuse_repeated(&[]).is_err());
    }

    #[test]
    fn a_nul_is_refused() {
        let params = Params::parse("state=a%00&nonce=%00&scope=x");
        assert!(params.one("state").is_err() && params.required("nonce").is_err());
        assert!(params.one("scope").is_ok());
    }

    #[test]
    fn a_parameter_sent_twice_is_refused_but_for_resource() {
        let params = Params::parse("resource=a&resource=b&state=1&state=1");
        assert!(params.one("state").is_err());
        assert_eq!(params.all("resource").collect::<Vec<_>>(), ["a", "b"]);
        assert!(params.refuse_repeated(&["resource"]).is_err());
        assert!(params.refuse_repeated(&["resource", "state"]).is_ok());
    }
}
