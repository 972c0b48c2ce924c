//! The token endpoint and revocation.

mod access_token;
mod code;
mod races;
mod refresh;
mod resource;
mod revoke;
