//! How much is asked of one host, or of one network address, so that strangers cannot turn this server against it, and
//! cannot use up what is asked to keep others out.
//!
//! An authorization request names the address of a document, and anyone may send one, without an account and at no cost. So
//! requests to one host are bounded, and what is scarce must not go to the loudest. What tells a client that exists from a
//! made-up address is what comes of asking, and that is known only afterwards:
//!
//! 1. **What has answered well** within 30 days is [proved](Budget::prove) and draws on a share of its own, ten times as
//!    large, which only bounds what happens to the host. An ask that answers well costs a tenth of one that does not.
//! 2. **An address that was not asked within the last minute** has a share that those do not reach that were: an address
//!    that fails again and again competes with no new one.
//! 3. **An address that was turned away before** and is wanted again within two minutes has a share that no address
//!    reaches at its first time. Made-up addresses that are wanted once each, 121 of them or 100,000 a minute, cannot touch
//!    it. A person who waits and tries again, or whose page does so, gets their turn.
//!
//! So the guarantee is: an address that is wanted a second time is asked then, whatever is wanted once, unless more than 15
//! others of its host came a second time at the same moment, or more than 15 in each minute. After a flood that ends, a new
//! address is asked at its first time a second or two later. A stranger who wants thousands of made-up addresses of one host
//! again and again shares that quarter with everyone, in no order: nothing about an anonymous request tells it from another,
//! so only the operator can help then, with a pinned copy of the document.
//!
//! A host gets 120 asks at most within any minute, half of them at once, and up to 1,200 in a minute in which all of them
//! answer well; and what is proved besides, 1,200 at most.
//!
//! Memory is bounded whatever is asked: counters of [10,000](KEYS) keys, as many proofs, and 4 MiB at most for the rest,
//! from which nobody can push anything out ([`Lately`]).

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::lately::Lately;
use crate::clock::UnixTime;

/// How many keys are counted, and how many proofs are remembered; those that are used most stay.
const KEYS: u64 = 10_000;

/// How long what has answered well is not turned away.
const PROVED: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long an address counts as asked just now.
const ASKED: Duration = Duration::from_secs(60);

/// For 64 KiB, which do for all asks that this server can make in a minute.
const ASKED_SIZE: u32 = 19;

/// How long an address that was turned away may draw on the share for those that come again.
const TURNED_AWAY: Duration = Duration::from_secs(120);

/// For 1 MiB, which do for 200,000 addresses in two minutes, and are of use for two million.
const TURNED_AWAY_SIZE: u32 = 23;

/// What one ask costs, in the unit of the counters. A share of n asks a minute forgets n units a second, so half of the
/// asks come back within a minute, and the other half are there at once.
const COST: u64 = 120;

/// What remains to be paid for an ask that answered well.
const GOOD: u64 = COST / 10;

/// One ask: whom, and for what. Hashes with a secret of this process, so that nobody can choose two that meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    key: u64,
    item: u64,
}

/// The parts of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// For all.
    Open,
    /// For what was not asked within the last minute.
    Kept,
    /// For what was not asked within the last minute, and was turned away before.
    Waited,
    /// For what has answered well before.
    Proved,
}

impl Share {
    /// How many asks a minute at most, of a budget of so many.
    fn per_minute(self, budget: u32) -> u64 {
        let budget = u64::from(budget);
        match self {
            Share::Open => budget / 2,
            Share::Kept | Share::Waited => budget / 4,
            Share::Proved => budget * 10,
        }
    }
}

/// An ask that was counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charge {
    pub visit: Visit,
    share: Share,
}

/// What was asked of each key lately.
pub(super) struct Budget {
    per_minute: u32,
    hasher: RandomState,
    levels: moka::sync::Cache<u64, Arc<Mutex<Levels>>>,
    asked: Mutex<Lately>,
    turned_away: Mutex<Lately>,
    proved: moka::sync::Cache<u64, UnixTime>,
}

/// How much of each share is used up: buckets that leak.
#[derive(Default)]
struct Levels {
    at: UnixTime,
    open: u64,
    kept: u64,
    waited: u64,
    proved: u64,
}

impl Budget {
    /// A budget of `per_minute` asks of one key within any minute, not counting what is proved and what answers well.
    pub(super) fn new(per_minute: u32) -> Self {
        Budget {
            per_minute,
            hasher: RandomState::new(),
            levels: moka::sync::Cache::new(KEYS),
            asked: Mutex::new(Lately::new(ASKED, ASKED_SIZE)),
            turned_away: Mutex::new(Lately::new(TURNED_AWAY, TURNED_AWAY_SIZE)),
            proved: moka::sync::Cache::new(KEYS),
        }
    }

