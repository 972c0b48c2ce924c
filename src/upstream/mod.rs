//! Upstream identity providers, with jean as their relying party (OpenID Connect); the only module that uses
//! `openidconnect`.
//!
//! It does discovery (OpenID Connect Discovery 1.0 section 4), the authorization request (Core 1.0 section 3.1.2.1), the
//! exchange of the code (section 3.1.3), the verification of the ID token (section 3.1.3.7) and, if the email is missing,
//! the UserInfo request (section 5.3). `id_token` verifies, `http` bounds every request, `library` has the library's
//! types.
//!
//! `flow` decides where state, nonce and PKCE verifier come from, who may come in, and what a person sees.

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
