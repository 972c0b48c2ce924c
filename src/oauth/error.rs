//! The one error of the protocol: a code out of the closed list, words for the developer, and the source for the log.

use std::borrow::Cow;
use std::fmt;

/// A boxed cause, kept for the log and never shown.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong with a request, told in the words of the RFC that defines the code.
///
/// How it reaches the client (JSON, redirect or page) is chosen by whoever answers the request.
#[derive(Debug)]
pub(crate) struct Error {
    /// The code, which decides the HTTP status too.
    pub code: ErrorCode,
    /// `error_description`: for the developer of the client, never a secret, ASCII without `"` and `\` (RFC 6749 section 5.2).
    pub description: Cow<'static, str>,
    /// The cause, for the log only.
    pub source: Option<Source>,
}

/// An error and its causes in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl Error {
    /// An error with its description.
    pub(crate) fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Error { code, description: printable(description.into()), source: None }
    }

    /// The same with its cause, which is logged and never shown.
    #[must_use]
    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// `invalid_request` (RFC 6749 sections 4.1.2.1 and 5.2).
    pub(crate) fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorCode::InvalidRequest, description)
    }

    /// `invalid_grant` (RFC 6749 section 5.2).
    pub(crate) fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorCode::InvalidGrant, description)
    }

    /// `invalid_client` (RFC 6749 section 5.2).
    pub(crate) fn invalid_client(description: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorCode::InvalidClient, description)
    }

    /// `invalid_target` (RFC 8707 section 2).
    pub(crate) fn invalid_target(description: &'static str) -> Self {
        Error::new(ErrorCode::InvalidTarget, description)
    }

    /// `temporarily_unavailable`, for a fault that passes: the same request may be sent again. Nothing was spent, unless the
    /// database was lost in the middle of a commit, of which nobody knows the outcome.
    pub(crate) fn unavailable(source: impl Into<Source>) -> Self {
        Error::new(
            ErrorCode::TemporarilyUnavailable,
            "The server cannot answer just now. Send the same request again shortly.",
        )
        .because(source)
    }

    /// `temporarily_unavailable` because of what the client itself does.
    pub(crate) fn try_later(source: impl Into<Source>) -> Self {
        Error { code: ErrorCode::TryLater, ..Error::unavailable(source) }
    }

    /// `server_error`, for what should not have happened.
    pub(crate) fn server(source: impl Into<Source>) -> Self {
        Error::new(ErrorCode::ServerError, "The server met an unexpected condition.").because(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.description)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// RFC 6749 section 5.2 allows %x20-21 / %x23-5B / %x5D-7E in a description; anything else becomes `'` or `?`.
fn printable(text: Cow<'static, str>) -> Cow<'static, str> {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    if text.chars().all(allowed) {
        return text;
    }
    text.chars()
        .map(|c| match c {
            _ if allowed(c) => c,
            '"' | '\\' => '\'',
            _ => '?',
        })
        .collect::<String>()
        .into()
}

/// The closed list of error codes, each with the section that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// RFC 6749 sections 4.1.2.1 and 5.2.
    InvalidRequest,
    /// `invalid_request` for a body that is too large (RFC 9110 section 15.5.14).
    ContentTooLarge,
    /// `invalid_request` for a body of another media type (RFC 9110 section 15.5.16).
    UnsupportedMediaType,
    /// `invalid_request` for a body that does not arrive in time (RFC 9110 section 15.5.9).
    RequestTimeout,
    /// RFC 6749 section 5.2.
    InvalidClient,
    /// RFC 6749 section 5.2.
    InvalidGrant,
    /// RFC 6749 sections 4.1.2.1 and 5.2.
    UnauthorizedClient,
    /// RFC 6749 section 5.2.
    UnsupportedGrantType,
    /// RFC 6749 section 4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 sections 4.1.2.1 and 5.2.
    InvalidScope,
    /// RFC 6749 section 4.1.2.1.
    AccessDenied,
    /// RFC 6749 section 4.1.2.1.
    ServerError,
    /// RFC 6749 section 4.1.2.1.
    TemporarilyUnavailable,
    /// `temporarily_unavailable` while too many registrations wait to be used: no fault of this server's, and for longer.
    TooManyRegistrations,
    /// `temporarily_unavailable` for a reason that is not this server's: the client's own web site does not answer, or its
    /// requests came at once.
    TryLater,
    /// RFC 8707 section 2.
    InvalidTarget,
    /// RFC 7591 section 3.2.2.
    InvalidRedirectUri,
    /// RFC 7591 section 3.2.2.
    InvalidClientMetadata,
    /// OpenID Connect Core section 3.1.2.6.
    LoginRequired,
    /// OpenID Connect Core section 3.1.2.6.
    ConsentRequired,
    /// OpenID Connect Core section 3.1.2.6.
    RequestNotSupported,
    /// OpenID Connect Core section 3.1.2.6.
    RequestUriNotSupported,
    /// RFC 6750 section 3.1.
    InvalidToken,
    /// RFC 6750 section 3.1.
    InsufficientScope,
}

impl ErrorCode {
    /// The code as it stands on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ErrorCode::InvalidRequest
            | ErrorCode::ContentTooLarge
            | ErrorCode::UnsupportedMediaType
            | ErrorCode::RequestTimeout => "invalid_request",
            ErrorCode::InvalidClient => "invalid_client",
            ErrorCode::InvalidGrant => "invalid_grant",
            ErrorCode::UnauthorizedClient => "unauthorized_client",
            ErrorCode::UnsupportedGrantType => "unsupported_grant_type",
            ErrorCode::UnsupportedResponseType => "unsupported_response_type",
            ErrorCode::InvalidScope => "invalid_scope",
            ErrorCode::AccessDenied => "access_denied",
            ErrorCode::ServerError => "server_error",
            ErrorCode::TemporarilyUnavailable | ErrorCode::TryLater | ErrorCode::TooManyRegistrations => {
                "temporarily_unavailable"
            }
            ErrorCode::InvalidTarget => "invalid_target",
            ErrorCode::InvalidRedirectUri => "invalid_redirect_uri",
            ErrorCode::InvalidClientMetadata => "invalid_client_metadata",
            ErrorCode::LoginRequired => "login_required",
            ErrorCode::ConsentRequired => "consent_required",
            ErrorCode::RequestNotSupported => "request_not_supported",
            ErrorCode::RequestUriNotSupported => "request_uri_not_supported",
            ErrorCode::InvalidToken => "invalid_token",
            ErrorCode::InsufficientScope => "insufficient_scope",
        }
    }

    /// The HTTP status of an answer that carries this code; the only place with HTTP numbers for errors.
    pub(crate) fn status(self) -> u16 {
        match self {
            ErrorCode::InvalidClient | ErrorCode::InvalidToken => 401,
            ErrorCode::InsufficientScope => 403,
            ErrorCode::RequestTimeout => 408,
            ErrorCode::ContentTooLarge => 413,
            ErrorCode::UnsupportedMediaType => 415,
            ErrorCode::ServerError => 500,
            ErrorCode::TemporarilyUnavailable | ErrorCode::TryLater | ErrorCode::TooManyRegistrations => 503,
            _ => 400,
        }
    }

    /// Whether this server failed, and not the one who asked.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self, ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_holds_only_the_characters_of_rfc_6749() {
        let error = Error::invalid_request("bad \"value\" \\ with\nnewline and \u{202e}");
        assert_eq!(error.description, "bad 'value' ' with?newline and ?");
    }
}
