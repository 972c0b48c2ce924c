//! The places for connections: how many there are, which connection waits longest, and how all are told that the server
//! stops.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::timers::Seen;

/// How far the server has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Stage {
    Running,
    /// Idle connections and listening streams end; requests under way go on.
    Stopping,
    /// Every stream of events ends.
    Ending,
    /// Whatever is left is cut off.
    Cut,
}

/// How long a connection that must give way may take to go.
const GIVING_WAY: Duration = Duration::from_millis(200);

/// How many connections may keep hyper's buffers while they are idle: about 1.5 MB together.
pub(super) const WARM: usize = 64;

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    began: Instant,
    stage: AtomicU8,
    warm: AtomicUsize,
    open: Mutex<Open>,
    /// A place became free, or its connection stays though it was told to give way.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    places: HashMap<usize, Arc<Place>>,
    next: usize,
    /// Those that waited when they were last sorted, the longest waiting one last. Whoever begins to wait later has waited
    /// less than all of these, so the list holds until it is used up, and a flood costs one sort for many evictions.
    waiting: Vec<(u64, Arc<Place>)>,
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let stage = AtomicU8::new(Stage::Running as u8);
        Arc::new(Places {
            most,
            began: Instant::now(),
            stage,
            warm: AtomicUsize::new(0),
            open: Mutex::default(),
            changed: Notify::new(),
        })
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// A place for a new connection. If all are taken, the connection that has waited longest for a request is closed.
    /// `None` if requests are under way on all.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Seat> {
        loop {
            if let Some(seat) = self.sit() {
                return Some(seat);
            }
            if !self.make_room().await {
                return None;
            }
        }
    }

    /// Closes the connection that has waited longest for a request. Returns whether one was closed.
    pub(super) async fn make_room(&self) -> bool {
        let mut changed = std::pin::pin!(self.changed.notified());
        changed.as_mut().enable();
        self.evict() && timeout(GIVING_WAY, changed).await.is_ok()
    }

    fn sit(self: &Arc<Self>) -> Option<Seat> {
        let mut open = self.lock();
        if open.places.len() >= self.most {
            return None;
        }
        let id = open.next;
        open.next += 1;
        let place = Arc::new(Place {
            places: self.clone(),
            waiting: AtomicU64::new(self.tick(Instant::now())),
            events: AtomicU8::new(0),
            waker: Mutex::default(),
        });
        open.places.insert(id, place.clone());
        Some(Seat { id, place })
    }

    /// Tells the connection that has waited longest to give way. Returns whether there was one.
    fn evict(&self) -> bool {
        let mut open = self.lock();
        for _ in 0..2 {
            while let Some((since, place)) = open.waiting.pop() {
                let marked = place.waiting.compare_exchange(since, Place::EVICTED, Ordering::AcqRel, Ordering::Acquire);
                if marked.is_ok() {
                    drop(open);
                    place.wake();
                    return true;
                }
            }
            let mut waiting: Vec<_> = open
                .places
                .values()
                .map(|place| (place.waiting.load(Ordering::Acquire), place.clone()))
                .filter(|(since, _)| !matches!(*since, Place::BUSY | Place::EVICTED))
                .collect();
            waiting.sort_unstable_by_key(|(since, _)| std::cmp::Reverse(*since));
            open.waiting = waiting;
        }
        false
    }

    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Running,
            1 => Stage::Stopping,
            2 => Stage::Ending,
            _ => Stage::Cut,
        }
    }

    /// Tells every connection how far the server has stopped.
    pub(super) fn move_to(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
        let places: Vec<_> = self.lock().places.values().cloned().collect();
        for place in places {
            place.wake();
        }
    }

    /// Waits until every connection is closed; `false` if that takes longer.
    pub(super) async fn are_empty_within(&self, limit: Duration) -> bool {
        let emptied = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                if self.lock().places.is_empty() {
                    return;
                }
                changed.await;
            }
        };
        timeout(limit, emptied).await.is_ok()
    }

    /// A time in microseconds since the server began to listen; never one of the two marks.
    fn tick(&self, time: Instant) -> u64 {
        let since = time.saturating_duration_since(self.began).as_micros();
        u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1).min(Place::EVICTED - 1)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the server, the socket and the bodies of one connection know of each other.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    /// Since when the connection has waited for a complete head, or one of the two marks.
    waiting: AtomicU64,
    events: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl Place {
    const BUSY: u64 = 0;
    const EVICTED: u64 = u64::MAX;

    /// A byte arrived.
    const BYTE: u8 = 1;
    /// A request began.
    const REQUEST: u8 = 2;
    /// The body of a request is not read to its end.
    const BODY: u8 = 4;
    /// An answer is not given to its end.
    const ANSWER: u8 = 8;
    /// The end of the answer may not have been written.
    const UNWRITTEN: u8 = 16;
    /// The body of a request was dropped before its end, or outlived it. Only hyper knows where the next head begins then,
    /// until the connection is closed.
    const CUT: u8 = 32;

    /// The socket takes no more bytes.
    const STALLED: u8 = 64;
    /// A byte was written after the socket had taken none.
    const WRITTEN: u8 = 128;

    const BUSY_WITH: u8 = Place::BODY | Place::ANSWER | Place::UNWRITTEN;

    pub(super) fn note_byte(&self) {
        if self.events.load(Ordering::Relaxed) & Place::BYTE == 0 {
            self.events.fetch_or(Place::BYTE, Ordering::AcqRel);
        }
    }

    /// Notes whether the socket took bytes.
    pub(super) fn note_write(&self, is_stalled: bool) {
        if is_stalled {
            self.events.fetch_or(Place::STALLED, Ordering::AcqRel);
        } else if self.events.load(Ordering::Relaxed) & Place::STALLED != 0 {
            self.events.fetch_or(Place::WRITTEN, Ordering::AcqRel);
            self.events.fetch_and(!Place::STALLED, Ordering::AcqRel);
        }
    }

    pub(super) fn note_request(&self, has_body: bool) {
        let body = if has_body { Place::BODY } else { 0 };
        let begun = Place::REQUEST | Place::ANSWER | Place::UNWRITTEN | body;
        if self.events.fetch_or(begun, Ordering::AcqRel) & Place::BODY != 0 {
            // A handler still has the body of the request before; its end would be taken for that of this one.
            self.events.fetch_or(Place::CUT, Ordering::AcqRel);
        }
    }

    pub(super) fn note_end_of_body(&self, is_whole: bool) {
        if !is_whole {
            self.events.fetch_or(Place::CUT, Ordering::AcqRel);
        }
        self.events.fetch_and(!Place::BODY, Ordering::AcqRel);
    }

    pub(super) fn note_end_of_answer(&self) {
        self.events.fetch_and(!Place::ANSWER, Ordering::AcqRel);
    }

    /// hyper flushes the socket only when nothing is left in its own buffer.
    pub(super) fn note_flush(&self) {
        let events = self.events.load(Ordering::Acquire);
        if events & (Place::ANSWER | Place::UNWRITTEN) == Place::UNWRITTEN {
            self.events.fetch_and(!Place::UNWRITTEN, Ordering::AcqRel);
        }
    }

    /// What happened since this was last asked.
    pub(super) fn seen(&self) -> Seen {
        let events = self.events.fetch_and(!(Place::BYTE | Place::REQUEST | Place::WRITTEN), Ordering::AcqRel);
        Seen {
            byte: events & Place::BYTE != 0,
            request: events & Place::REQUEST != 0,
            is_busy: events & Place::BUSY_WITH != 0,
            is_stalled: events & Place::STALLED != 0,
            written: events & Place::WRITTEN != 0,
        }
    }

    /// Whether the answer is given, and hyper has not flushed since.
    pub(super) fn is_only_unwritten(&self) -> bool {
        self.events.load(Ordering::Acquire) & Place::BUSY_WITH == Place::UNWRITTEN
    }

    /// Whether the next byte that hyper has not parsed is the first one of a head.
    pub(super) fn is_at_a_head(&self) -> bool {
        self.events.load(Ordering::Acquire) & (Place::BUSY_WITH | Place::CUT) == 0
    }

    /// From now on the connection waits. Returns `false` if it must give way instead.
    pub(super) fn wait_since(&self, since: Instant) -> bool {
        let tick = self.places.tick(since);
        let set = |now| (now != Place::EVICTED).then_some(tick);
        self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, set).is_ok()
    }

    /// From now on the connection is not told to give way. If it was told so already, another one has to.
    pub(super) fn stop_waiting(&self) {
        if self.waiting.swap(Place::BUSY, Ordering::AcqRel) == Place::EVICTED {
            self.places.changed.notify_waiters();
        }
    }

    pub(super) fn is_evicted(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == Place::EVICTED
    }

    /// Lets the connection keep hyper while it is idle, unless enough others do.
    pub(super) fn warm(self: &Arc<Self>) -> Option<Warm> {
        let warm = Warm(self.clone());
        (self.places.warm.fetch_add(1, Ordering::Relaxed) < WARM).then_some(warm)
    }

    pub(super) fn stage(&self) -> Stage {
        self.places.stage()
    }

    /// Who is to be woken when the connection must give way, or when the server stops.
    pub(super) fn register(&self, waker: &Waker) {
        let mut known = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// One of the connections that may keep hyper while they are idle.
#[derive(Debug)]
pub(super) struct Warm(Arc<Place>);

impl Drop for Warm {
    fn drop(&mut self) {
        self.0.places.warm.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A taken place; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    id: usize,
    place: Arc<Place>,
}

impl Seat {
    pub(super) fn place(&self) -> &Arc<Place> {
        &self.place
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.place.waiting.store(Place::BUSY, Ordering::Release);
        // A place may outlive its connection in the sorted list; the connection's task must not.
        self.place.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.place.places.lock().places.remove(&self.id);
        self.place.places.changed.notify_waiters();
    }
}
