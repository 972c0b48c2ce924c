//! Signing keys: making them, signing with them, checking signatures, and publishing their public halves (RFC 7517).
//!
//! The only place that names `jsonwebtoken`. Each kind of token has keys of its own, which succeed one another in one line,
//! whatever their algorithm: the newest whose time has come signs, its successor is published before it signs, and a key
//! leaves the JWKS only when nothing that it signed can be valid any more. Keeping them in the database is `flow::keys`'
//! business.

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
