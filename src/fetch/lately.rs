//! What happened within the last minutes, as bits: nobody can push anything out by adding more.

use std::mem;
use std::time::Duration;

use crate::clock::UnixTime;

/// How many bits stand for one entry.
const PER_ENTRY: u64 = 8;

/// How far apart the times of two requests may be that are handled at once, in seconds.
const REORDER: i64 = 60;

/// A set of hashes that forgets: an entry stays for one period at least and for three at most. It may hold an entry that
/// was never added, and it never loses one early, however many are added.
///
/// Two generations of a Bloom filter, which take memory only once something was added. With 40 bits for each entry of a
/// generation one in a million others is taken for an entry, with four bits one in six. Hashes must be made with a secret, so
/// that nobody can choose which bits are set.
pub(super) struct Lately {
    period: Duration,
    /// The bits of one generation, as a power of two.
    size: u32,
    began: UnixTime,
    current: Vec<u64>,
    previous: Vec<u64>,
}

impl Lately {
    /// Nothing yet; `size` is the power of two that the bits of one generation are.
    pub(super) fn new(period: Duration, size: u32) -> Self {
        Lately { period, size, began: UnixTime(0), current: Vec::new(), previous: Vec::new() }
    }

    pub(super) fn add(&mut self, hash: u64, now: UnixTime) {
        self.turn(now);
        if self.current.is_empty() {
            self.current = vec![0; 1 << self.size.saturating_sub(6)];
        }
        for (word, bit) in places(hash, self.size) {
            if let Some(word) = self.current.get_mut(word) {
                *word |= bit;
            }
        }
    }

    pub(super) fn contains(&mut self, hash: u64, now: UnixTime) -> bool {
        self.turn(now);
        let size = self.size;
        let all_set =
            |bits: &[u64]| places(hash, size).all(|(word, bit)| bits.get(word).is_some_and(|word| word & bit != 0));
        all_set(&self.current) || all_set(&self.previous)
    }

    /// Begins a generation if the last one is over, or if the clock was set back.
    fn turn(&mut self, now: UnixTime) {
        let period = self.period.as_secs().cast_signed();
        let age = now.since(self.began);
        if (-REORDER..period).contains(&age) {
            return;
        }
        let ended = mem::take(&mut self.current);
        self.previous = if (period..2 * period).contains(&age) { ended } else { Vec::new() };
        self.began = now;
    }
}

/// The words and bits that stand for an entry.
fn places(hash: u64, size: u32) -> impl Iterator<Item = (usize, u64)> {
    let step = hash.rotate_left(32) | 1;
    (0..PER_ENTRY).map(move |turn| {
        // The upper bits of the product: the lower ones of an odd step would come round too evenly.
        let place = hash.wrapping_add(turn.wrapping_mul(step)) >> (64 - size);
        ((place / 64) as usize, 1 << (place % 64))
    })
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, RandomState};

    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_entry_stays_for_a_period_and_not_for_ever() {
        let mut lately = Lately::new(MINUTE, 23);
        assert!(!lately.contains(7, NOW));
        for start in [NOW, NOW + 10 * MINUTE, NOW - 100 * MINUTE] {
            lately.add(7, start + MINUTE / 2);
            assert!(lately.contains(7, start + MINUTE / 2));
            assert!(lately.contains(7, start + MINUTE + MINUTE / 2));
            assert!(!lately.contains(7, start + 5 * MINUTE));
        }
    }

    #[test]
    fn a_clock_a_little_behind_forgets_nothing() {
        let mut lately = Lately::new(MINUTE, 23);
        lately.add(7, NOW);
        assert!(lately.contains(7, NOW - Duration::from_secs(5)));
        assert!(lately.contains(7, NOW));
    }

    /// The point of it: a flood does not make room for itself.
    #[test]
    fn no_number_of_others_pushes_an_entry_out_or_stands_for_many_that_were_never_added() {
        let hasher = RandomState::new();
        let mut lately = Lately::new(MINUTE, 23);
        lately.add(hasher.hash_one("the one"), NOW);
        for other in 0..200_000_u32 {
            lately.add(hasher.hash_one(other), NOW);
        }
        assert!(lately.contains(hasher.hash_one("the one"), NOW));
        let wrong = (0..200_000_u32).filter(|other| lately.contains(hasher.hash_one(("never", other)), NOW)).count();
        assert!(wrong < 20, "{wrong} of 200,000");
    }
}
