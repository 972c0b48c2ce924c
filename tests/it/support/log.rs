//! What is logged in the thread of a test: that of a test's own runtime, with all its tasks.

use std::io;
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;

/// The filter of the program, if nobody sets JEAN_LOG.
const DEFAULT: &str = "warn,jean=info";

/// Catches log lines until it is dropped.
pub(crate) struct Log {
    text: Text,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// What the program logs by default.
    pub(crate) fn new() -> Self {
        Log::with(DEFAULT)
    }

    /// What the program logs with this in JEAN_LOG.
    pub(crate) fn with(filter: &str) -> Self {
        // With a single subscriber, tracing decides whether a line is wanted at all by the thread that comes to it first,
        // which may be another test's, without one.
        static SECOND: Once = Once::new();
        SECOND.call_once(|| {
            let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::new());
        });
        let text = Text::default();
        let writer = text.clone();
        let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_ansi(false).without_time();
        let log = log.with_writer(move || writer.clone()).finish();
        Log { text, _guard: tracing::subscriber::set_default(log) }
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// The lines so far, which are then forgotten.
    pub(crate) fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.text.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).lines().map(|line| line.trim().to_owned()).collect()
    }

    /// The lines that contain a word.
    pub(crate) fn lines_with(&self, word: &str) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
    }
}
