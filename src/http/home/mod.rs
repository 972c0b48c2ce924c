//! What everybody may read: metadata, the landing page, the status.

pub(super) mod discovery;
pub(super) mod landing;
