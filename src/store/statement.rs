//! A statement with its arguments, and the two column types that both databases share.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Row as _};

use super::error::Error;

/// One statement with its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Stmt {
    sql: &'static str,
    args: Vec<Arg>,
}

/// The two types that both databases agree on.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Text(String),
    Int(i64),
}

impl Stmt {
    pub(super) fn new(sql: &'static str, args: impl IntoIterator<Item = Arg>) -> Self {
        Stmt { sql, args: args.into_iter().collect() }
    }

    pub(super) fn query(self) -> Query<'static, Any, AnyArguments> {
        self.args.into_iter().fold(sqlx::query(self.sql), |query, arg| match arg {
            Arg::Text(text) => query.bind(text),
            Arg::Int(int) => query.bind(int),
        })
    }
}

/// Turns domain types into arguments: `args![id, now, "text"]`.
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::store::statement::Arg::from($value)),*] };
}
pub(crate) use args;

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Arg::Text(text)
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Arg::Text(text.to_owned())
    }
}

impl From<i64> for Arg {
    fn from(int: i64) -> Self {
        Arg::Int(int)
    }
}

impl From<crate::clock::UnixTime> for Arg {
    fn from(time: crate::clock::UnixTime) -> Self {
        Arg::Int(time.0)
    }
}

impl From<crate::oauth::grant::RowId> for Arg {
    fn from(id: crate::oauth::grant::RowId) -> Self {
        Arg::Int(id.0)
    }
}

impl From<&crate::oauth::token::TokenHash> for Arg {
    fn from(hash: &crate::oauth::token::TokenHash) -> Self {
        Arg::Text(hash.as_str().to_owned())
    }
}

/// A TEXT column.
pub(super) fn text(row: &AnyRow, column: &'static str) -> Result<String, Error> {
    Ok(row.try_get(column)?)
}

/// A BIGINT column.
pub(super) fn int(row: &AnyRow, column: &'static str) -> Result<i64, Error> {
    Ok(row.try_get(column)?)
}

/// A BIGINT column that holds a time.
pub(super) fn time(row: &AnyRow, column: &'static str) -> Result<crate::clock::UnixTime, Error> {
    int(row, column).map(crate::clock::UnixTime)
}
