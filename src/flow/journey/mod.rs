//! The way through the browser, from the authorization request to the answer to the client.
//!
//! 1. [`request`] validates; [`consent`] decides what the person sees first. A GET writes nothing.
//! 2. [`consent`] takes the person's answer by a [`form`]; [`begin`] makes the journey's row and what binds it to this browser.
//! 3. [`callback`] takes the upstream's answer.
//! 4. [`login`] is the dispatcher: every step goes back to it. [`load`] gives it row, request and binding together.
//! 5. [`give`] makes the grant and its code; [`reply`] is how the client learns of it.

pub(crate) mod begin;
pub(crate) mod callback;
pub(crate) mod consent;
pub(crate) mod form;
pub(crate) mod give;
pub(crate) mod load;
pub(crate) mod login;
pub(crate) mod notice;
pub(crate) mod past;
pub(crate) mod reply;
pub(crate) mod request;
