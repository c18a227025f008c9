//! The books checked as a whole: what threats.md calls "what the ledger must satisfy at every commit", and `croupier ledger verify`.

mod asked;
mod facts;
mod kept;
mod newest;
mod orders;
mod telling;
mod told;
mod walk;
mod wallet;

use serde::Serialize;

use crate::db::{self, DbConn};
use crate::error::Error;
use crate::ledger;
use crate::marks::Mark;

pub use newest::{newest, size};
pub use walk::Walk;

/// What the check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether everything holds.
    pub ok: bool,
    /// Journal entries.
    pub entries: i64,
    /// Their postings, two each.
    pub postings: i64,
    /// Players.
    pub players: i64,
    /// Rows of the audit.
    pub audit_rows: i64,
    /// What does not hold, the first bad row of each kind first; at most 100.
    pub problems: Vec<String>,
    /// Where everything ends.
    #[serde(skip)]
    pub mark: Mark,
}

impl Report {
    /// What is said of books that cannot be read at all.
    pub fn unreadable(reason: &str) -> Self {
        let start = (0, ledger::chain_start());
        let problems = vec![reason.to_owned()];
        let mark = Mark { ledger: start, audit: start, event: None };
        Self { ok: false, entries: 0, postings: 0, players: 0, audit_rows: 0, problems, mark }
    }

    /// Adds what was found elsewhere.
    pub fn add(&mut self, problems: Vec<String>) {
        self.problems.extend(problems);
        self.problems.truncate(MOST_PROBLEMS);
        self.ok = self.problems.is_empty();
    }
}

/// Problems named at most; a damaged ledger would otherwise name every row.
const MOST_PROBLEMS: usize = 100;

/// Checks everything in one read transaction, so that a running service does not disturb it. `progress` is told how many
/// entries have been read.
///
/// # Errors
///
/// What the database says; what does not hold is in the report.
pub fn verify(conn: &mut DbConn, mut progress: impl FnMut(i64)) -> Result<Report, Error> {
    db::snapshot(conn, |conn| {
        let mut walk = Walk::of_one_moment();
        while walk.step(conn)? {
            progress(walk.entries());
        }
        walk.report(conn)
    })
}
