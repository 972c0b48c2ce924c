//! The protocol's words: pure types and rules, without I/O.
//!
//! Everything here is parsed into a type that cannot hold what the RFCs forbid: a [`CodeChallenge`](pkce::CodeChallenge)
//! has no "plain", a [`Resource`](resource::Resource) no fragment, and an answer by redirect needs a
//! [`ReturnTo`](return_to::ReturnTo), which only validation makes. What the server decides is in `flow`.

pub mod access_token;
pub mod address;
pub mod auth_method;
pub mod client;
pub mod client_document;
pub mod client_id;
pub mod client_metadata;
pub mod default_endpoint;
pub mod document_url;
pub mod error;
pub mod grant;
pub mod jwks;
pub mod masked;
pub mod metadata;
pub mod name;
pub mod params;
pub mod pkce;
pub mod prompt;
pub mod provider_claims;
pub mod redirect;
pub mod resource;
pub mod return_to;
pub mod scope;
pub mod token;
