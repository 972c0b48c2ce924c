//! How many registrations there are that nobody used, as far as this process knows.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::UnixTime;

/// What was counted last, and what this process registered since. Registrations that were used, deleted or made by other
/// processes meanwhile are seen at the next count, which follows each sweep.
#[derive(Default)]
pub(crate) struct Registrations {
    /// How many this process made since it started.
    made: AtomicI64,
    /// The last count, less what was made before it.
    counted: AtomicI64,
    counted_in: AtomicI64,
}

impl Registrations {
    /// How many were never used.
    pub(crate) fn unused(&self) -> u64 {
        let unused = self.counted.load(Ordering::SeqCst).saturating_add(self.made.load(Ordering::SeqCst));
        u64::try_from(unused).unwrap_or_default()
    }

    /// Notes one more.
    pub(crate) fn add(&self) {
        self.made.fetch_add(1, Ordering::SeqCst);
    }

    /// How many this process made: asked for before a count.
    pub(crate) fn made(&self) -> i64 {
        self.made.load(Ordering::SeqCst)
    }

    /// Notes what was counted after so many had been made.
    pub(crate) fn set_count(&self, unused: u64, made: i64) {
        self.counted.store(i64::try_from(unused).unwrap_or(i64::MAX).saturating_sub(made), Ordering::SeqCst);
    }

    /// Whether they may be counted again because there seem to be too many: once a minute.
    pub(crate) fn may_count(&self, now: UnixTime) -> bool {
        let minute = now.0.div_euclid(60);
        self.counted_in.swap(minute, Ordering::SeqCst) != minute
    }
}
