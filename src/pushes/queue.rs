//! Where pushes stand, and the events that wait apart from the others: refused ones, what must not overtake them, and what a person
//! wants pushed once more.

use diesel::prelude::*;

use super::waits;
use crate::clock::Micros;
use crate::db::schema::{event_attempts, event_endpoint, event_queue, event_turns};
use crate::db::{DbConn, Row, WriteTx, insert_in_chunks};
use crate::events::Event;

/// Where pushes stand.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = event_endpoint, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Endpoint {
    /// Always 1: there is one.
    id: i64,
    /// Every event up to this one was delivered, given up, or waits in the queue.
    pub position: i64,
    /// How often it failed since it last took something.
    pub failures: i64,
    /// Since when it fails.
    pub failing_since: Option<Micros>,
    /// Not before this while it fails.
    pub next_try_at: Micros,
    /// Since when it is paused.
    pub paused_at: Option<Micros>,
}

impl Endpoint {
    /// One that has not failed yet, with everything up to `position` behind it.
    pub fn fresh(position: i64) -> Self {
        Self { id: 1, position, failures: 0, failing_since: None, next_try_at: 0, paused_at: None }
    }

    /// The same place, healthy.
    pub fn healthy(&self) -> Self {
        Self::fresh(self.position)
    }

    /// One more failure.
    pub fn failed(&self, at: Micros, percent: i64) -> Self {
        let failures = self.failures.saturating_add(1);
        // A time of a clock that went back since counts from now.
        let since = self.failing_since.unwrap_or(at).min(at);
        let paused_at = self.paused_at.or_else(|| waits::is_too_long(since, at).then_some(at));
        let rest = if paused_at.is_some() { waits::between_probes() } else { waits::after_failure(failures, percent) };
        Self { failures, failing_since: Some(since), next_try_at: at + rest, paused_at, ..*self }
    }
}

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = event_queue, treat_none_as_default_value = false)]
pub struct Waiting {
    /// Its number.
    pub event_id: i64,
    /// With whose events it keeps its order; see [`player_of`].
    pub player: i64,
    /// How often it was refused.
    pub refusals: i64,
    /// When it was queued, or queued again by a person.
    pub queued_at: Micros,
    /// Given up.
    pub dead: bool,
}

/// When the first of a player's events that wait may go. However many wait behind it, this one row is all that is written.
#[derive(Debug, Clone, PartialEq, Eq, Insertable)]
#[diesel(table_name = event_turns, treat_none_as_default_value = false)]
pub struct Turn {
    /// Whose; see [`player_of`].
    pub player: i64,
    /// Not before this.
    pub due_at: Micros,
}

/// A push, with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = event_attempts, treat_none_as_default_value = false)]
pub struct AttemptRow {
    /// Its number.
    pub id: i64,
    /// Of which event.
    pub event_id: i64,
    /// When.
    pub started_at: Micros,
    /// How long until the answer was there.
    pub took_micros: i64,
    /// The word of a [`waits::Outcome`].
    pub outcome: String,
    /// The answer's status, when there was an answer.
    pub http_status: Option<i64>,
    /// The beginning of its body, or why there is none.
    pub answer: String,
}

impl Row for AttemptRow {
    const ORDER: u8 = 61;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(event_attempts::table, rows, conn)
    }
}

/// With whose events this one keeps its order. One of no player keeps none: its own number below zero.
pub fn player_of(event: &Event) -> i64 {
    event.player_id.unwrap_or(-event.id)
}

/// Where pushes stand; `None` before the first one.
pub fn endpoint(conn: &mut DbConn) -> QueryResult<Option<Endpoint>> {
    event_endpoint::table.select(Endpoint::as_select()).first(conn).optional()
}

/// Where pushes stand, locked until the commit: nobody else who changes the queue or the endpoint does so meanwhile.
pub fn locked_endpoint(tx: &mut WriteTx<'_>) -> QueryResult<Option<Endpoint>> {
    let same = event_endpoint::position.eq(event_endpoint::position);
    diesel::update(event_endpoint::table.find(1)).set(same).execute(tx.conn()?)?;
    endpoint(tx.read()?)
}

/// Writes where pushes stand.
pub fn save_endpoint(tx: &mut WriteTx<'_>, endpoint: &Endpoint) -> QueryResult<()> {
    let conn = tx.conn()?;
    let changed = diesel::update(event_endpoint::table.find(1)).set(endpoint).execute(conn)?;
    if changed == 0 {
        diesel::insert_into(event_endpoint::table).values(endpoint).execute(conn)?;
    }
    Ok(())
}

/// Players whose turn has come, the longest due first.
pub fn due(conn: &mut DbConn, at: Micros, limit: i64) -> QueryResult<Vec<i64>> {
    let order = (event_turns::due_at, event_turns::player);
    let turns = || event_turns::table.select(event_turns::player).order(order);
    // Two reads along the index, where one with `or` would sort everybody who waits.
    let mut found = turns().filter(event_turns::due_at.le(at)).limit(limit).load(conn)?;
    let left = limit - i64::try_from(found.len()).unwrap_or(limit);
    if left > 0 {
        let too_late = turns().filter(event_turns::due_at.gt(waits::latest(at)));
        found.extend(too_late.limit(left).load::<i64>(conn)?);
    }
    Ok(found)
}

