//! Public documents and pages: metadata, the landing page, the status.

pub(super) mod discovery;
pub(super) mod front;
#[cfg(feature = "builtin")]
pub(super) mod not_found;
