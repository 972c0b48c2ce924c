//! The families with late repeats of a refresh, to tell a thief from a client that lost an answer.

use crate::oauth::grant::GrantId;

/// How many families are remembered; the latest ones stay.
const REMEMBERED: u64 = 10_000;

/// By family, the generation whose predecessor was repeated late. For this process and for the log only.
pub(crate) struct Repeats(moka::sync::Cache<GrantId, i64>);

impl Repeats {
    pub(crate) fn new() -> Self {
        Repeats(moka::sync::Cache::new(REMEMBERED))
    }

    /// Notes a late repeat in this generation. Returns whether the generation before had one too.
    pub(crate) fn note(&self, family: GrantId, generation: i64) -> bool {
        let before = self.0.get(&family);
        // A third request in the same generation must not hide that two generations in a row had one.
        if before.is_none_or(|before| before < generation) {
            self.0.insert(family, generation);
        }
        before == Some(generation - 1)
    }
}
