//! How many connections there may be, and what is logged when they or the descriptors run out.

use std::io;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

use super::options::Options;

/// Descriptors that are kept for all else: the listener, the database, providers, documents, files.
const SPARE: usize = 128;

/// The fewest connections, however low the limit of descriptors is.
const LEAST: usize = 16;

/// Raises this process's soft limit of open files to its hard one. The program calls it when it starts; a library changes
/// nothing of its process by itself. Returns the limit; `None` if there is none.
pub fn raise_descriptor_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some() && current != maximum {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
        if let Err(error) = raised {
            tracing::warn!(%error, "the limit of open files could not be raised");
        }
    }
    getrlimit(Resource::Nofile).current
}

/// The most connections by these options and this process's limit of descriptors. Says so if the limit is the lower one.
pub(super) fn connections(options: &Options) -> usize {
    let descriptors = getrlimit(Resource::Nofile).current;
    let most = most(options, descriptors);
    if most < options.connections {
        tracing::warn!(
            "at most {most} connections, and not {} as limits.connections says: this process may open only {} files, and \
             {} of them are kept for other things; raise the limit (LimitNOFILE= of systemd, `ulimit -n` of a shell)",
            options.connections,
            descriptors.unwrap_or_default(),
            SPARE + options.reserved,
        );
    }
    most
}

fn most(options: &Options, descriptors: Option<u64>) -> usize {
    let descriptors = descriptors.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let most = descriptors.saturating_sub(SPARE).saturating_sub(options.reserved);
    options.connections.min(most.max(LEAST))
}

/// Whether a connection was not accepted because this process or the whole system has no descriptor for it.
pub(super) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// Counts what happens often, to be logged once a minute.
#[derive(Debug, Default)]
pub(super) struct Tally {
    count: u64,
    /// When it may be logged again.
    next: Option<Instant>,
}

impl Tally {
    const INTERVAL: Duration = Duration::from_secs(60);

    pub(super) fn add(&mut self) {
        self.count += 1;
    }

    /// How often it has happened since it was last logged, if that is due.
    pub(super) fn due(&mut self, now: Instant) -> Option<u64> {
        if self.count == 0 || self.next.is_some_and(|next| now < next) {
            return None;
        }
        self.next = Some(now + Tally::INTERVAL);
        Some(std::mem::take(&mut self.count))
    }

    /// When it is due; `None` if nothing happened.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next.filter(|_| self.count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_bound_the_connections() {
        let with = |connections, reserved, descriptors| {
            most(&Options { connections, reserved, ..Options::default() }, descriptors)
        };
        assert_eq!(with(4096, 0, None), 4096);
        assert_eq!(with(4096, 0, Some(1_073_741_816)), 4096);
        assert_eq!(with(4096, 0, Some(4224)), 4096);
        assert_eq!(with(4096, 0, Some(4223)), 4095);
        assert_eq!(with(4096, 200, Some(1024)), 696, "less what mounts may hold");
        assert_eq!(with(4096, 0, Some(200)), 72);
        assert_eq!(with(4096, 5000, Some(1024)), 16);
        assert_eq!(with(16, 0, Some(50)), 16);
    }

    #[test]
    fn what_happens_often_is_told_at_once_and_then_once_a_minute_with_its_number() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut tally = Tally::default();
        assert_eq!(tally.due(at(0)), None);
        tally.add();
        assert_eq!(tally.due(at(0)), Some(1));
        assert_eq!(tally.next(), None);
        (0..500).for_each(|_| tally.add());
        assert_eq!((tally.due(at(59)), tally.next()), (None, Some(at(60))));
        assert_eq!(tally.due(at(60)), Some(500));
        assert_eq!(tally.due(at(300)), None);
    }
}
