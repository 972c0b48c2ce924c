//! An upstream identity provider, spoken to as a relying party of OpenID Connect; the only place that names `openidconnect`.
//!
//! It owns discovery (OpenID Connect Discovery 1.0 section 4), the authorization request (Core 1.0 section 3.1.2.1), the code's
//! exchange (section 3.1.3), the checks of the ID token (section 3.1.3.7) and, where an email is missing, the UserInfo request
//! (section 5.3). The checks themselves are in `id_token`, the bounds of every request in `http`, the library's types in
//! `library`.
//!
//! Where state, nonce and PKCE verifier come from, who may come in, and what a person is shown is decided in `flow`.

mod attempt;
mod error;
mod http;
mod id_token;
mod library;
mod provider;

pub(crate) use attempt::{Attempt, Identity};
pub(crate) use error::Error;
pub(crate) use http::http_client;
pub(crate) use provider::{Health, Upstream};
