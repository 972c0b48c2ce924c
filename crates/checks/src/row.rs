//! A row of the table: one requirement with its source and its check.

use std::pin::Pin;

use crate::bench::Bench;
use crate::source::{Level, Source};

/// A check under way, on one thread.
type Checking<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

type Check = Box<dyn for<'a> Fn(&'a Bench) -> Checking<'a>>;

/// One requirement.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) source: Source,
    pub(crate) level: Level,
    pub(crate) requirement: &'static str,
    pub(crate) check: Check,
}

impl Source {
    /// What an implementation is bound to do.
    pub(crate) fn must<F>(self, id: &'static str, requirement: &'static str, check: F) -> Row
    where
        F: AsyncFn(&Bench) -> anyhow::Result<()> + Copy + 'static,
    {
        Row { id, source: self, level: Level::Must, requirement, check: boxed(check) }
    }

    /// What an implementation does unless there is a good reason.
    pub(crate) fn should<F>(self, id: &'static str, requirement: &'static str, check: F) -> Row
    where
        F: AsyncFn(&Bench) -> anyhow::Result<()> + Copy + 'static,
    {
        Row { id, source: self, level: Level::Should, requirement, check: boxed(check) }
    }

    /// What an implementation may do, and the subject does.
    pub(crate) fn may<F>(self, id: &'static str, requirement: &'static str, check: F) -> Row
    where
        F: AsyncFn(&Bench) -> anyhow::Result<()> + Copy + 'static,
    {
        Row { id, source: self, level: Level::May, requirement, check: boxed(check) }
    }
}

fn boxed<F>(check: F) -> Check
where
    F: AsyncFn(&Bench) -> anyhow::Result<()> + Copy + 'static,
{
    Box::new(move |bench| Box::pin(async move { check(bench).await }))
}
