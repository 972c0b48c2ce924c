//! One connection, from its first byte to its last.
//!
//! A connection has hyper only from the first byte of a head to the end of the answer. Between two requests the socket is
//! parked without it, because hyper keeps 16 KB of buffers for each connection for as long as it lives. hyper does not say
//! what it is in the middle of, so [`Place`] notes what goes through the socket and the bodies.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tower::Service as _;

use super::bodies::{RequestBody, ResponseBody};
use super::options::Options;
use super::places::{Place, Seat, Stage, Warm};
use super::socket::Socket;
use super::timers::{Phase, Timers};

/// The most bytes of a head, request line included. hyper allows 100 headers.
const MAX_HEAD: usize = 32 * 1024;

/// The most bytes that hyper keeps of a body, in each direction.
const MAX_BUFFER: usize = 64 * 1024;

/// How long a client may take to read the answer to a head that was refused.
const REFUSED: Duration = Duration::from_secs(1);

/// How long a connection keeps hyper after an answer, if not more than [`WARM`](super::places::WARM) others do: most requests
/// follow another one closely, and starting hyper costs about a microsecond.
const WARM_FOR: Duration = Duration::from_secs(1);

/// A connection that was accepted and has its place.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) seat: Seat,
}

impl Accepted {
    /// Serves the connection until it is closed.
    pub(super) async fn serve(self, router: Router, options: Arc<Options>) {
        let Accepted { stream, peer, seat } = self;
        let place = seat.place().clone();
        let noted = place.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (method, place) = (request.method().clone(), noted.clone());
            place.note_request(!request.body().is_end_stream());
            let mut request = request.map(|body| match body.is_end_stream() {
                true => Body::empty(),
                false => Body::new(RequestBody::new(body, place.clone())),
            });
            request.extensions_mut().insert(ConnectInfo(peer));
            let response = router.clone().call(request);
            async move {
                let response = response.await?;
                Ok::<_, Infallible>(ResponseBody::new(&method, response, place))
            }
        });
        let timers = Timers::new(&options, Instant::now());
        let mut connection = Connection {
            state: State::Parked(Socket::new(stream, seat), service),
            place,
            timer: Box::pin(sleep_until(timers.deadline().unwrap_or_else(Instant::now))),
            timers,
            warm: None,
            is_closing: false,
        };
        if let Some(socket) = poll_fn(|context| connection.poll(context)).await {
            // This is no request under way: it must not keep others out.
            tokio::select! {
                () = poll_fn(|context| connection.poll_must_go(context)) => {}
                _ = timeout(REFUSED, socket.drain()) => {}
            }
        }
    }
}

type Hyper<S> = http1::UpgradeableConnection<TokioIo<Socket>, S>;

struct Connection<S: HttpService<Incoming>> {
    state: State<S>,
    place: Arc<Place>,
    timers: Timers,
    timer: Pin<Box<Sleep>>,
    warm: Option<Warm>,
    /// hyper was told that the server stops.
    is_closing: bool,
}

enum State<S: HttpService<Incoming>> {
    /// Without hyper: the next byte is the first one of a head.
    Parked(Socket, S),
    Served(Box<Hyper<S>>),
    Closed,
}

enum Next<S: HttpService<Incoming>> {
    /// There is more to do at once.
    Continue(State<S>),
    /// There is nothing to do until the connection's task is woken.
    Wait(State<S>),
    /// The connection is over. The socket is there if the last head was refused, else it is closed.
    Close(Option<Socket>),
}

