//! What a person may see and do: where pushes stand, what was answered, once more, resume. Runs beside the service.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::queue::{self, Endpoint, Turn, Waiting, player_of};
use crate::clock::Micros;
use crate::db::schema::{event_attempts, event_queue, events};
use crate::db::{DbConn, WriteTx};
use crate::error::Error;
use crate::events::{self as log, feed};

pub use super::queue::AttemptRow as Attempt;

/// Where pushes stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The endpoint; `None`: nothing was ever pushed.
    pub endpoint: Option<Endpoint>,
    /// The number of the newest event.
    pub newest: i64,
    /// Events that wait apart from the others.
    pub queued: i64,
    /// Events that were given up.
    pub dead: i64,
    /// When the last delivery began.
    pub last_delivery_at: Option<Micros>,
}

/// How an event waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// How often it was refused.
    pub refusals: i64,
    /// Not before this; `None` when it was given up.
    pub due_at: Option<Micros>,
    /// Given up.
    pub dead: bool,
}

/// Where pushes stand.
///
/// # Errors
///
/// What the database says.
pub fn status(conn: &mut DbConn) -> QueryResult<Status> {
    let (queued, dead) = queue::counts(conn)?;
    let last_delivery_at = event_attempts::table
        .filter(event_attempts::outcome.eq("delivered"))
        .select(diesel::dsl::max(event_attempts::started_at))
        .first(conn)?;
    Ok(Status { endpoint: queue::endpoint(conn)?, newest: log::newest(conn)?, queued, dead, last_delivery_at })
}

/// Every push of an event, oldest first.
///
/// # Errors
///
/// What the database says.
pub fn attempts(conn: &mut DbConn, event: i64) -> QueryResult<Vec<Attempt>> {
    event_attempts::table
        .filter(event_attempts::event_id.eq(event))
        .order(event_attempts::id)
        .select(Attempt::as_select())
        .load(conn)
}

/// How an event waits, when it does.
///
/// # Errors
///
/// What the database says.
pub fn queued(conn: &mut DbConn, event: i64) -> QueryResult<Option<Queued>> {
    let row = event_queue::table.find(event).select(Waiting::as_select()).first(conn).optional()?;
    let Some(Waiting { player, refusals, dead, .. }) = row else { return Ok(None) };
    let due_at = if dead { None } else { queue::turn(conn, player)? };
    Ok(Some(Queued { refusals, due_at, dead }))
}

/// Up to `limit` events after `after` that happened in a span of time and are behind the position: later ones come anyway.
///
/// # Errors
///
/// What the database says.
pub fn between(
    conn: &mut DbConn,
    after: i64,
    since: Micros,
    until: Option<Micros>,
    limit: i64,
) -> QueryResult<Vec<i64>> {
    let position = queue::endpoint(conn)?.map_or(0, |endpoint| endpoint.position);
    events::table
        .filter(events::id.gt(after))
        .filter(events::id.le(position))
        .filter(events::at.ge(since))
        .filter(events::at.lt(until.unwrap_or(Micros::MAX)))
        .order(events::id)
        .limit(limit)
        .select(events::id)
        .load(conn)
}

/// Queues events once more, those given up too; whatever waits of their players is due now, in order. Says how many: events that were
/// not pushed for the first time yet come anyway and are not counted.
///
/// # Errors
///
/// What the database says.
pub fn push_again(tx: &mut WriteTx<'_>, places: &[i64], at: Micros) -> Result<usize, Error> {
    let position = queue::locked_endpoint(tx)?.map_or(0, |endpoint| endpoint.position);
    let mut players = BTreeSet::new();
    let mut new_rows = Vec::new();
    let mut count = 0;
    for entry in feed::entries_at(tx.read()?, places)? {
        let (event_id, player) = (entry.event.id, player_of(&entry.event));
        if event_id > position {
            continue;
        }
        let row = Waiting { event_id, player, refusals: 0, queued_at: at, dead: false };
        if queue::update(tx, &row)? == 0 {
            new_rows.push(row);
        }
        players.insert(player);
        count += 1;
    }
    queue::add(tx, &new_rows)?;
    for player in players {
        queue::set_turn(tx, &Turn { player, due_at: at })?;
    }
    Ok(count)
}

/// Ends a pause and every wait: the next round tries all that is left. Says whether there was anything to push to.
///
/// # Errors
///
/// What the database says.
pub fn resume(tx: &mut WriteTx<'_>, at: Micros) -> Result<bool, Error> {
    let Some(endpoint) = queue::locked_endpoint(tx)? else { return Ok(false) };
    queue::save_endpoint(tx, &endpoint.healthy())?;
    queue::hasten(tx, at)?;
    Ok(true)
}
