//! The protocol's words: pure types and rules, without I/O.
//!
//! Everything here is parsed into a type that cannot hold what the RFCs forbid: a [`CodeChallenge`](pkce::CodeChallenge)
//! has no "plain", a [`Resource`](resource::Resource) no fragment, and an answer by redirect needs a
//! [`ReturnTo`](return_to::ReturnTo), which only validation makes. What the server decides is in `flow`.

pub(crate) mod access_token;
pub(crate) mod address;
pub(crate) mod auth_method;
pub(crate) mod client;
pub(crate) mod client_document;
pub(crate) mod client_id;
pub(crate) mod client_metadata;
pub(crate) mod default_endpoint;
pub(crate) mod document_url;
pub(crate) mod error;
pub(crate) mod grant;
pub(crate) mod jwks;
pub(crate) mod masked;
pub(crate) mod metadata;
pub(crate) mod name;
pub(crate) mod params;
pub(crate) mod pkce;
pub(crate) mod prompt;
pub(crate) mod provider_claims;
pub(crate) mod redirect;
pub(crate) mod resource;
pub(crate) mod return_to;
pub(crate) mod scope;
pub(crate) mod token;
