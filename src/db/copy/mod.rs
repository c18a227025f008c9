//! Whole databases: copied from a file to a server, taken back, kept in a backup, restored.
//!
//! Rows travel as JSON, page by page in the order of their primary key, so that memory does not grow with the books.

mod backup;
mod compare;
mod from_file;
mod moving;
mod on_server;
mod restore;
mod tables;

use std::ops::ControlFlow;

pub use backup::{Header, Kind, back_up, inspect};
pub use compare::{Balance, Counted, Heads, Report};
pub use moving::{Move, take_back};
pub use restore::{Staged, check, check_free, hold, load_lines, open_restored, put_in_place, stage};

/// Why a copy, a backup or a restore did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// It may not be done, or what was found is not what it must be. A sentence for the operator.
    #[error("{0}")]
    Refused(String),
    /// A database said no.
    #[error("database: {0}")]
    Database(#[from] diesel::result::Error),
    /// A database could not be opened.
    #[error("{0}")]
    Open(#[from] super::OpenError),
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// Whoever was told of a step wanted no more.
    #[error("stopped")]
    Stopped,
}

impl CopyError {
    pub(super) fn refused(text: impl Into<String>) -> Self {
        CopyError::Refused(text.into())
    }
}

/// How far it is. Each is told after it is durable where it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Rows of a table are in the target, and so is the note of how far it came.
    Copied {
        /// Its name.
        table: &'a str,
        /// Rows so far.
        rows: i64,
        /// Rows in all.
        of: i64,
    },
    /// Rows of a table were read again to be compared or checked.
    Checked {
        /// Its name.
        table: &'a str,
        /// Rows so far.
        rows: i64,
        /// Rows in all.
        of: i64,
    },
    /// The target holds everything and may not be used yet; it will not send by itself.
    TargetHeld,
    /// The source may not be used any more.
    SourceClosed,
    /// On the way back: the target may not be used any more.
    TargetClosed,
    /// The target may be used.
    TargetOpened,
}

/// Told of every step; `Break` stops there, as a kill would.
pub type Tell<'a> = dyn FnMut(Step<'_>) -> ControlFlow<()> + 'a;

fn told(tell: &mut Tell<'_>, step: Step<'_>) -> Result<(), CopyError> {
    match tell(step) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(CopyError::Stopped),
    }
}

/// Rows read at once, at most. More need more memory, fewer take longer.
const PAGE: i64 = 2_000;

/// Bytes of rows that are read at once, at most, besides one row.
const PAGE_BYTES: usize = 4 << 20;

/// Rows in the order of their key, each as a JSON object.
#[derive(Debug, Default)]
struct Page {
    rows: Vec<String>,
    /// The key of the last one, a JSON array.
    last: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    key: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

#[derive(diesel::QueryableByName)]
struct Word {
    #[diesel(sql_type = diesel::sql_types::Text)]
    word: String,
}

/// Where rows can be read in order.
trait Home {
    /// The columns of a table, in order.
    fn columns(&mut self, table: &str) -> diesel::QueryResult<Vec<String>>;
    /// How many rows there are.
    fn count(&mut self, table: &str) -> diesel::QueryResult<i64>;
    /// The rows after the one with the key `after`.
    fn page(&mut self, table: &tables::Table, after: Option<&str>) -> Result<Page, CopyError>;
    /// Balances of each kind of account and currency, in the order of their bytes.
    fn balances(&mut self) -> diesel::QueryResult<Vec<Balance>>;
    /// Where everything that only grows ends.
    fn heads(&mut self) -> diesel::QueryResult<Heads>;
    /// A word of the database about itself.
    fn meta(&mut self, name: &str) -> diesel::QueryResult<Option<String>>;
    /// The names of all tables.
    fn tables(&mut self) -> diesel::QueryResult<Vec<String>>;
}

/// Refuses when there is a table that nobody copies: a mistake of whoever added it, found before anything is lost.
fn check_all_known(home: &mut dyn Home) -> Result<(), CopyError> {
    let known = |name: &String| tables::named(name).is_some() || tables::APART.contains(&name.as_str());
    match home.tables()?.into_iter().find(|name| !known(name)) {
        Some(name) => Err(CopyError::refused(format!("table {name} is not known to the copy: please report it"))),
        None => Ok(()),
    }
}
