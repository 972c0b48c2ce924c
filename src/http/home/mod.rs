//! What everybody may read: metadata, the front page, the status.

pub(super) mod discovery;
pub(super) mod front;
