//! Stand-ins for the other parties of an OAuth server: for the tests of jean, for those of applications that embed it, and
//! for a first run without an account anywhere.
//!
//! [`issuer`] is an identity provider on loopback, which signs in anyone who types a name and misbehaves if it is told to.
//! [`browser`] and [`client`] are a person's browser and an MCP client: they make the whole journey against a server in the
//! same process or on loopback, and stop at any step. [`document`] is a web site for clients that are known by a metadata
//! document.
//!
//! These are the other side of every test, so this crate uses nothing of jean: it reads forms, computes PKCE challenges and
//! signs by itself. An error in one of jean's rules is then not made twice.

pub mod browser;
pub mod client;
pub mod document;
mod form;
pub mod issuer;
mod page;
pub mod random;
mod way;
