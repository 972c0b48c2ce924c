//! What stands behind a mount.

#[cfg(feature = "builtin")]
pub(super) mod builtin;
