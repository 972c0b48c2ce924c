//! The endpoints by which clients redeem and revoke grants.

pub(super) mod revoke;
pub(super) mod token;
