//! Stand-ins for the other parties, for jean's tests, for those of embedders, and for a first run without an account anywhere.
//!
//! [`issuer`] is an identity provider on loopback. It is compiled into the binary, which starts it for `[upstream.dev]`; the
//! feature `testing` makes it public, and adds [`browser`] and [`client`]: a person's browser and an MCP client, which make
//! the whole journey against a [`Jean`](crate::Jean) in the same process and stop at any step; and [`document`], a web site
//! for clients that are known by a metadata document. The feature `conformance` uses them too.

#[cfg(any(feature = "conformance", feature = "testing"))]
pub mod browser;
#[cfg(any(feature = "conformance", feature = "testing"))]
pub mod client;
#[cfg(any(feature = "conformance", feature = "testing"))]
pub mod document;
pub mod issuer;
