//! Time as a value: [`UnixTime`], and the [`Clock`] that a request reads once.
//!
//! Nothing below the HTTP edge asks what time it is: it is told, so that a test of expiry is `clock.advance(601)`. Only
//! sessions and the watch over the clock itself read it.

#[cfg(any(test, feature = "testing"))]
mod manual;
mod time;
mod watch;

#[cfg(any(test, feature = "testing"))]
pub use manual::ManualClock;
pub use time::{Clock, SystemClock, UnixTime};
pub(crate) use time::{Reading, monotonic};
pub(crate) use watch::ClockWatch;
