//! `prompt` and `max_age` of an authorization request (OpenID Connect Core section 3.1.2.1).

use std::fmt;

use super::error::Error;

/// What the client asks of the journey's pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// `none`: answer without a page, or with an error.
    pub none: bool,
    /// `login`: sign in anew, whoever is signed in already.
    pub login: bool,
    /// `consent`: ask, whatever was remembered.
    pub consent: bool,
    /// `select_account`: offer another account.
    pub select_account: bool,
}

impl Prompt {
    /// Parses the space-separated list; unknown words are ignored, `none` with another word is refused.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Error> {
        let mut prompt = Prompt::default();
        let mut words = 0;
        for word in text.unwrap_or_default().split_ascii_whitespace() {
            words += 1;
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => {}
            }
        }
        if prompt.none && words > 1 {
            return Err(Error::invalid_request("prompt=none stands alone or not at all."));
        }
        Ok(prompt)
    }
}

/// The words that mean something here, as [`parse`](Prompt::parse) reads them.
impl fmt::Display for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Prompt { none, login, consent, select_account } = *self;
        let words = [(none, "none"), (login, "login"), (consent, "consent"), (select_account, "select_account")];
        let words: Vec<&str> = words.into_iter().filter_map(|(is_set, word)| is_set.then_some(word)).collect();
        f.write_str(&words.join(" "))
    }
}

/// Parses `max_age`, in seconds.
pub(crate) fn max_age(text: Option<&str>) -> Result<Option<u32>, Error> {
    text.map(|text| text.parse().map_err(|_| Error::invalid_request("max_age is a number of seconds."))).transpose()
}
