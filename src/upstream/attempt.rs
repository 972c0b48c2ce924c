//! One attempt at an upstream: the values that bind it to a browser, and the identity that comes back.

use crate::clock::UnixTime;
use crate::oauth::provider_claims::GoogleAccount;

/// The values that bind one attempt to one browser. The same values are needed for the request and for its answer.
pub(crate) struct Attempt {
    /// `state` (RFC 6749 section 10.12).
    pub state: String,
    /// `nonce` (OpenID Connect Core section 3.1.2.1).
    pub nonce: String,
    /// `code_verifier`: 43 to 128 unreserved characters (RFC 7636 section 4.1).
    pub pkce_verifier: String,
    /// Whether the person should choose an account.
    pub select_account: bool,
    /// If set, the person must sign in again, at this time or later.
    pub login: Option<UnixTime>,
    /// How long ago the person may have signed in at most, in seconds.
    pub max_age: Option<u32>,
}

/// The identity of the person, by a verified ID token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// `iss`, exactly as configured.
    pub issuer: String,
    /// `sub`: together with the issuer, the only id of a person that never changes.
    pub sub: String,
    /// `email`, verified or not.
    pub email: Option<String>,
    /// `email_verified`, from the same response as the email.
    pub email_verified: bool,
    /// `name`, for display only.
    pub name: Option<String>,
    /// The kind of account, if the provider is Google.
    pub google: Option<GoogleAccount>,
    /// `auth_time`: when the person authenticated.
    pub auth_time: Option<UnixTime>,
    /// `sid`: the upstream's session (OpenID Connect Back-Channel Logout section 2.1).
    pub sid: Option<String>,
}

/// Without personal data.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
