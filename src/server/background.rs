//! The tasks in the background.

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

/// Starts all tasks. They end when the set is dropped.
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
    background.spawn(refetch_documents(app.clone(), stale));
    for upstream in &app.settings().upstreams {
        background.spawn(discover_again(app.clone(), upstream.name.clone()));
    }
    background
}

/// Polls revocations every two seconds, and the signing keys.
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

/// Compares this process's clock with those of the other replicas, every two seconds. Separate from the poll of revocations,
/// since it writes and must not delay that.
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

/// Checks the age of the keys every 30 seconds, and makes the next one in time.
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

/// How many metadata documents are fetched at the same time.
const LOOKS: usize = 16;

/// Fetches metadata documents again that requests found too old but could not wait for. Several at the same time, so that no
/// slow host delays the others.
async fn refetch_documents(app: Arc<App>, mut stale: mpsc::Receiver<ClientId>) {
    let mut looks = JoinSet::new();
    while let Some(id) = stale.recv().await {
        while looks.len() >= LOOKS {
            looks.join_next().await;
        }
        while looks.try_join_next().is_some() {}
        let app = app.clone();
        looks.spawn(async move {
            if let Err(error) = document::refetch(&app, &id, app.now()).await {
                tracing::error!(error = &error as &dyn std::error::Error, "a client's metadata could not be kept");
            }
        });
    }
}

/// Logs once how many grants end by the current configuration.
async fn count_grants_of_others(app: Arc<App>) {
    if let Err(error) = admission::log_grants_of_others(&app, app.now()).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the grants of other providers could not be counted");
    }
}

/// Watches for jumps of the clock, and verifies that the database file is still there.
async fn watch(app: Arc<App>) {
    let mut ticks = tokio::time::interval(time::INTERVAL);
    loop {
        ticks.tick().await;
        time::compare(&app);
        housekeeping::verify_file(&app).await;
    }
}

/// Deletes what has expired and stores the time, every ten minutes, unless the sweep is paused.
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

/// How long a discovery document serves before it is fetched again.
const DISCOVERED: Duration = Duration::from_secs(3600);

/// The longest wait before the next request to an upstream that did not answer.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Fetches an upstream's discovery document: until it answers with growing pauses, then every hour.
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

/// The pauses after failures in a row: one second, then twice as long each time, up to the longest.
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
