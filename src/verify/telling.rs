//! What is told to others and what players were promised: the log of events, limits of players' own.

use diesel::dsl::{max, min};
use diesel::prelude::*;

use crate::db::DbConn;
use crate::db::schema::{event_endpoint, events, player_limits, players, protection_log};
use crate::error::Error;
use crate::protection::exclusion::Kind;

/// Events are numbered from 1 without gaps: a reader that counts misses none. Pushes stand at one of them, or later ones would be
/// taken for pushed.
pub(super) fn events(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
    let (first, last): (Option<i64>, Option<i64>) =
        events::table.select((min(events::id), max(events::id))).first(conn)?;
    let rows: i64 = events::table.count().get_result(conn)?;
    let (first, last) = (first.unwrap_or(1), last.unwrap_or(0));
    if first != 1 || last != rows {
        problems.push(format!("events: {rows} rows are numbered {first} to {last}: some are gone"));
    }
    let position: Option<i64> = event_endpoint::table.select(event_endpoint::position).first(conn).optional()?;
    if let Some(position) = position.filter(|position| *position > last) {
        problems.push(format!("events: pushes stand at {position}, and the last event is {last}"));
    }
    Ok(())
}

/// A player with a limit of their own is known to have one, so that it is looked at. An exclusion ends by itself or never; nothing
/// takes it back.
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
    let lifted: Option<i64> = players::table
        .inner_join(protection_log::table)
        .filter(protection_log::act.eq_any([Kind::CoolOff, Kind::SelfExclusion].map(Kind::name)))
        .filter(players::excluded_until.is_null())
        .select(players::id)
        .order(players::id)
        .first(conn)
        .optional()?;
    if let Some(player) = lifted {
        problems.push(format!("player {player}: an exclusion is in the log and not in force"));
    }
    Ok(())
}
