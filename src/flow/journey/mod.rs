//! The journey: the way through the browser, from the authorization request to the client's answer.
//!
//! 1. [`request`] validates; [`consent`] decides what the person sees first.
//! 2. [`consent`] takes the person's answer, which comes by a [`form`]. If they are signed in already and allow it,
//!    step 5 follows at once, without a row. If they choose an upstream to sign in at, that is their agreement:
//!    [`begin`] stores the journey's row and binds it to this browser.
//! 3. [`callback`] takes the upstream's answer.
//! 4. [`login`] is the dispatcher: each step that has a row returns to it. [`load`] gives it row, request and binding
//!    together.
//! 5. [`give`] makes the grant and its code; [`reply`] carries the result to the client.
//!
//! The browser has three kinds of cookies. `browser` binds the forms to it. `login-<id>` binds one journey to it, so
//! that the journeys of two tabs do not meet ([`load`]). The session refers to the sign-in, which later journeys use.

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
