//! One trip to an upstream: the values that bind it to a browser, and who came back.

use crate::clock::UnixTime;
use crate::oauth::provider_claims::GoogleAccount;

/// The values that bind one trip to the upstream to one browser; the same are needed on the way out and on the way back.
pub(crate) struct Attempt {
    /// `state` (RFC 6749 section 10.12).
    pub state: String,
    /// `nonce` (OpenID Connect Core section 3.1.2.1).
    pub nonce: String,
    /// `code_verifier`: 43 to 128 unreserved characters (RFC 7636 section 4.1).
    pub pkce_verifier: String,
    /// Let the person choose another account.
    pub select_account: bool,
    /// Ask the person to sign in again, at this time or later.
    pub login: Option<UnixTime>,
    /// How long ago the person may have signed in, in seconds.
    pub max_age: Option<u32>,
}

/// Who signed in, by a verified ID token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// `iss`, exactly as configured.
    pub issuer: String,
    /// `sub`: with the issuer, the only name of a person that never changes.
    pub sub: String,
    /// `email`, verified or not.
    pub email: Option<String>,
    /// `email_verified`, by the same answer that gave the email.
    pub email_verified: bool,
    /// `name`, for show.
    pub name: Option<String>,
    /// What kind of account it is, if the provider is Google.
    pub google: Option<GoogleAccount>,
    /// `auth_time`: when the person proved who they are.
    pub auth_time: Option<UnixTime>,
    /// `sid`: the upstream's session (OpenID Connect Back-Channel Logout section 2.1).
    pub sid: Option<String>,
}

/// Without what the upstream tells of the person.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
