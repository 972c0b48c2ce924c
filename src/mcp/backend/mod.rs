//! What stands behind a mount.

pub(super) mod builtin;
