//! The accept loop: serves a router over HTTP/1 on a TCP listener. It knows nothing of OAuth.
//!
//! `axum::serve` bounds neither the time nor the number of connections: a client that sends half a head keeps a connection
//! for ever. hyper has a timer for heads, but it counts the time between two requests too, which has to be longer. So
//! this loop has timers and bounds of its own:
//!
//! - A head must be complete [`Options::head`] after its first byte, the first one after the connection was accepted.
//! - A connection may idle between two requests for [`Options::keep_alive`], and costs about 2 KB meanwhile.
//! - A client that takes no byte of its answer for [`Options::stall`] is cut off.
//! - There are at most [`Options::connections`]. If all are taken, the one that has waited longest for a complete head is
//!   closed. If requests are under way on all of them, the new connection is closed; the log says how many were, once a
//!   minute.
//! - A head has at most 32 KiB and 100 headers, else it is answered with 431.
//! - If the process runs out of file descriptors, the log says so, and the connections that are open go on.
//!   [`raise_descriptor_limit`] makes that rarer.
//!
//! What a request may cost once its head is complete, such as the time that its body takes, is the router's business.
//!
//! # Stopping
//!
//! When the signal resolves, no connection is accepted any more, and idle ones are closed. Requests under way have
//! [`Options::grace`] to end. Streams of events end between two events: those that answer a GET at once, because clients
//! listen to them for ever; the others, which answer calls, when the grace is over. What is left [`Options::cut`] later
//! is cut off.
//!
//! ```no_run
//! # async fn example(jean: jean::Jean) -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind(jean.listen()).await?;
//! let stopping = jean.clone();
//! let stop = async move {
//!     let _ = tokio::signal::ctrl_c().await;
//!     stopping.drain();
//! };
//! jean::listen::serve(listener, jean.service(), jean.listen_options()).with_graceful_shutdown(stop).await;
//! jean.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Time
//!
//! The time here is tokio's, not that of [`Clock`](crate::Clock): nothing of the protocol is decided, and a timer must not
//! jump with the computer's clock.

mod bodies;
mod connection;
mod limits;
mod options;
mod places;
mod socket;
mod timers;

use std::fmt;
use std::future::{IntoFuture, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, sleep_until};

pub use limits::raise_descriptor_limit;
pub use options::Options;

use connection::Accepted;
use limits::Tally;
use places::{Places, Stage};

/// Serves a router to all who connect. Handlers find the peer's address as axum's `ConnectInfo<SocketAddr>`.
pub fn serve(listener: TcpListener, router: Router, options: Options) -> Serve {
    Serve { listener, router, options, signal: Box::pin(pending()) }
}

/// A server, which runs while it is awaited.
#[must_use = "it serves only while it is awaited"]
pub struct Serve {
    listener: TcpListener,
    router: Router,
    options: Options,
    signal: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Serve {
    /// Stops in order when `signal` resolves. Without one, the server never ends.
    pub fn with_graceful_shutdown(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.signal = Box::pin(signal);
        self
    }

    async fn run(self) {
        let Serve { listener, router, options, signal } = self;
        let places = Places::new(limits::connections(&options));
        let options = Arc::new(options);
        let mut stop = pin!(signal);
        let (mut excess, mut failures) = (Tally::default(), Tally::default());
        loop {
            let next = excess.next();
            let (stream, peer) = tokio::select! {
                () = &mut stop => break,
                () = async { sleep_until(next.unwrap_or_else(Instant::now)).await }, if next.is_some() => {
                    tell_excess(&mut excess, &places);
                    continue;
                }
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        recover(&error, &mut failures, &places).await;
                        continue;
                    }
                }
            };
            let Some(seat) = places.take().await else {
                excess.add();
                tell_excess(&mut excess, &places);
                continue;
            };
            // Answers are written whole, so there is nothing to wait for.
            let _ = stream.set_nodelay(true);
            tokio::spawn(Accepted { stream, peer, seat }.serve(router.clone(), options.clone()));
        }
        drop(listener);
        for (stage, limit) in [(Stage::Stopping, options.grace), (Stage::Ending, options.cut), (Stage::Cut, LAST)] {
            places.move_to(stage);
            if places.are_empty_within(limit).await {
                break;
            }
        }
    }
}

impl IntoFuture for Serve {
    type Output = ();
    type IntoFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("listener", &self.listener)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// How long connections that are cut off may take to be closed. One that was upgraded is its handler's, and stays.
const LAST: Duration = Duration::from_secs(1);

/// How long to wait when a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

fn tell_excess(excess: &mut Tally, places: &Places) {
    if let Some(count) = excess.due(Instant::now()) {
        tracing::warn!(
            count,
            "connections were closed at once: there are {} already, the most that are allowed, and requests are under way \
             on all of them",
            places.most()
        );
    }
}

/// Goes on after a connection could not be accepted.
async fn recover(error: &std::io::Error, failures: &mut Tally, places: &Places) {
    use std::io::ErrorKind;
    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted) {
        // The client's matter.
        return;
    }
    failures.add();
    if let Some(count) = failures.due(Instant::now()) {
        let hint = if limits::is_out_of_descriptors(error) {
            "; raise the limit of open files (LimitNOFILE= of systemd, `ulimit -n` of a shell), or lower limits.connections"
        } else {
            ""
        };
        tracing::error!(count, "connections cannot be accepted: {error}{hint}");
    }
    if !limits::is_out_of_descriptors(error) || !places.make_room().await {
        sleep(PAUSE).await;
    }
}
