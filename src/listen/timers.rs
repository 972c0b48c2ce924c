//! Which timer of a connection runs, and from when. No I/O, so that every case can be tested by itself.

use std::time::Duration;

use tokio::time::Instant;

use super::options::Options;

/// What a connection is doing, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It was accepted, and nothing has arrived.
    New(Instant),
    /// A part of a head has arrived; since its first byte, or since the connection was accepted if it is the first head.
    Head(Instant),
    /// It is between two requests; since the last answer.
    Idle(Instant),
    /// A request is under way. Its time is the application's matter.
    Busy,
    /// A request is under way, and the client takes no byte of the answer; since then.
    Stalled(Instant),
}

impl Phase {
    /// Since when the connection waits for a complete head. `None` while a request is under way.
    pub(super) fn since(self) -> Option<Instant> {
        match self {
            Phase::New(since) | Phase::Head(since) | Phase::Idle(since) => Some(since),
            Phase::Busy | Phase::Stalled(_) => None,
        }
    }
}

/// What happened on a connection since it was last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// A byte arrived.
    pub(super) byte: bool,
    /// A head was complete, and its request began.
    pub(super) request: bool,
    /// A request is under way still.
    pub(super) is_busy: bool,
    /// The socket takes no more bytes.
    pub(super) is_stalled: bool,
    /// A byte was written after the socket had taken none.
    pub(super) written: bool,
}

/// The timers of one connection.
#[derive(Debug)]
pub(super) struct Timers {
    /// How long a head may take from its first byte, the first one from the connection.
    head: Duration,
    /// How long a connection may idle between two requests.
    keep_alive: Duration,
    /// How long a client may take no byte of an answer.
    stall: Duration,
    phase: Phase,
}

impl Timers {
    /// The timers of a connection that is accepted now.
    pub(super) fn new(options: &Options, now: Instant) -> Self {
        let Options { head, keep_alive, stall, .. } = *options;
        Timers { head, keep_alive, stall, phase: Phase::New(now) }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// When the connection is to be closed. `None` while a request goes on.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::New(since) | Phase::Head(since) => Some(since + self.head),
            Phase::Idle(since) => Some(since + self.keep_alive),
            Phase::Stalled(since) => Some(since + self.stall),
            Phase::Busy => None,
        }
    }

    /// Moves on by what happened.
    pub(super) fn note(&mut self, seen: Seen, now: Instant) {
        self.phase = match self.phase {
            Phase::Stalled(since) if seen.is_stalled && !seen.written => Phase::Stalled(since),
            _ if seen.is_stalled => Phase::Stalled(now),
            _ if seen.is_busy => Phase::Busy,
            _ if seen.request => Phase::Idle(now),
            Phase::Busy | Phase::Stalled(_) => Phase::Idle(now),
            Phase::New(since) if seen.byte => Phase::Head(since),
            Phase::Idle(_) if seen.byte => Phase::Head(now),
            waiting => waiting,
        };
    }

    /// Moves on by a part of a head that was found behind the last request.
    pub(super) fn note_part_of_a_head(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Head(_)) {
            self.phase = Phase::Head(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Seen = Seen { byte: false, request: false, is_busy: false, is_stalled: false, written: false };
    const BYTE: Seen = Seen { byte: true, ..NOTHING };
    const BEGUN: Seen = Seen { byte: true, request: true, is_busy: true, ..NOTHING };
    const GOING_ON: Seen = Seen { is_busy: true, ..NOTHING };
    const BEGUN_AND_ANSWERED: Seen = Seen { byte: true, request: true, ..NOTHING };
    const STALLED: Seen = Seen { is_busy: true, is_stalled: true, ..NOTHING };

    /// When a connection is closed that was accepted at 0, after what was seen at these seconds.
    fn closed_at(seen: &[(u64, Seen)]) -> Option<u64> {
        let start = Instant::now();
        let mut timers = Timers::new(&Options::default(), start);
        for (second, seen) in seen {
            timers.note(*seen, start + Duration::from_secs(*second));
        }
        timers.deadline().map(|deadline| (deadline - start).as_secs())
    }

    #[test]
    fn the_first_head_has_15_seconds_from_the_connection_however_it_drips() {
        assert_eq!(closed_at(&[]), Some(15));
        assert_eq!(closed_at(&[(14, BYTE)]), Some(15));
        assert_eq!(closed_at(&[(1, BYTE), (5, NOTHING), (9, BYTE), (14, BYTE)]), Some(15));
    }

    #[test]
    fn a_later_head_has_15_seconds_from_its_first_byte() {
        let answered = (2, BEGUN_AND_ANSWERED);
        assert_eq!(closed_at(&[answered, (100, BYTE)]), Some(115));
        assert_eq!(closed_at(&[answered, (100, BYTE), (110, BYTE), (114, BYTE)]), Some(115));
        assert_eq!(closed_at(&[answered, (131, BYTE)]), Some(146), "its first byte came just before the limit");
    }

    #[test]
    fn a_connection_may_idle_for_130_seconds_after_each_answer() {
        assert_eq!(closed_at(&[(2, BEGUN_AND_ANSWERED)]), Some(132));
        assert_eq!(closed_at(&[(2, BEGUN_AND_ANSWERED), (100, NOTHING)]), Some(132));
        assert_eq!(closed_at(&[(2, BEGUN_AND_ANSWERED), (100, BEGUN_AND_ANSWERED)]), Some(230));
        assert_eq!(closed_at(&[(2, BEGUN), (50, GOING_ON), (60, NOTHING)]), Some(190));
        assert_eq!(closed_at(&[(2, BEGUN_AND_ANSWERED), (100, BYTE), (105, BEGUN), (110, NOTHING)]), Some(240));
    }

    #[test]
    fn an_answer_is_given_up_60_seconds_after_the_last_byte_that_the_client_took() {
        let written = Seen { written: true, ..STALLED };
        assert_eq!(closed_at(&[(2, BEGUN), (5, STALLED)]), Some(65));
        assert_eq!(closed_at(&[(2, BEGUN), (5, STALLED), (40, STALLED)]), Some(65));
        assert_eq!(closed_at(&[(2, BEGUN), (5, STALLED), (40, written), (50, STALLED)]), Some(100));
        assert_eq!(closed_at(&[(2, BEGUN), (5, STALLED), (40, GOING_ON)]), None);
        assert_eq!(closed_at(&[(2, BEGUN), (5, STALLED), (40, NOTHING)]), Some(170), "it is idle then");
    }

    #[test]
    fn a_request_under_way_has_no_timer_here() {
        assert_eq!(closed_at(&[(2, BEGUN)]), None);
        assert_eq!(closed_at(&[(2, BEGUN), (3, BYTE), (10_000, GOING_ON)]), None);
        assert_eq!(closed_at(&[(2, BEGUN_AND_ANSWERED), (3, BEGUN), (10_000, GOING_ON)]), None);
    }
}
