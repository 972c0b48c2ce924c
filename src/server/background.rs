//! What goes on while requests are answered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::flow::app::App;
use crate::flow::client::{document, register};
use crate::flow::person::admission;
use crate::flow::revocations;
use crate::flow::{housekeeping, keys, time};
use crate::oauth::client_id::ClientId;

/// Begins all of it; it ends when the set is dropped.
pub(super) fn start(app: &Arc<App>, stale: mpsc::Receiver<ClientId>) -> JoinSet<()> {
    let mut background = JoinSet::new();
    background.spawn(follow(app.clone()));
    if housekeeping::is_shared(app) {
        background.spawn(compare_replicas(app.clone()));
    }
    background.spawn(keep_keys(app.clone()));
    background.spawn(sweep(app.clone()));
    background.spawn(watch(app.clone()));
    background.spawn(count_grants_of_others(app.clone()));
    background.spawn(look_again(app.clone(), stale));
    for upstream in &app.settings().upstreams {
        background.spawn(discover_again(app.clone(), upstream.name.clone()));
    }
    background
}

/// Reads revocations every two seconds, those of signing keys too.
async fn follow(app: Arc<App>) {
    let mut ticks = tokio::time::interval(revocations::INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = revocations::poll(&app, app.now()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "revocations could not be read");
            continue;
        }
        match tokio::time::timeout(revocations::INTERVAL, keys::load(&app)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the signing keys could not be read");
            }
            Err(_) => tracing::error!("the signing keys could not be read in time"),
        }
    }
}

/// Compares this process's clock with those of the other replicas, every two seconds. Not together with the revocations:
/// it writes, and must not hold them up.
async fn compare_replicas(app: Arc<App>) {
    let mut ticks = tokio::time::interval(revocations::INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = revocations::compare_clocks(&app, app.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the replicas' clocks could not be compared");
        }
    }
}

/// Looks at the age of the keys every 30 seconds, and makes the next one in time.
async fn keep_keys(app: Arc<App>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(30));
    loop {
        ticks.tick().await;
        let now = app.now();
        if let Err(error) = keys::load_lifetimes(&app, now).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the lifetimes of signed tokens could not be read");
        }
        if let Err(error) = keys::ensure(&app, now).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the signing keys could not be read");
        }
    }
}

/// How many metadata documents are looked at anew at once.
const LOOKS: usize = 16;

/// Looks anew at the metadata documents of clients that were found too old where nobody could wait; at several at once, so
/// that no slow host holds up the others.
async fn look_again(app: Arc<App>, mut stale: mpsc::Receiver<ClientId>) {
    let mut looks = JoinSet::new();
    while let Some(id) = stale.recv().await {
        while looks.len() >= LOOKS {
            looks.join_next().await;
        }
        while looks.try_join_next().is_some() {}
        let app = app.clone();
        looks.spawn(async move {
            if let Err(error) = document::look_again(&app, &id, app.now()).await {
                tracing::error!(error = &error as &dyn std::error::Error, "a client's metadata could not be kept");
            }
        });
    }
}

/// Tells once how many grants the configuration of today ends.
async fn count_grants_of_others(app: Arc<App>) {
    if let Err(error) = admission::log_grants_of_others(&app, app.now()).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the grants of other providers could not be counted");
    }
}

/// Watches for jumps of the clock, and verifies that the file of the database is still there.
async fn watch(app: Arc<App>) {
    let mut ticks = tokio::time::interval(time::INTERVAL);
    loop {
        ticks.tick().await;
        time::compare(&app);
        housekeeping::verify_file(&app).await;
    }
}

/// Every ten minutes, unless the sweep is paused: deletes what has expired and stores the time.
async fn sweep(app: Arc<App>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(600));
    loop {
        ticks.tick().await;
        if !time::compare(&app) {
            continue;
        }
        if let Err(error) = housekeeping::sweep(&app, app.now()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "what has expired could not be deleted");
        }
        if let Err(error) = register::count(&app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the registrations could not be counted");
        }
        if let Err(error) = time::store_last(&app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the time could not be stored");
        }
    }
}

/// How long a discovery document serves.
const DISCOVERED: Duration = Duration::from_secs(3600);

/// How long to wait at most before an upstream that did not answer is asked again.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Asks an upstream who it is until it answers, ever less often, and again every hour.
async fn discover_again(app: Arc<App>, upstream: String) {
    let mut retries = retries();
    loop {
        let pause = match housekeeping::discover(&app, &upstream).await {
            true => {
                retries = self::retries();
                DISCOVERED
            }
            false => retries.next().unwrap_or(LONGEST_RETRY),
        };
        tokio::time::sleep(pause).await;
    }
}

/// How long to wait after each failure in a row: a second, and twice as long each time, up to the longest.
fn retries() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(Duration::from_secs(1)), |pause| Some(LONGEST_RETRY.min(*pause * 2)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_upstream_that_stays_away_is_asked_once_a_minute() {
        let seconds: Vec<u64> = super::retries().map(|pause| pause.as_secs()).take(9).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
