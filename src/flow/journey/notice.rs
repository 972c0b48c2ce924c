//! Why a sign-in failed.

use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::masked::Hidden;

/// Why the last attempt failed. Stored in the row; the page says it in our own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The upstream could not be reached, or reported that it cannot answer now.
    Unreachable,
    /// The person declined at the upstream.
    Declined,
    /// The upstream refused, with a known code.
    Refused(String),
    /// The upstream's answer breaks a rule and cannot be trusted.
    Invalid,
    /// The client asked for a recent sign-in, and the upstream does not say when this one was.
    Undated,
    /// The client asked for a recent sign-in, and this one was longer ago.
    Old,
    /// The client asked for a new sign-in (`prompt=login`), and the upstream's answer does not prove one.
    NotFresh,
    /// The rules do not admit this account.
    NotAllowed(Hidden<String>),
    /// The exchange with the upstream took too long, so it counts as crashed.
    Interrupted,
}

impl Notice {
    /// Whether another attempt at the same upstream would fail in the same way.
    pub(crate) fn is_lasting(&self) -> bool {
        matches!(self, Notice::Undated | Notice::NotFresh)
    }

    /// The error for the client if the person cancels now: `login_required` if the sign-in that it asked for is not possible
    /// (OpenID Connect Core sections 3.1.2.1 and 3.1.2.6).
    pub(crate) fn when_cancelled(&self) -> Error {
        match self {
            Notice::Undated | Notice::Old | Notice::NotFresh => {
                Error::new(ErrorCode::LoginRequired, "The person could not be signed in as recently as that.")
            }
            _ => denied(),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        match self {
            Notice::Unreachable => "unreachable".into(),
            Notice::Declined => "declined".into(),
            Notice::Refused(code) => format!("refused:{code}"),
            Notice::Invalid => "invalid".into(),
            Notice::Undated => "undated".into(),
            Notice::Old => "old".into(),
            Notice::NotFresh => "not_fresh".into(),
            Notice::NotAllowed(Hidden(account)) => format!("not_allowed:{account}"),
            Notice::Interrupted => "interrupted".into(),
        }
    }

    /// The reason for the log, without the account.
    pub(crate) fn reason(&self) -> String {
        match self {
            Notice::NotAllowed(_) => "not_allowed".into(),
            other => other.to_text(),
        }
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        Some(match text.split_once(':').unwrap_or((text, "")) {
            ("unreachable", _) => Notice::Unreachable,
            ("declined", _) => Notice::Declined,
            ("refused", code) => Notice::Refused(code.to_owned()),
            ("invalid", _) => Notice::Invalid,
            ("undated", _) => Notice::Undated,
            ("old", _) => Notice::Old,
            ("not_fresh", _) => Notice::NotFresh,
            ("not_allowed", account) => Notice::NotAllowed(Hidden(account.to_owned())),
            ("interrupted", _) => Notice::Interrupted,
            _ => return None,
        })
    }
}

/// `access_denied`: the person declined (RFC 6749 section 4.1.2.1).
pub(crate) fn denied() -> Error {
    Error::new(ErrorCode::AccessDenied, "The person did not allow it.")
}