    /// The ask of `key` for `item`.
    pub(super) fn visit(&self, key: &str, item: &str) -> Visit {
        Visit { key: self.hasher.hash_one(key), item: self.hasher.hash_one((key, item)) }
    }

    /// Counts an ask, and notes it if it is turned away.
    pub(super) fn take(&self, visit: Visit, now: UnixTime) -> Option<Charge> {
        let asked = lock(&self.asked).contains(visit.item, now);
        let came_before = !asked && lock(&self.turned_away).contains(visit.item, now);
        let shares: &[Share] = match (asked, came_before) {
            (true, _) => &[Share::Open],
            (false, false) => &[Share::Open, Share::Kept],
            (false, true) => &[Share::Open, Share::Kept, Share::Waited],
        };
        let charge = self.charge(visit, shares, now);
        if charge.is_none() {
            lock(&self.turned_away).add(visit.item, now);
        }
        charge
    }

    /// Counts an ask for what has answered well before.
    pub(super) fn take_proved(&self, visit: Visit, now: UnixTime) -> Option<Charge> {
        self.charge(visit, &[Share::Proved], now)
    }

    fn charge(&self, visit: Visit, shares: &[Share], now: UnixTime) -> Option<Charge> {
        let levels = self.levels.get_with(visit.key, Arc::default);
        let mut levels = lock(&levels);
        levels.leak(self.per_minute, now);
        let has_room = |share: &&Share| *levels.of(**share) + COST <= share.per_minute(self.per_minute) * (COST / 2);
        let share = shares.iter().find(has_room).copied()?;
        *levels.of(share) += COST;
        Some(Charge { visit, share })
    }

    /// Notes that what was counted is being asked.
    pub(super) fn begin(&self, visit: Visit, now: UnixTime) {
        lock(&self.asked).add(visit.item, now);
    }

    /// Gives back what was counted, for an ask that was turned away elsewhere.
    pub(super) fn turn_away(&self, charge: Charge, now: UnixTime) {
        self.give_back(charge, COST);
        lock(&self.turned_away).add(charge.visit.item, now);
    }

    /// Gives back most of what was counted, for an ask that answered well.
    pub(super) fn settle(&self, charge: Charge) {
        if charge.share != Share::Proved {
            self.give_back(charge, COST - GOOD);
        }
    }

    fn give_back(&self, charge: Charge, cost: u64) {
        let Some(levels) = self.levels.get(&charge.visit.key) else { return };
        let mut levels = lock(&levels);
        let level = levels.of(charge.share);
        *level = level.saturating_sub(cost);
    }

    /// Remembers that this answered well.
    pub(super) fn prove(&self, visit: Visit, now: UnixTime) {
        self.proved.insert(visit.item, now);
    }

    /// Whether this answered well within the last 30 days.
    pub(super) fn is_proved(&self, visit: Visit, now: UnixTime) -> bool {
        let limit = PROVED.as_secs().cast_signed();
        self.proved.get(&visit.item).is_some_and(|at| now.since(at) < limit)
    }
}

impl Levels {
    fn of(&mut self, share: Share) -> &mut u64 {
        match share {
            Share::Open => &mut self.open,
            Share::Kept => &mut self.kept,
            Share::Waited => &mut self.waited,
            Share::Proved => &mut self.proved,
        }
    }

