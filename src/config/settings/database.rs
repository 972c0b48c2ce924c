//! `database`.

use std::path::PathBuf;

use secrecy::SecretString;

/// Where the data is.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// A file, created when missing.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, with its password.
    Postgres(SecretString),
}
