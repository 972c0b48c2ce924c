//! The way through the browser, from the authorization request to the answer to the client.
//!
//! 1. [`request`] validates; [`consent`] decides what the person sees first. A GET writes nothing.
//! 2. [`consent`] takes the person's answer by a [`form`]; [`begin`] makes the journey's row and what binds it to this browser.
//! 3. [`callback`] takes the upstream's answer.
//! 4. [`login`] is the dispatcher: every step goes back to it. [`load`] gives it row, request and binding together.
//! 5. [`give`] makes the grant and its code; [`reply`] is how the client learns of it.

pub mod begin;
pub mod callback;
pub mod consent;
pub mod form;
pub mod give;
pub mod load;
pub mod login;
pub mod notice;
pub mod past;
pub mod reply;
pub mod request;
