//! The journey: the way through the browser, from the authorization request to the client's answer.
//!
//! 1. [`request`] validates; [`consent`] decides what the person sees first. A GET writes nothing.
//! 2. [`consent`] takes the person's answer, which comes by a [`form`]. [`begin`] stores the journey's row and binds it
//!    to this browser.
//! 3. [`callback`] takes the upstream's answer.
//! 4. [`login`] is the dispatcher: every step returns to it. [`load`] gives it row, request and binding together.
//! 5. [`give`] makes the grant and its code; [`reply`] carries the result to the client.

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
