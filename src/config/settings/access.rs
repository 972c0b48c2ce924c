//! `[access]`.

/// Who may come in once signed in: everyone if nothing is listed, else each person who matches one line.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccessRules {
    /// Verified email addresses, in lower case.
    pub emails: Vec<String>,
    /// Domains of verified email addresses, in lower case, without `@`.
    pub email_domains: Vec<String>,
    /// Whether the operator says that everyone may come in. Nothing is listed then.
    pub everyone: bool,
}

impl AccessRules {
    /// Whether nothing is listed, so that everyone may come in whom a provider signs in.
    pub(crate) fn is_open(&self) -> bool {
        self.emails.is_empty() && self.email_domains.is_empty()
    }
}
