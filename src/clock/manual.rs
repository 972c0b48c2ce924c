//! A clock for tests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::time::{Clock, Reading, UnixTime};

/// A clock that stands still until it is moved; for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Reading>);

impl ManualClock {
    /// A clock that shows `at`.
    pub fn new(at: UnixTime) -> Self {
        ManualClock(Mutex::new(Reading { wall: at, monotonic: Duration::ZERO }))
    }

    /// Lets time pass: whole seconds. A negative number sets the clock back, as [`jump`](Self::jump) does.
    pub fn advance(&self, seconds: i64) {
        self.with(|reading| {
            reading.wall.0 += seconds;
            reading.monotonic += Duration::from_secs(seconds.try_into().unwrap_or(0));
        });
    }

    /// Sets the clock forward by whole seconds, or back if `seconds` is negative, though no time passes.
    pub fn jump(&self, seconds: i64) {
        self.with(|reading| reading.wall.0 += seconds);
    }

    fn with<T>(&self, of: impl FnOnce(&mut Reading) -> T) -> T {
        of(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        self.with(|reading| reading.wall)
    }

    fn monotonic(&self) -> Duration {
        self.with(|reading| reading.monotonic)
    }
}
