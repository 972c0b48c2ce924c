//! The database: SQLite by default, PostgreSQL for several machines, with the same SQL for both.
//!
//! Has every SQL statement and the only `use` of sqlx: one file for each table, with methods named by their meaning in the
//! protocol. A decision is one guarded statement; a unit of several begins with one. `now` is always an argument: no SQL
//! reads a clock. Secrets arrive as hashes or sealed.
//!
//! No request holds a connection. All writes go through one [`door`], in tasks of its own, and return only after their
//! commit. Reads run in tasks that own their [connection](connections); reads of other replicas' changes have [a connection
//! of their own](watch). [`request`] decides what happens to the writes of a dropped request.

mod client;
mod connections;
mod consent;
mod database;
mod door;
mod error;
mod file;
mod grant;
mod jti;
mod key;
mod login;
mod open;
mod person;
mod replica;
mod request;
mod session;
mod statement;
mod watch;

pub(crate) use consent::Consent;
pub(crate) use database::Store;
pub(crate) use error::Error;
pub(crate) use grant::{
    FirstRefreshToken, Lifetimes, NewCode, NewGrant, OwnedGrant, Redemption, Revoked, Rotation, StoredGrant,
};
pub(crate) use key::StoredKey;
pub(crate) use login::{Bounds, LoginRow, Permission, Stage};
pub(crate) use person::{SignIn, SignedIn};
pub(crate) use request::{to_the_end, within};
