//! Signing keys: makes them, signs and verifies with them, and publishes their public halves (RFC 7517).
//!
//! The only module that uses `jsonwebtoken`. Each kind of token has its own succession of keys, whatever their algorithm:
//! the newest key whose `sign_from` has passed signs, its successor is published before it signs, and a key leaves the
//! JWKS only when no token that it signed can be valid. `flow::keys` stores them in the database.

mod error;
pub(crate) mod foreign;
mod key;
mod lifetimes;
mod ring;
mod signer;

pub(crate) use error::Error;
pub(crate) use key::{Key, NewKey, Purpose, Role};
pub(crate) use lifetimes::SignedLifetimes;
pub(crate) use ring::{Horizon, KeyRing, Signed};
