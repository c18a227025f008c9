//! What is told to others and what players were promised: the log of events, limits of players' own.

use diesel::dsl::{max, min};
use diesel::prelude::*;

use crate::db::DbConn;
use crate::db::schema::{event_endpoint, events, player_limits, players, protection_log};
use crate::error::Error;
use crate::protection::exclusion::Kind;

/// Events counted at once.
const PAGE: i64 = 50_000;

/// The check of the log of events, a page at a time: numbered from 1 without gaps, so a reader that counts misses none.
#[derive(Default)]
pub(super) struct Events {
    checked: i64,
}

impl Events {
    /// Counts the next page. `false`: the end was reached.
    pub(super) fn step(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        // Asked apart: both at once would read the whole table in a file.
        let first: Option<i64> = events::table.select(min(events::id)).first(conn)?;
        let last: Option<i64> = events::table.select(max(events::id)).first(conn)?;
        let (first, last) = (first.unwrap_or(1), last.unwrap_or(0));
        let to = last.min(self.checked + PAGE);
        let rows: i64 =
            events::table.filter(events::id.gt(self.checked)).filter(events::id.le(to)).count().get_result(conn)?;
        if first != 1 || rows != to - self.checked {
            let from = self.checked + 1;
            problems.push(format!("events: {rows} rows are numbered {from} to {to}, the first {first}: some are gone"));
            return Ok(false);
        }
        self.checked = to;
        Ok(to < last)
    }
}

/// Pushes stand at an event that is there, or later ones would be taken for pushed.
pub(super) fn pushes(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
    let last: Option<i64> = events::table.select(max(events::id)).first(conn)?;
    let last = last.unwrap_or(0);
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
