//! Time as a value: [`UnixTime`], and the [`Clock`] that a request reads once.
//!
//! Nothing below the HTTP edge asks what time it is: it is told, so that a test of expiry is `clock.advance(601)`. Only
//! sessions and the watch over the clock itself read it.

mod time;
mod watch;

pub use time::{Clock, ManualClock, SystemClock, UnixTime};
pub(crate) use time::{Reading, monotonic};
pub(crate) use watch::ClockWatch;
