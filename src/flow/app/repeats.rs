//! Which families had a refresh repeated late, to tell a thief from a client whose answer got lost.

use crate::oauth::grant::GrantId;

/// How many families are remembered; those that were noted last stay.
const REMEMBERED: u64 = 10_000;

/// By family, the generation whose predecessor was repeated late. Of this process alone, and only for the log.
pub(crate) struct Repeats(moka::sync::Cache<GrantId, i64>);

impl Repeats {
    /// Nothing remembered.
    pub(crate) fn new() -> Self {
        Repeats(moka::sync::Cache::new(REMEMBERED))
    }

    /// Notes a late repeat in this generation. Whether there was one in the generation before, too.
    pub(crate) fn note(&self, family: GrantId, generation: i64) -> bool {
        let before = self.0.get(&family);
        // A third request in the same generation does not make the row of two shorter.
        if before.is_none_or(|before| before < generation) {
            self.0.insert(family, generation);
        }
        before == Some(generation - 1)
    }
}
