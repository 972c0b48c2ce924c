//! Watches the SQLite file: if it is replaced or deleted while the server runs, writes go into a file that no process can
//! open again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// The file as it was opened.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    identity: Option<Identity>,
    /// Whether the last check found another file, or none.
    is_missed: AtomicBool,
    gone: watch::Sender<bool>,
}

/// What tells two files apart: device and inode.
type Identity = (u64, u64);

impl DatabaseFile {
    /// The file at `path`, which SQLite has opened.
    pub(super) fn opened(path: PathBuf) -> io::Result<Self> {
        let identity = identity(&path)?;
        Ok(DatabaseFile { path, identity, is_missed: AtomicBool::new(false), gone: watch::Sender::new(false) })
    }

    /// Whether the file at the path is the one that was opened. Never opens the file: closing any descriptor of it would
    /// drop the locks of SQLite's own connections (<https://sqlite.org/howtocorrupt.html>, section 2.2).
    pub(super) fn is_at_its_path(&self) -> bool {
        match identity(&self.path) {
            Ok(found) => found == self.identity,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Checks the path. The file counts as gone after two misses in a row, since some tools move a file aside for a moment.
    pub(super) fn verify(&self) {
        let is_there = self.is_at_its_path();
        if !is_there && self.is_missed.load(Ordering::Acquire) {
            self.gone.send_if_modified(|gone| !std::mem::replace(gone, true));
        }
        self.is_missed.store(!is_there, Ordering::Release);
    }

    /// Whether it was replaced or deleted.
    pub(super) fn is_gone(&self) -> bool {
        *self.gone.borrow()
    }

    /// Resolves when it was replaced or deleted, with its path.
    pub(super) async fn gone(&self) -> PathBuf {
        let mut gone = self.gone.subscribe();
        let _ = gone.wait_for(|gone| *gone).await;
        self.path.clone()
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).map(|about| Some((about.dev(), about.ino())))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    std::fs::metadata(path).map(|_| None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> (tempfile::TempDir, DatabaseFile) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("jean.db");
        std::fs::write(&path, "data").expect("a file");
        let file = DatabaseFile::opened(path).expect("it is there");
        (folder, file)
    }

    #[test]
    fn a_file_that_is_written_to_stays_the_same() {
        let (_folder, file) = opened();
        std::fs::write(&file.path, "more data").expect("a file");
        file.verify();
        file.verify();
        assert!(!file.is_gone());
    }

    #[test]
    fn a_file_that_is_missed_twice_in_a_row_is_gone() {
        let (folder, file) = opened();
        let aside = folder.path().join("aside");
        std::fs::rename(&file.path, &aside).expect("moved");
        file.verify();
        assert!(!file.is_gone(), "once is nothing");
        std::fs::rename(&aside, &file.path).expect("moved back");
        file.verify();
        std::fs::write(&aside, "data").expect("a file");
        std::fs::rename(&aside, &file.path).expect("replaced");
        file.verify();
        assert!(!file.is_gone(), "once since it was there");
        file.verify();
        assert!(file.is_gone());
    }
}