impl<S> Connection<S>
where
    S: HttpService<Incoming, ResBody = ResponseBody, Error = Infallible> + Unpin,
{
    /// Resolves when the connection is over, with the socket if its last head was refused.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Socket>> {
        self.place.register(context.waker());
        loop {
            let next = match std::mem::replace(&mut self.state, State::Closed) {
                _ if self.place.stage() == Stage::Cut => Next::Close(None),
                State::Parked(socket, service) => self.poll_parked(socket, service, context),
                State::Served(hyper) => self.poll_served(hyper, context),
                State::Closed => Next::Close(None),
            };
            match next {
                Next::Continue(state) => self.state = state,
                Next::Wait(state) => {
                    self.state = state;
                    return Poll::Pending;
                }
                Next::Close(refused) => return Poll::Ready(refused),
            }
        }
    }

    fn poll_parked(&mut self, socket: Socket, service: S, context: &mut Context<'_>) -> Next<S> {
        // A request that has arrived is served, whatever reason there is to close.
        if socket.poll_readable(context).is_ready() {
            self.place.stop_waiting();
            return Next::Continue(self.start_hyper(socket, service));
        }
        let deadline = self.timers.deadline();
        if self.place.stage() >= Stage::Stopping || self.place.is_evicted() || self.is_past(deadline, context) {
            return Next::Close(None);
        }
        Next::Wait(State::Parked(socket, service))
    }

    fn poll_served(&mut self, mut hyper: Box<Hyper<S>>, context: &mut Context<'_>) -> Next<S> {
        let mut polled = Pin::new(&mut *hyper).poll(context);
        if polled.is_pending() && self.place.is_only_unwritten() {
            // hyper may have written everything without the flush by which the place learns of it.
            polled = Pin::new(&mut *hyper).poll(context);
        }
        if let Poll::Ready(end) = polled {
            let is_refusal = end.is_err_and(|error| error.is_parse());
            let parts = if is_refusal { hyper.into_parts() } else { None };
            return Next::Close(parts.map(|parts| parts.io.into_inner()));
        }
        let now = Instant::now();
        self.timers.note(self.place.seen(), now);
        if self.place.stage() >= Stage::Stopping && !self.is_closing {
            if self.place.is_at_a_head() {
                // A shutdown would throw away the part of a head that follows an answer.
                return self.park(*hyper, now);
            }
            self.is_closing = true;
            Pin::new(&mut *hyper).graceful_shutdown();
            return Next::Continue(State::Served(hyper));
        }
        let Some(since) = self.timers.phase().since() else {
            self.warm = None;
            self.place.stop_waiting();
            let is_stalled = self.is_past(self.timers.deadline(), context);
            return if is_stalled { Next::Close(None) } else { Next::Wait(State::Served(hyper)) };
        };
        if !self.place.wait_since(since) {
            return Next::Close(None);
        }
        let is_part_of_a_head = matches!(self.timers.phase(), Phase::Head(_));
        if is_part_of_a_head || !self.place.is_at_a_head() {
            self.warm = None;
            let is_late = self.is_past(self.timers.deadline(), context);
            return if is_late { Next::Close(None) } else { Next::Wait(State::Served(hyper)) };
        }
        let cools = since + WARM_FOR;
        let may_be_warm = now < cools && !self.is_closing && self.is_warm();
        if may_be_warm && !self.is_past(self.timers.deadline().min(Some(cools)), context) {
            return Next::Wait(State::Served(hyper));
        }
        self.warm = None;
        self.park(*hyper, now)
    }

    /// Takes hyper off the socket. What hyper read and did not parse is the begin of the next head.
    fn park(&mut self, hyper: Hyper<S>, now: Instant) -> Next<S> {
        let Some(parts) = hyper.into_parts() else { return Next::Close(None) };
        let mut socket = parts.io.into_inner();
        if parts.read_buf.is_empty() {
            return Next::Continue(State::Parked(socket, parts.service));
        }
        self.timers.note_part_of_a_head(now);
        socket.put_back(parts.read_buf);
        Next::Continue(self.start_hyper(socket, parts.service))
    }

    /// Resolves when a connection whose last head was refused must give way, or when all are cut off.
    fn poll_must_go(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.place.register(context.waker());
        let since = self.timers.phase().since().unwrap_or_else(Instant::now);
        let must_go = !self.place.wait_since(since) || self.place.stage() == Stage::Cut;
        if must_go { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Puts hyper on the socket, without its timer for heads: that one would count the time between two requests too.
    fn start_hyper(&mut self, socket: Socket, service: S) -> State<S> {
        self.is_closing = self.place.stage() >= Stage::Stopping;
        let mut builder = http1::Builder::new();
        builder.keep_alive(!self.is_closing).header_read_timeout(None);
        builder.max_header_size(MAX_HEAD).max_buf_size(MAX_BUFFER);
        State::Served(Box::new(builder.serve_connection(TokioIo::new(socket), service).with_upgrades()))
    }

    fn is_warm(&mut self) -> bool {
        if self.warm.is_none() {
            self.warm = self.place.warm();
        }
        self.warm.is_some()
    }

    /// Whether this time has passed; wakes the task when it does.
    fn is_past(&mut self, deadline: Option<Instant>, context: &mut Context<'_>) -> bool {
        let Some(deadline) = deadline else { return false };
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(context).is_ready()
    }
}
