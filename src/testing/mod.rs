//! Stand-ins for the other parties, for jean's tests, for those of embedders, and for a first run without an account anywhere.
//!
//! [`issuer`] is an identity provider on loopback. It is compiled into the binary, which starts it for `[upstream.dev]`; the
//! feature `testing` only makes it public.

pub mod issuer;
