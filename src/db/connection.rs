//! The one connection type the whole crate uses, opened where the settings say.

use diesel::prelude::*;

use super::place::Place;
use super::{OpenError, postgres, sqlite};

/// A connection to either of the two homes. What is written on it outside this module must be fit for both.
#[derive(diesel::MultiConnection)]
pub enum DbConn {
    /// A file of our own.
    Sqlite(SqliteConnection),
    /// A database on a server.
    Postgres(PgConnection),
}

impl DbConn {
    /// Whether others may write to the same books at the same time: other lanes, other instances.
    pub fn is_shared(&self) -> bool {
        match self {
            DbConn::Sqlite(_) => false,
            DbConn::Postgres(_) => true,
        }
    }
}

/// Runs a query on the home's own connection. Through [`DbConn`] Diesel writes the text of a query anew at every use, although it has it
/// prepared; for what every request asks that is most of its cost. A macro, because a query's type names its backend.
macro_rules! at_home {
    ($conn:expr, |$home:ident| $query:expr) => {
        match $conn {
            $crate::db::DbConn::Sqlite($home) => $query,
            $crate::db::DbConn::Postgres($home) => $query,
        }
    };
}
pub(crate) use at_home;

/// Opens a connection that may write. Creates a file that is missing, never its directory, and never a database on a server.
///
/// # Errors
///
/// Says what is wrong, for the operator.
pub fn connect(place: &Place) -> Result<DbConn, OpenError> {
    match place {
        Place::Sqlite(path) => sqlite::connect(path).map(DbConn::Sqlite),
        Place::Postgres(url) => postgres::connect(url, &place.shown()).map(DbConn::Postgres),
    }
}

/// Opens a connection that only reads what exists, beside a running service or without one.
///
/// # Errors
///
/// Says what is wrong, for the operator.
pub fn connect_read_only(place: &Place) -> Result<DbConn, OpenError> {
    match place {
        Place::Sqlite(path) => sqlite::connect_read_only(path).map(DbConn::Sqlite),
        Place::Postgres(url) => postgres::connect_read_only(url, &place.shown()).map(DbConn::Postgres),
    }
}

/// Like [`connect_read_only`], for work that reads each row once and should not take much memory.
///
/// # Errors
///
/// Says what is wrong, for the operator.
pub fn connect_to_read_once(place: &Place) -> Result<DbConn, OpenError> {
    match place {
        Place::Sqlite(path) => sqlite::connect_to_read_once(path).map(DbConn::Sqlite),
        Place::Postgres(_) => connect_read_only(place),
    }
}
