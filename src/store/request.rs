//! Requests and their writes: how long a request may last, and which writes outlive it.
//!
//! A request is a future. It is dropped at any `.await` if its client closes the connection, and by [`within`] when its
//! time is up. Neither stops a write that has begun, since writes run in tasks of the store. But a client that gets 503
//! tries again with the same code or refresh token, so these must not have been spent. Therefore a request whose time is
//! up is dropped only if none of its units has begun. From then on none of them begins, except for those that must run in
//! any case.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::JoinError;
use tracing::Instrument as _;

tokio::task_local! {
    static CURRENT: Progress;
}

/// Whether a unit of a request has begun, or none may begin any more. The first event decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<OnceLock<Decided>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decided {
    Begun,
    Cut,
}

impl Progress {
    /// The progress of this task's request; `None` outside of a request.
    pub(super) fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Notes that a unit of the request begins; `false` if the request's time ran out first.
    pub(super) fn begin(&self) -> bool {
        *self.0.get_or_init(|| Decided::Begun) == Decided::Begun
    }

    /// Notes that the request's time is up; `false` if a unit of it has begun first.
    fn cut(&self) -> bool {
        *self.0.get_or_init(|| Decided::Cut) == Decided::Cut
    }
}

/// Runs a request for at most `limit`; `None` if it was dropped then. If one of its units has begun, the request is not
/// dropped: it waits for the outcome, within the store's own limits.
pub(crate) async fn within<F: Future>(limit: Duration, request: F) -> Option<F::Output> {
    let progress = Progress::default();
    let mut request = std::pin::pin!(CURRENT.scope(progress.clone(), request));
    tokio::select! {
        biased;
        output = &mut request => Some(output),
        () = tokio::time::sleep(limit) => match progress.cut() {
            true => None,
            false => Some(request.await),
        },
    }
}

/// Runs `work` to its end in a task of its own, even if the request is dropped. Its units count as the request's.
///
/// # Errors
///
/// The work panicked, or the runtime is being shut down.
pub(crate) async fn to_the_end<F>(work: F) -> Result<F::Output, JoinError>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    match Progress::current() {
        Some(progress) => tokio::spawn(CURRENT.scope(progress, work).in_current_span()).await,
        None => tokio::spawn(work.in_current_span()).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_request_is_dropped_when_its_time_is_up_and_none_of_its_units_begins_then() {
        let (send, receive) = std::sync::mpsc::channel();
        let request = async {
            send.send(Progress::current().expect("a request")).expect("the test listens");
            std::future::pending::<()>().await;
        };
        assert_eq!(within(SHORT, request).await, None);
        assert!(!receive.recv().expect("its progress").begin());
    }

    #[tokio::test]
    async fn a_request_whose_unit_has_begun_waits_for_the_outcome() {
        let request = async {
            assert!(Progress::current().expect("a request").begin());
            tokio::time::sleep(50 * SHORT).await;
            assert!(Progress::current().expect("a request").begin(), "its next unit begins too");
            "done"
        };
        assert_eq!(within(SHORT, request).await, Some("done"));
    }

    #[tokio::test]
    async fn what_runs_to_its_end_outlives_the_request_and_begins_no_unit_for_it() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let work = async move {
            tokio::time::sleep(50 * SHORT).await;
            let _ = send.send(Progress::current().expect("a request").begin());
        };
        assert!(within(SHORT, to_the_end(work)).await.is_none());
        assert!(!receive.await.expect("the work ends"));
    }
}
