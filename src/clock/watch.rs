//! Whether the clock can be trusted to say what has expired.
//!
//! What the sweep deletes is gone for good, and it goes by the clock on the wall, which an operator, a hypervisor or a
//! broken time server may set to anything. So after a jump the sweep pauses, and somebody has the time to look.

use std::time::Duration;

use super::time::{Reading, UnixTime};

/// How far the two clocks may differ between two comparisons, in seconds.
const TOLERANCE: i64 = 60;

/// How long the sweep pauses after a jump.
const PAUSE: Duration = Duration::from_secs(3600);

/// How far the clock may be behind the last time that the database knows, in seconds.
const BEHIND: i64 = 120;

/// How far the clock may be ahead of it, in seconds: a server may well stand still for a while.
const AHEAD: i64 = 30 * 24 * 3600;

/// What the comparisons showed so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockWatch {
    last: Reading,
    paused_until: Duration,
}

impl ClockWatch {
    /// The first comparison. `last` is the time that was stored last, before this process.
    pub(crate) fn start(last: Option<UnixTime>, now: Reading) -> Self {
        let mut watch = ClockWatch { last: now, paused_until: Duration::ZERO };
        if let Some(ahead) = last.map(|last| now.wall.since(last)).filter(|ahead| *ahead < -BEHIND || *ahead > AHEAD) {
            watch.pause(ahead, "the clock is far from the time of the last run");
        }
        watch
    }

    /// Another comparison: pauses the sweep if the clock jumped since the last one.
    pub(crate) fn compare(&mut self, now: Reading) {
        let passed = now.monotonic.saturating_sub(self.last.monotonic).as_secs().cast_signed();
        let jump = now.wall.since(self.last.wall).saturating_sub(passed);
        self.last = now;
        if jump.saturating_abs() > TOLERANCE {
            self.pause(jump, "the clock jumped");
        }
    }

    /// Whether what has expired by this clock may be deleted.
    pub(crate) fn may_sweep(&self) -> bool {
        self.last.monotonic >= self.paused_until
    }

    fn pause(&mut self, seconds: i64, what: &str) {
        self.paused_until = self.last.monotonic + PAUSE;
        tracing::error!(
            off_by_seconds = seconds,
            "{what}: nothing that has expired is deleted for an hour; check the clock"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    /// Both clocks, in seconds since the watch began.
    fn at(wall: i64, monotonic: u64) -> Reading {
        Reading { wall: UnixTime(NOW.saturating_add(wall)), monotonic: Duration::from_secs(monotonic) }
    }

    fn running() -> ClockWatch {
        ClockWatch::start(None, at(0, 0))
    }

    #[test]
    fn clocks_that_go_together_are_trusted() {
        let mut watch = running();
        for seconds in [2, 4, 600, 40_000_000] {
            watch.compare(at(seconds, seconds.unsigned_abs()));
            assert!(watch.may_sweep(), "{seconds}");
        }
        watch.compare(at(40_000_060, 40_000_000));
        assert!(watch.may_sweep(), "a minute is within the tolerance");
    }

    #[test]
    fn a_jump_in_either_direction_pauses_the_sweep_for_an_hour() {
        for seconds in [61, -61, 365 * 24 * 3600, -365 * 24 * 3600] {
            let mut watch = running();
            watch.compare(at(seconds, 0));
            assert!(!watch.may_sweep(), "{seconds}");
            watch.compare(at(seconds + 3599, 3599));
            assert!(!watch.may_sweep(), "{seconds}");
            watch.compare(at(seconds + 3600, 3600));
            assert!(watch.may_sweep(), "{seconds}");
        }
    }

    #[test]
    fn a_start_far_from_the_last_run_pauses_it_too() {
        let day = 24 * 3600;
        for (last, is_trusted) in [(0, true), (120, true), (121, false), (-30 * day, true), (-30 * day - 1, false)] {
            let watch = ClockWatch::start(Some(UnixTime(NOW + last)), at(0, 0));
            assert_eq!(watch.may_sweep(), is_trusted, "{last}");
        }
    }

    #[test]
    fn a_clock_at_the_end_of_time_is_no_panic() {
        let mut watch = running();
        for wall in [i64::MIN, i64::MAX, 0] {
            watch.compare(at(wall, 0));
            assert!(!watch.may_sweep());
        }
    }
}
