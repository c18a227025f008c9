//! What is told to others and what players were promised: the log of events, limits of players' own.

use diesel::dsl::{max, min};
use diesel::prelude::*;

use crate::db::DbConn;
use crate::db::schema::{events, player_limits, players};
use crate::error::Error;

/// Events are numbered from 1 without gaps: a reader that counts misses none.
pub(super) fn events(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
    let (first, last): (Option<i64>, Option<i64>) =
        events::table.select((min(events::id), max(events::id))).first(conn)?;
    let rows: i64 = events::table.count().get_result(conn)?;
    let (first, last) = (first.unwrap_or(1), last.unwrap_or(0));
    if first != 1 || last != rows {
        problems.push(format!("events: {rows} rows are numbered {first} to {last}: some are gone"));
    }
    Ok(())
}

/// A player with a limit of their own is known to have one, so that it is looked at.
pub(super) fn protection(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
    let forgotten: Option<i64> = players::table
        .inner_join(player_limits::table)
        .filter(players::limited.eq(false))
        .select(players::id)
        .order(players::id)
        .first(conn)
        .optional()?;
    if let Some(player) = forgotten {
        problems.push(format!("player {player}: a limit of their own is not looked at"));
    }
    Ok(())
}
