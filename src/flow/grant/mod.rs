//! The token endpoint: what a code or a refresh token is exchanged for, and how a grant ends.

pub mod code;
pub mod issue;
pub mod refresh;
pub mod revoke;