/// A player's events that wait, in order.
pub fn of_player(conn: &mut DbConn, player: i64, limit: i64) -> QueryResult<Vec<Waiting>> {
    event_queue::table
        .filter(event_queue::player.eq(player))
        .filter(event_queue::dead.eq(false))
        .order(event_queue::event_id)
        .limit(limit)
        .select(Waiting::as_select())
        .load(conn)
}

/// When the turn of a player comes; `None` when nothing waits.
pub fn turn(conn: &mut DbConn, player: i64) -> QueryResult<Option<Micros>> {
    event_turns::table.find(player).select(event_turns::due_at).first(conn).optional()
}

/// Those of these players whose events wait.
pub fn held_up(conn: &mut DbConn, players: &[i64]) -> QueryResult<Vec<i64>> {
    event_turns::table.filter(event_turns::player.eq_any(players)).select(event_turns::player).load(conn)
}

/// Gives a player a turn at this time, or none when nothing of theirs waits any more.
pub fn set_turn(tx: &mut WriteTx<'_>, turn: &Turn) -> QueryResult<()> {
    let conn = tx.conn()?;
    let turns = event_turns::table;
    if of_player(conn, turn.player, 1)?.is_empty() {
        diesel::delete(turns.find(turn.player)).execute(conn)?;
    } else {
        let known = diesel::update(turns.find(turn.player)).set(event_turns::due_at.eq(turn.due_at)).execute(conn)?;
        if known == 0 {
            diesel::insert_into(turns).values(turn).execute(conn)?;
        }
    }
    Ok(())
}

/// Ends the wait of everybody whose turn would come later than this.
pub fn hasten(tx: &mut WriteTx<'_>, at: Micros) -> QueryResult<usize> {
    let later = event_turns::table.filter(event_turns::due_at.gt(at));
    diesel::update(later).set(event_turns::due_at.eq(at)).execute(tx.conn()?)
}

/// Puts events into the queue that are not there.
pub fn add(tx: &mut WriteTx<'_>, rows: &[Waiting]) -> QueryResult<usize> {
    let conn = tx.conn()?;
    insert_in_chunks!(event_queue::table, rows, conn)
}

/// Takes an event out of the queue, unless a person has queued it again since it was seen like this.
pub fn remove(tx: &mut WriteTx<'_>, seen: &Waiting) -> QueryResult<usize> {
    let as_seen = event_queue::table
        .find(seen.event_id)
        .filter(event_queue::queued_at.eq(seen.queued_at))
        .filter(event_queue::refusals.eq(seen.refusals))
        .filter(event_queue::dead.eq(seen.dead));
    diesel::delete(as_seen).execute(tx.conn()?)
}

/// Writes how an event waits.
pub fn update(tx: &mut WriteTx<'_>, row: &Waiting) -> QueryResult<usize> {
    let set = (
        event_queue::refusals.eq(row.refusals),
        event_queue::queued_at.eq(row.queued_at),
        event_queue::dead.eq(row.dead),
    );
    diesel::update(event_queue::table.find(row.event_id)).set(set).execute(tx.conn()?)
}

/// How many events wait in the queue, and how many of it were given up.
pub fn counts(conn: &mut DbConn) -> QueryResult<(i64, i64)> {
    let of = |dead: bool| event_queue::table.filter(event_queue::dead.eq(dead)).count();
    Ok((of(false).get_result(conn)?, of(true).get_result(conn)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::DAY_MICROS;

    #[test]
    fn an_endpoint_that_fails_for_a_day_is_paused_once_and_healed_by_one_success() {
        let mut endpoint = Endpoint::fresh(7);
        let (start, mut at, mut tries) = (1_000 * DAY_MICROS, 1_000 * DAY_MICROS, 0);
        while endpoint.paused_at.is_none() {
            endpoint = endpoint.failed(at, 20);
            assert!(endpoint.next_try_at > at);
            at = endpoint.next_try_at;
            tries += 1;
        }

        let paused_at = endpoint.paused_at;
        assert!((start + DAY_MICROS..start + DAY_MICROS + 400_000_000).contains(&paused_at.unwrap()));
        assert!((250..350).contains(&tries), "{tries}");
        let later = endpoint.failed(at, 20);
        assert_eq!((later.paused_at, later.next_try_at), (paused_at, at + waits::between_probes()));
        assert_eq!(later.healthy(), Endpoint::fresh(7));
    }

    #[test]
    fn a_clock_that_went_back_does_not_pause() {
        let failing = Endpoint { failing_since: Some(5 * DAY_MICROS), failures: 1, ..Endpoint::fresh(0) };
        let later = failing.failed(2 * DAY_MICROS, 0);
        assert_eq!((later.failing_since, later.paused_at), (Some(2 * DAY_MICROS), None));
    }
}
