//! [`UnixTime`], and the clocks that tell it.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Whole seconds since 1970-01-01T00:00:00Z, as RFC 7519 section 2 calls `NumericDate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// The seconds from `earlier` to `self`; negative where `self` lies before it.
    pub fn since(self, earlier: UnixTime) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for UnixTime {
    type Output = UnixTime;

    fn add(self, span: Duration) -> UnixTime {
        UnixTime(self.0.saturating_add_unsigned(span.as_secs()))
    }
}

impl Sub<Duration> for UnixTime {
    type Output = UnixTime;

    fn sub(self, span: Duration) -> UnixTime {
        UnixTime(self.0.saturating_sub_unsigned(span.as_secs()))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> UnixTime;

    /// The time since some moment before, by a clock that nobody sets. Compared with [`now`](Self::now) it shows that the
    /// wall clock jumped, and a jump pauses the sweep for an hour.
    ///
    /// The default is [`std::time::Instant`]. A clock that a test moves must move this one too.
    fn monotonic(&self) -> Duration {
        monotonic()
    }
}

/// The time since it was asked for first, by the clock that nobody sets.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub(crate) fn monotonic() -> Duration {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed()
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub wall: UnixTime,
    pub monotonic: Duration,
}

impl Reading {
    /// Reads the two clocks; again, up to two times, if the one on the wall moved in between.
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        let mut reading = Reading { wall: clock.now(), monotonic: clock.monotonic() };
        for _ in 0..2 {
            let wall = clock.now();
            if wall == reading.wall {
                break;
            }
            reading = Reading { wall, monotonic: clock.monotonic() };
        }
        reading
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn now(&self) -> UnixTime {
        let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UnixTime(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> UnixTime {
        (**self).now()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }
}