    fn leak(&mut self, budget: u32, now: UnixTime) {
        let passed = now.since(self.at);
        // Requests that are handled at once may be a little out of order; a clock that was set back counts from there.
        if (-60..=0).contains(&passed) {
            return;
        }
        for share in [Share::Open, Share::Kept, Share::Waited, Share::Proved] {
            let leaked = passed.unsigned_abs().saturating_mul(share.per_minute(budget));
            let level = self.of(share);
            *level = level.saturating_sub(leaked);
        }
        self.at = now;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const PER_MINUTE: u32 = 120;

    fn after(seconds: u64) -> UnixTime {
        NOW + Duration::from_secs(seconds)
    }

    /// An ask as the fetcher makes it.
    fn charge(budget: &Budget, item: &str, now: UnixTime) -> Option<Charge> {
        let visit = budget.visit("host", item);
        let charge = budget.take(visit, now)?;
        budget.begin(visit, now);
        Some(charge)
    }

    #[test]
    fn a_hundred_thousand_addresses_a_minute_that_are_wanted_once_keep_out_none_that_comes_again() {
        let budget = Budget::new(PER_MINUTE);
        let flood = |second: u64| {
            (0..1_667).filter(|i| charge(&budget, &format!("{second}/{i}"), after(second)).is_some()).count()
        };
        for second in 0..120 {
            flood(second);
        }
        assert!(charge(&budget, "real", after(119)).is_none(), "at the first time it is one of many");
        for second in 120..134 {
            flood(second);
        }
        assert!(charge(&budget, "real", after(134)).is_some(), "a page that tries again after 15 seconds");
        assert!(charge(&budget, "another", after(134)).is_none());
        for second in 135..194 {
            flood(second);
        }
        assert!(charge(&budget, "another", after(194)).is_some(), "a person who waits for a minute");
    }

    #[test]
    fn a_burst_is_over_a_moment_after_it() {
        let budget = Budget::new(PER_MINUTE);
        let asked = (0..100_000).filter(|i| charge(&budget, &i.to_string(), NOW).is_some()).count();
        assert_eq!(asked, 45);
        assert!(charge(&budget, "real", after(2)).is_some(), "at its first time");
    }

    #[test]
    fn an_address_that_fails_again_and_again_takes_nothing_from_a_new_one() {
        let budget = Budget::new(PER_MINUTE);
        for i in 0..30 {
            assert!(charge(&budget, &i.to_string(), NOW).is_some());
        }
        for second in 1..60 {
            for i in 0..30 {
                let _ = charge(&budget, &i.to_string(), after(second));
            }
            assert!(charge(&budget, "0", after(second)).is_none(), "{second}");
        }
        assert!(charge(&budget, "new", after(59)).is_some());
    }

    /// Whatever comes, and in whatever order.
    #[test]
    fn no_minute_has_more_asks_than_the_budget_allows() {
        let budget = Budget::new(PER_MINUTE);
        let mut asked = Vec::new();
        for second in 0..400_u64 {
            let busy = second % 7 != 0 && !(150..230).contains(&second);
            let wanted = if busy { 200 } else { 0 };
            // Some come once, some each second, some for a while.
            let items = (0..wanted).map(|i| match i % 3 {
                0 => format!("once {second} {i}"),
                1 => format!("always {i}"),
                _ => format!("again {} {i}", second / 10),
            });
            asked.push(items.filter(|item| charge(&budget, item, after(second)).is_some()).count());
        }
        let most = asked.windows(60).map(|minute| minute.iter().sum::<usize>()).max().unwrap();
        assert!((100..=PER_MINUTE as usize).contains(&most), "{most}");
    }

    #[test]
    fn what_answers_well_counts_for_a_tenth() {
        let budget = Budget::new(PER_MINUTE);
        for i in 0..300 {
            let charge = charge(&budget, &i.to_string(), NOW).unwrap_or_else(|| panic!("{i} is turned away"));
            budget.settle(charge);
        }
        let more = (0..10_000)
            .filter(|i| charge(&budget, &format!("more {i}"), NOW).map(|charge| budget.settle(charge)).is_some());
        assert!(more.count() < 200, "and is bounded all the same");
    }

    #[test]
    fn what_answered_well_is_not_turned_away_for_30_days() {
        let budget = Budget::new(PER_MINUTE);
        let good = budget.visit("host", "good");
        assert!(!budget.is_proved(good, NOW));
        budget.prove(good, NOW);
        for i in 0..1_000 {
            let _ = charge(&budget, &i.to_string(), NOW);
        }
        for days in [0, 29] {
            let now = after(days * 86_400);
            assert!(budget.is_proved(good, now) && budget.take_proved(good, now).is_some(), "{days}");
        }
        assert!(!budget.is_proved(good, after(30 * 86_400)));
        assert!(!budget.is_proved(budget.visit("another host", "good"), NOW));
        let asked = (0..10_000).filter(|_| budget.take_proved(good, NOW).is_some()).count();
        assert_eq!(asked, 600, "ten times as many as of what is new, half of them at once");
    }

    #[test]
    fn an_ask_that_was_turned_away_elsewhere_costs_nothing_and_may_come_again() {
        let budget = Budget::new(PER_MINUTE);
        for i in 0..1_000 {
            if let Some(charge) = budget.take(budget.visit("host", &i.to_string()), NOW) {
                budget.turn_away(charge, NOW);
            }
        }
        assert_eq!((0..1_000).filter(|i| charge(&budget, &format!("other {i}"), NOW).is_some()).count(), 45);
        assert_eq!((0..1_000).filter(|i| charge(&budget, &i.to_string(), NOW).is_some()).count(), 15);
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        let budget = Budget::new(PER_MINUTE);
        while charge(&budget, "a", NOW).is_some() {}
        assert!(charge(&budget, "a", UnixTime(NOW.0 - 30)).is_none());
        assert!(charge(&budget, "a", UnixTime(NOW.0 - 86_400)).is_some());
    }
}
