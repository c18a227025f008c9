//! What to send next: what is due of the queue, and the next events of the log. Only reads.
//!
//! The order of a player's events is kept here: whoever has events in the queue gets the next ones behind them.

use std::collections::{HashMap, HashSet};

use super::queue::{self, Endpoint, Waiting, player_of};
use super::waits::is_due;
use crate::clock::Micros;
use crate::db::DbConn;
use crate::error::Error;
use crate::events::feed::{self, Entry};

/// Events of the log in one round, and events of the queue. More, and a crash sends more of them twice and a round's commit takes longer;
/// fewer, and commits are the bound.
const WINDOW: usize = 128;

/// Events of the queue, and as many of the log, that a failing endpoint is tried with. More, and one that is down has more to refuse; fewer,
/// and a handful of events that it stumbles over pass for an endpoint that is down.
const PROBED: usize = 8;

/// An event to send.
#[derive(Debug, Clone)]
pub(super) struct Push {
    /// The event.
    pub entry: Entry,
    /// Its row in the queue; `None` when it comes from the log.
    pub queued: Option<Waiting>,
}

/// Events that go one after another.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Whose they are.
    pub player: i64,
    /// In order.
    pub pushes: Vec<Push>,
}

/// A round.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Where pushes stood when it was made.
    pub endpoint: Endpoint,
    /// What is sent, all groups at once.
    pub groups: Vec<Group>,
    /// Events of the log that wait behind others of their player.
    pub held: Vec<Waiting>,
    /// The last event of the log that is sent or held.
    pub position: i64,
    /// The last one that may be.
    horizon: i64,
}

/// What there is to do.
#[derive(Debug, Clone)]
pub(super) enum Look {
    /// Nothing was ever pushed.
    First,
    /// The endpoint failed and rests.
    Resting,
    /// Everything was delivered, or waits for its time.
    Nothing,
    /// A round.
    Send(Plan),
}

/// Looks for what to send next, up to the event numbered `horizon`.
///
/// # Errors
///
/// What the database says.
pub(super) fn look(conn: &mut DbConn, horizon: i64, at: Micros) -> Result<Look, Error> {
    let Some(endpoint) = queue::endpoint(conn)? else { return Ok(Look::First) };
    let position = endpoint.position;
    let mut plan = Plan { endpoint, groups: Vec::new(), held: Vec::new(), position, horizon };
    if plan.endpoint.failures == 0 {
        plan.take_due(conn, at, WINDOW)?;
        plan.take_new(conn, at, WINDOW)?;
    } else if is_due(plan.endpoint.next_try_at, at) {
        plan.probe(conn, at)?;
    } else {
        return Ok(Look::Resting);
    }
    let empty = plan.groups.is_empty() && plan.held.is_empty();
    Ok(if empty { Look::Nothing } else { Look::Send(plan) })
}

impl Plan {
    /// A few events to see whether the endpoint is back: of those players who have waited longest, and new ones. As many players as that
    /// are not all among the few whose events the endpoint cannot stomach; and when it takes one, it is not down.
    fn probe(&mut self, conn: &mut DbConn, at: Micros) -> Result<(), Error> {
        self.take_due(conn, at, PROBED)?;
        self.take_new(conn, at, PROBED)
    }

    /// At most so many events of the queue: the first ones of each player whose turn has come, as many of one as of another, so that
    /// nobody's long backlog keeps others waiting.
    fn take_due(&mut self, conn: &mut DbConn, at: Micros, most: usize) -> Result<(), Error> {
        let players = queue::due(conn, at, i64::try_from(most).unwrap_or(1))?;
        let each = most / players.len().max(1);
        let mut rows: Vec<Waiting> = Vec::new();
        for player in players {
            rows.extend(queue::of_player(conn, player, i64::try_from(each).unwrap_or(1))?);
        }
        let places: Vec<i64> = rows.iter().map(|row| row.event_id).collect();
        let entries = feed::entries_at(conn, &places)?;
        let mut entries: HashMap<i64, Entry> = entries.into_iter().map(|entry| (entry.event.id, entry)).collect();
        for row in rows {
            let entry = entries.remove(&row.event_id);
            let entry = entry.ok_or_else(|| Error::Internal(format!("event {} is in the queue only", row.event_id)))?;
            self.add(row.player, Push { entry, queued: Some(row) });
        }
        Ok(())
    }

    /// The next events of the log, until so many of them can be sent.
    fn take_new(&mut self, conn: &mut DbConn, at: Micros, most: usize) -> Result<(), Error> {
        let window = i64::try_from(WINDOW).unwrap_or(1);
        let entries = feed::entries(conn, self.endpoint.position, window, self.horizon)?;
        let players: Vec<i64> = entries.iter().map(|entry| player_of(&entry.event)).collect();
        let held_up: HashSet<i64> = queue::held_up(conn, &players)?.into_iter().collect();
        let mut taken = 0;
        for entry in entries {
            if taken == most {
                break;
            }
            self.position = entry.event.id;
            let player = player_of(&entry.event);
            if held_up.contains(&player) {
                let row = Waiting { event_id: entry.event.id, player, refusals: 0, queued_at: at, dead: false };
                self.held.push(row);
            } else {
                taken += 1;
                self.add(player, Push { entry, queued: None });
            }
        }
        Ok(())
    }

    fn add(&mut self, player: i64, push: Push) {
        match self.groups.iter_mut().find(|group| group.player == player) {
            Some(group) => group.pushes.push(push),
            None => self.groups.push(Group { player, pushes: vec![push] }),
        }
    }
}
