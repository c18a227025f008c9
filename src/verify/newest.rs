//! What can be known of large books in the time of a start: their newest part, and what is about to leave them.

use diesel::dsl::max;
use diesel::prelude::*;

use super::{MOST_PROBLEMS, asked, orders, telling, wallet};
use crate::db::schema::events;
use crate::db::{self, DbConn};
use crate::error::Error;
use crate::ledger::{self, verify};
use crate::staff::audit;

/// Entries at the end of the chain. A crash can harm only what was written last; this is far more than the write-ahead log of a file or
/// the batches of all lanes can hold, and takes a tenth of a second.
const ENTRIES: i64 = 20_000;

/// Payouts, deposits and transactions of the game server, of each the newest.
const ORDERS: i64 = 1_000;

/// An audit of this length is checked as a whole; it has a row for each thing that staff did.
const AUDIT_ROWS: i64 = 20_000;

/// How large the books are: entries and events, which are numbered without gaps. A deposit that nobody pays has no entry, but an event.
///
/// # Errors
///
/// What the database says.
pub fn size(conn: &mut DbConn) -> Result<i64, Error> {
    let events: Option<i64> = events::table.select(max(events::id)).first(conn)?;
    Ok(ledger::head(conn)?.0 + events.unwrap_or(0))
}

/// Checks the newest entries and orders, every balance against the others, and the payouts that are about to be sent. Takes the same time
/// however long the journal is; the accounts are read. Returns what does not hold.
///
/// # Errors
///
/// What the database says.
pub fn newest(conn: &mut DbConn) -> Result<Vec<String>, Error> {
    db::snapshot(conn, |conn| {
        let mut problems = verify::newest(conn, ENTRIES)?;
        orders::newest_payouts(conn, ORDERS, &mut problems)?;
        orders::newest_deposits(conn, ORDERS, &mut problems)?;
        wallet::newest(conn, ORDERS, &mut problems)?;
        asked::intents(conn, &mut problems)?;
        telling::pushes(conn, &mut problems)?;
        telling::protection(conn, &mut problems)?;
        if audit::head(conn)?.0 <= AUDIT_ROWS {
            problems.extend(audit::verify(conn)?.problems);
        }
        problems.truncate(MOST_PROBLEMS);
        Ok(problems)
    })
}
