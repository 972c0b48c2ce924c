//! The database: SQLite by default, PostgreSQL where there is more than one machine, the same SQL for both.
//!
//! Owns every SQL statement and the only `use` of sqlx; one file for each table, with methods named by what they mean in
//! the protocol. A decision is one guarded statement; a unit of several begins with one. `now` is an argument, SQL has no
//! clock. Secrets arrive as hashes or sealed.
//!
//! No request holds a connection. All writes go through one [`door`], in tasks of its own, and are answered only after
//! their commit; reads run in tasks that own their [connection](connections), and those by which replicas learn of each
//! other have [one to themselves](watch). [`request`] says what a request that is dropped leaves behind.

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
