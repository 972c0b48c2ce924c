//! What is wrong with a configuration: every problem at once, one line each.
//!
//! A line names where the value was set, the key, the value (never a secret), and what to do about it:
//! `jean.toml:4:1: tokens.acces_lifetime: unknown key; did you mean access_lifetime?`

use std::fmt;

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A file: line and column, counted from 1.
    Line(String, usize, usize),
    /// A file as a whole: for what is missing from it.
    File(String),
    /// An environment variable.
    Environment(String),
    /// [`Config::set`](super::Config::set).
    Code,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(file, line, column) => write!(f, "{file}:{line}:{column}"),
            Place::File(file) => f.write_str(file),
            Place::Environment(name) => write!(f, "environment {name}"),
            Place::Code => f.write_str("set by the program"),
        }
    }
}

/// One problem.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    /// Where the value was set.
    pub place: Place,
    /// The key, with dots between tables; empty where the file as a whole is meant.
    pub key: String,
    /// The value as it was written, unless it is a secret.
    pub value: Option<String>,
    /// What is wrong, and what to do.
    pub message: String,
    /// The key that was probably meant.
    pub meant: Option<String>,
}

impl Problem {
    /// A problem with a file as a whole.
    pub(super) fn with_file(place: Place, message: impl Into<String>) -> Self {
        Problem { place, key: String::new(), value: None, message: message.into(), meant: None }
    }

    /// Whether a problem with `key` follows from this one.
    fn explains(&self, key: &str) -> bool {
        let within = |told: &str| key.strip_prefix(told).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        within(&self.key) || self.meant.as_deref().is_some_and(within)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        match &self.value {
            _ if self.key.is_empty() => {}
            None => write!(f, "{}: ", self.key)?,
            Some(value) => write!(f, "{} = {value}: ", self.key)?,
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a configuration, in the order of the file; printed, one line each.
#[derive(Clone, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
        self.0.sort();
    }

    /// Adds the problems of a later pass, without those that only follow from one of an earlier pass.
    pub(super) fn add_later(&mut self, later: Problems) {
        let new: Vec<_> =
            later.0.into_iter().filter(|problem| !self.0.iter().any(|told| told.explains(&problem.key))).collect();
        self.0.extend(new);
        self.0.sort();
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Problems(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// The same lines: they are what a `main` that returns the error prints.
impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration cannot be used\n{self}")
    }
}

impl std::error::Error for Problems {}

/// The one of `known` that `word` was probably meant to be.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |candidate: &str| edits(word, candidate);
    let best = known.iter().copied().min_by_key(|candidate| distance(candidate))?;
    (distance(best) <= (best.len() / 3).max(1)).then_some(best)
}

/// How many characters must be typed, deleted or replaced to get from `a` to `b` (the Levenshtein distance).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_key_finds_the_one_that_was_meant() {
        let known = ["access_lifetime", "algorithm", "id"];
        assert_eq!(nearest("acces_lifetime", &known), Some("access_lifetime"));
        assert_eq!(nearest("access_ttl", &known), None);
        assert_eq!(nearest("idd", &known), Some("id"));
        assert_eq!(nearest("x", &[]), None);
        assert_eq!(edits("kitten", "sitting"), 3);
    }

    #[test]
    fn a_problem_is_one_line() {
        let mut problems = Problems::default();
        problems.push(Problem {
            place: Place::Environment("JEAN_LISTEN".into()),
            key: "listen".into(),
            value: Some("\"here\"".into()),
            message: "must be an address".into(),
            meant: None,
        });
        problems.push(Problem {
            place: Place::Line("jean.toml".into(), 4, 1),
            key: "tokens.x".into(),
            value: None,
            message: "unknown key".into(),
            meant: None,
        });
        assert_eq!(
            problems.to_string(),
            "jean.toml:4:1: tokens.x: unknown key\nenvironment JEAN_LISTEN: listen = \"here\": must be an address"
        );
    }

    #[test]
    fn what_follows_from_an_earlier_problem_is_not_told_again() {
        let problem = |key: &str, meant: Option<&str>| Problem {
            place: Place::Code,
            key: key.into(),
            value: None,
            message: String::new(),
            meant: meant.map(str::to_owned),
        };
        let told = problem("upstream.google.client_idd", Some("upstream.google.client_id"));
        assert!(told.explains("upstream.google.client_id"));
        assert!(problem("tokens", None).explains("tokens.algorithm"));
        assert!(!problem("tokens", None).explains("tokens_algorithm"));
        assert!(!told.explains("upstream.google"));
    }
}
