//! How long signed tokens may live, by all settings under which tokens were signed.
//!
//! A key stays published until no token that it signed can be valid. If an operator shortens `access_lifetime`, older tokens
//! still live as long as they were promised.

use std::time::Duration;

use crate::clock::UnixTime;

/// How long replicas with other settings may sign unnoticed: longer than a slow rollout of programs that do not check.
const ROLLOUT: Duration = Duration::from_secs(24 * 3600);

/// The lifetimes of signed tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignedLifetimes {
    /// The lifetime configured now.
    current: Duration,
    /// The longest lifetime that was configured before, here or at another replica.
    before: Duration,
    /// Until when tokens of that lifetime may be valid.
    until: UnixTime,
}

impl SignedLifetimes {
    /// The longest lifetime of any token that is signed now, or was signed and may be valid.
    pub(crate) fn longest(&self, now: UnixTime) -> Duration {
        if now < self.until { self.current.max(self.before) } else { self.current }
    }

    /// The lifetimes if `current` is configured from now on.
    pub(crate) fn with_configured(self, current: Duration, now: UnixTime) -> Self {
        let kept = if now < self.until { self } else { SignedLifetimes::default() };
        let mut next = SignedLifetimes { current, ..kept };
        if current < self.current {
            next.before = next.before.max(self.current);
            next.until = next.until.max(now + self.current + ROLLOUT);
        }
        next
    }

    /// The text for the database.
    pub(crate) fn to_text(self) -> String {
        format!("{} {} {}", self.current.as_secs(), self.before.as_secs(), self.until)
    }

    /// Parses the text of [`to_text`](Self::to_text).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(|number| number.parse::<u64>().ok());
        let mut next = || numbers.next().flatten();
        let (current, before, until) = (next()?, next()?, next()?);
        let until = UnixTime(i64::try_from(until).ok()?);
        Some(SignedLifetimes { current: Duration::from_secs(current), before: Duration::from_secs(before), until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const MINUTE: Duration = Duration::from_secs(60);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn a_shorter_lifetime_counts_when_the_tokens_of_before_are_over() {
        let long = SignedLifetimes::default().with_configured(30 * DAY, NOW);
        assert_eq!(long.longest(NOW), 30 * DAY);
        let short = long.with_configured(MINUTE, NOW);
        assert_eq!(short.longest(NOW), 30 * DAY);
        assert_eq!(short.longest(NOW + 30 * DAY), 30 * DAY);
        assert_eq!(short.longest(NOW + 31 * DAY), MINUTE);
    }

    #[test]
    fn the_longest_of_several_changes_counts() {
        let changes = [(30 * DAY, 0), (MINUTE, 1), (2 * DAY, 2), (MINUTE, 29), (DAY, 29), (MINUTE, 30)];
        let all = changes
            .iter()
            .fold(SignedLifetimes::default(), |all, (lifetime, day)| all.with_configured(*lifetime, NOW + *day * DAY));
        assert_eq!(all.longest(NOW + 31 * DAY), 30 * DAY);
        assert_eq!(all.longest(NOW + 33 * DAY), MINUTE);
        let later = all.with_configured(2 * MINUTE, NOW + 40 * DAY);
        assert_eq!(later, SignedLifetimes { current: 2 * MINUTE, ..SignedLifetimes::default() });
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let lifetimes = SignedLifetimes::default().with_configured(DAY, NOW).with_configured(MINUTE, NOW);
        assert_eq!(SignedLifetimes::parse(&lifetimes.to_text()), Some(lifetimes));
        for text in ["", "1", "1 2", "1 2 x", "-1 2 3", "1 2 99999999999999999999"] {
            assert_eq!(SignedLifetimes::parse(text), None, "{text}");
        }
    }
}
