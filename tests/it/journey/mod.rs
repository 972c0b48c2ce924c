//! The way through the browser.

mod authorize;
mod consent;
mod consent_truth;
mod head_requests;
mod login;
mod login_pages;
mod pages;
mod prompt;
mod redirect_uris;
mod remembering;
mod stale_client;
mod upstream_faults;
mod upstreams;
mod whole;
