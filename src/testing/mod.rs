//! Stand-ins for the other parties, for jean's tests, for those of embedders, and for a first run without an account anywhere.
//!
//! [`issuer`] is an identity provider on loopback. It is compiled into the binary, which starts it for `[upstream.dev]`; the
//! feature `testing` makes it public, and adds [`browser`] and [`client`]: a person's browser and an MCP client, which make
//! the whole journey against a [`Jean`](crate::Jean) in the same process and stop at any step. The feature `conformance` uses
//! them too, for the table of `jean conformance`.

#[cfg(any(feature = "conformance", feature = "testing"))]
pub mod browser;
#[cfg(any(feature = "conformance", feature = "testing"))]
pub mod client;
pub mod issuer;
