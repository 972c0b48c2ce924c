//! What HTTP needs below the authorization server's pages ([`http`](crate::http)) and the guard ([`mcp`](crate::mcp)): how
//! requests are read, how errors are told to programs, and how each request is recorded. No decisions, no HTML.

pub(crate) mod body;
pub(crate) mod error;
pub(crate) mod headers;
pub(crate) mod record;
pub(crate) mod rest;
pub(crate) mod www_authenticate;
