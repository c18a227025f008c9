//! The log of events on a server: what is committed gets its place in it just after the commit, so that nothing is ever put between two
//! events that somebody has read.

use diesel::prelude::*;

use super::log::{Event, newest};
use crate::db::schema::unsealed_events;
use crate::db::{DbConn, Row, WriteTx};
use crate::error::Error;

/// Events numbered in one transaction.
const AT_ONCE: i64 = 2_000;

/// Numbers what is committed and has no place in the log yet. Says whether there is more.
///
/// # Errors
///
/// What the database says; the transaction must not be committed then.
pub fn number(tx: &mut WriteTx<'_>) -> Result<bool, Error> {
    let conn = tx.conn()?;
    let mut waiting: Vec<Event> = unsealed_events::table.order(unsealed_events::id).limit(AT_ONCE).load(conn)?;
    if waiting.is_empty() {
        return Ok(false);
    }
    let ids: Vec<i64> = waiting.iter().map(|event| event.id).collect();
    let last = newest(conn)?;
    for (event, id) in waiting.iter_mut().zip(last + 1..) {
        event.id = id;
    }
    Event::insert_many(&waiting, conn)?;
    let taken = diesel::delete(unsealed_events::table.filter(unsealed_events::id.eq_any(&ids))).execute(conn)?;
    if taken != ids.len() {
        return Err(Error::Internal(format!("{taken} of {} events were still to be numbered", ids.len())));
    }
    Ok(i64::try_from(waiting.len()).is_ok_and(|count| count == AT_ONCE))
}

/// Whether an event waits for its place.
///
/// # Errors
///
/// What the database says.
pub fn is_unnumbered(conn: &mut DbConn) -> QueryResult<bool> {
    let first: Option<i64> = unsealed_events::table.select(unsealed_events::id).first(conn).optional()?;
    Ok(first.is_some())
}
