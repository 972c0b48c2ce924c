//! The number of unused registrations, as far as this process knows.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::UnixTime;

/// The last count, and what this process registered since. The next count, which follows each sweep, sees registrations
/// that were used or deleted meanwhile, or made by other processes.
#[derive(Default)]
pub(crate) struct Registrations {
    /// How many this process made since it started.
    made: AtomicI64,
    /// The last count, minus `made` at that time.
    counted: AtomicI64,
    counted_in: AtomicI64,
}

impl Registrations {
    /// The number of unused registrations.
    pub(crate) fn unused(&self) -> u64 {
        let unused = self.counted.load(Ordering::SeqCst).saturating_add(self.made.load(Ordering::SeqCst));
        u64::try_from(unused).unwrap_or_default()
    }

    /// Counts one more registration.
    pub(crate) fn add(&self) {
        self.made.fetch_add(1, Ordering::SeqCst);
    }

    /// How many this process made; read before a count begins.
    pub(crate) fn made(&self) -> i64 {
        self.made.load(Ordering::SeqCst)
    }

    /// Stores a count that began when this process had made `made` registrations.
    pub(crate) fn set_count(&self, unused: u64, made: i64) {
        self.counted.store(i64::try_from(unused).unwrap_or(i64::MAX).saturating_sub(made), Ordering::SeqCst);
    }

    /// Whether a request may count again because there seem to be too many: once a minute.
    pub(crate) fn may_count(&self, now: UnixTime) -> bool {
        let minute = now.0.div_euclid(60);
        self.counted_in.swap(minute, Ordering::SeqCst) != minute
    }
}
