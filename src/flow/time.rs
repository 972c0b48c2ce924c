//! Detects jumps of the wall clock, by the monotonic clock and the last stored time.

use std::time::Duration;

use crate::clock::{Clock, ClockWatch, Reading, UnixTime};
use crate::flow::app::App;
use crate::store::{self, Store};

/// How often the clocks are compared.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);

/// Where the `meta` table holds the last time.
const LAST_TIME: &str = "last_time";

/// The comparison at the start, before the first sweep.
pub(crate) async fn first_comparison(store: &Store, clock: &dyn Clock) -> Result<ClockWatch, store::Error> {
    let last = store.find_meta(LAST_TIME).await?.and_then(|last| last.parse().ok()).map(UnixTime);
    Ok(ClockWatch::start(last, Reading::of(clock)))
}

/// Compares again. Returns whether the sweep may run.
pub(crate) fn compare(app: &App) -> bool {
    let mut watch = app.clock_watch();
    watch.compare(Reading::of(&*app.clock));
    watch.may_sweep()
}

/// Stores the time for the next start, if anything else was written since (an idle server writes nothing) and the clock can
/// be trusted. If the clock jumped, its time must not be stored, since the next start would trust it.
pub(crate) async fn store_last(app: &App) -> Result<(), store::Error> {
    match compare(app) {
        true => app.store.note_time(LAST_TIME, app.clock.now()).await,
        false => Ok(()),
    }
}
