//! What [`http`](crate::http) and [`mcp`](crate::mcp) share: reading requests, rendering errors for programs, and recording
//! each request. No decisions, no HTML.

pub(crate) mod body;
pub(crate) mod error;
pub(crate) mod headers;
pub(crate) mod record;
pub(crate) mod rest;
pub(crate) mod www_authenticate;
