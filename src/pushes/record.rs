//! What came of a round, in one commit: attempts, the queue, the position, the endpoint, and whom to call.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::plan::Push;
use super::queue::{self, AttemptRow, Endpoint, Turn, Waiting};
use super::waits::{self, Fault, Outcome};
use crate::clock::{DAY_MICROS, Micros};
use crate::db::schema::event_attempts;
use crate::db::{Numbered, WriteTx};
use crate::error::Error;
use crate::events::{Event, Kind};
use crate::ids::SiteId;
use crate::ledger::PlayerId;
use crate::orders::reviews::{self, About};

/// The review of an event that was given up.
const UNDELIVERABLE: &str = "event_undeliverable";

/// The review of an endpoint that failed for a day.
const PAUSED: &str = "events_paused";

/// How long deliveries are remembered. What was not taken is remembered for ever.
const REMEMBERED: Micros = 30 * DAY_MICROS;

/// Old deliveries forgotten in one commit: more than a round makes, so that they become fewer, and few enough to hold nobody up.
const FORGOTTEN_AT_ONCE: i64 = 512;

/// One push as it went.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// When it began.
    pub started_at: Micros,
    /// How long it took.
    pub took_micros: i64,
    /// What became of it.
    pub outcome: Outcome,
    /// The status of the answer.
    pub http_status: Option<u16>,
    /// The beginning of the answer, or why there is none.
    pub answer: String,
}

impl Attempt {
    /// Whose fault it is that the event was not taken; `None`: it was.
    pub(super) fn fault(&self) -> Option<Fault> {
        let delivered = self.outcome == Outcome::Delivered;
        (!delivered).then(|| waits::fault(self.outcome, self.http_status))
    }
}

/// An event of a round.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// Whose it is.
    pub player: i64,
    /// The event.
    pub push: Push,
    /// `None`: its turn did not come.
    pub attempt: Option<Attempt>,
}

/// A round that is over.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// Where pushes stood before it.
    pub endpoint: Endpoint,
    /// Its events, those of each player in order.
    pub sent: Vec<Sent>,
    /// Events of the log that wait behind others.
    pub held: Vec<Waiting>,
    /// The last event of the log in it.
    pub position: i64,
    /// When it began.
    pub began_at: Micros,
    /// When it was over.
    pub at: Micros,
    /// A random number for the length of the endpoint's rest.
    pub percent: i64,
}

impl Round {
    fn attempts(&self) -> impl Iterator<Item = (&Sent, &Attempt)> {
        self.sent.iter().filter_map(|sent| sent.attempt.as_ref().map(|attempt| (sent, attempt)))
    }

    /// The endpoint took nothing and had nothing to say about any event: it is down.
    pub(super) fn endpoint_failed(&self) -> bool {
        let mut faults = self.attempts().map(|(_, attempt)| attempt.fault()).peekable();
        faults.peek().is_some() && faults.all(|fault| fault == Some(Fault::Endpoint))
    }
}

/// What is to be said after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recorded {
    /// Where pushes stand now.
    pub endpoint: Endpoint,
    /// It was just paused.
    pub paused: bool,
    /// Events that were given up.
    pub given_up: Vec<String>,
}

/// Records a round.
///
/// # Errors
///
/// What the database says; `Internal` when somebody else has moved the position.
pub(super) fn record(tx: &mut WriteTx<'_>, round: &Round) -> Result<Recorded, Error> {
    // Read again: a person may have resumed meanwhile.
    let before = queue::locked_endpoint(tx)?.ok_or_else(|| Error::Internal("pushes stand nowhere".into()))?;
    if before.position != round.endpoint.position {
        return Err(Error::Internal("somebody else pushes events from these books".into()));
    }
    write_attempts(tx, round)?;
    let failed = round.endpoint_failed();
    let probed = round.endpoint.failures > 0;
    let mut given_up = Vec::new();
    let mut endpoint = before.clone();
    if failed {
        endpoint = before.failed(round.at, round.percent);
    } else if round.attempts().next().is_some() {
        endpoint = before.healthy();
    }
    // When a whole window met a dead endpoint, it stays in the log: nothing of it was taken, and it comes again as it is. A probe's
    // event goes to the queue, so that another one is tried next.
    if !failed || probed {
        given_up = settle(tx, round, failed)?;
        endpoint.position = round.position;
    }
    let paused = endpoint.paused_at.is_some() && before.paused_at.is_none();
    if paused && let Some((sent, _)) = round.attempts().next() {
        let event = &sent.push.entry.event;
        let about = About {
            kind: PAUSED,
            site: SiteId(event.site_id),
            player: None,
            external_id: None,
            webhook_id: None,
            note: "pushes of events have failed for a day; they are tried every 15 minutes now",
        };
        reviews::open(tx, about, round.at)?;
    }
    if endpoint != before {
        queue::save_endpoint(tx, &endpoint)?;
    }
    forget_old(tx, round.at)?;
    Ok(Recorded { endpoint, paused, given_up })
}

fn write_attempts(tx: &mut WriteTx<'_>, round: &Round) -> Result<(), Error> {
    let ids = tx.next_numbers(Numbered::EventAttempts, round.attempts().count())?;
    for (id, (sent, attempt)) in ids.into_iter().zip(round.attempts()) {
        tx.stage(AttemptRow {
            id,
            event_id: sent.push.entry.event.id,
            started_at: attempt.started_at,
            took_micros: attempt.took_micros,
            outcome: attempt.outcome.name().to_owned(),
            http_status: attempt.http_status.map(i64::from),
            answer: attempt.answer.clone(),
        });
    }
    Ok(())
}

/// Brings the queue to where the round has left it. Says which events were given up.
fn settle(tx: &mut WriteTx<'_>, round: &Round, endpoint_failed: bool) -> Result<Vec<String>, Error> {
    let mut given_up = Vec::new();
    let mut new_rows = round.held.clone();
    // When the next turn of a player comes: at once, but after everybody who was due when the round began, or after the wait for a refusal.
    let mut turns: BTreeMap<i64, Micros> = BTreeMap::new();
    for sent in &round.sent {
        let event = &sent.push.entry.event;
        let seen = sent.push.queued.as_ref();
        let fresh = Waiting { event_id: event.id, player: sent.player, refusals: 0, queued_at: round.at, dead: false };
        let row = match &sent.attempt {
            Some(attempt) if attempt.fault().is_none() => {
                if let Some(seen) = seen {
                    queue::remove(tx, seen)?;
                    turns.insert(sent.player, round.began_at);
                }
                continue;
            }
            // Behind the others that are due, so that the next probe is another one.
            Some(_) if endpoint_failed => {
                turns.insert(sent.player, round.began_at);
                seen.cloned().unwrap_or(fresh)
            }
            Some(attempt) => {
                let (row, due_at) = refused(seen.cloned().unwrap_or(fresh), round);
                turns.insert(sent.player, due_at);
                if row.dead {
                    give_up(tx, event, row.refusals, attempt, round.at)?;
                    given_up.push(event.name());
                }
                row
            }
            // Whoever was not tried keeps the place in front of those who were.
            None if seen.is_some() => continue,
            None => {
                turns.entry(sent.player).or_insert(round.began_at);
                fresh
            }
        };
        match seen {
            Some(_) => {
                queue::update(tx, &row)?;
            }
            None => new_rows.push(row),
        }
    }
    queue::add(tx, &new_rows)?;
    for (player, due_at) in turns {
        queue::set_turn(tx, &Turn { player, due_at })?;
    }
    Ok(given_up)
}

/// One more refusal, and when it is its player's turn again: it is tried later, or given up, and the next one goes on.
fn refused(row: Waiting, round: &Round) -> (Waiting, Micros) {
    let refusals = row.refusals + 1;
    let wait = waits::after_refusal(refusals);
    let due_at = wait.map_or(round.began_at, |wait| round.at + wait);
    (Waiting { refusals, dead: wait.is_none(), ..row }, due_at)
}

/// Calls a person for an event that was given up. The review is an event itself; when that one is given up nobody is called again, or
/// there would be no end.
fn give_up(tx: &mut WriteTx<'_>, event: &Event, refusals: i64, last: &Attempt, at: Micros) -> Result<(), Error> {
    if event.kind == Kind::ReviewOpened.name() && event.reason == UNDELIVERABLE {
        return Ok(());
    }
    let status = last.http_status.map_or_else(|| last.outcome.name().to_owned(), |status| format!("HTTP {status}"));
    let note = format!("{} ({}) was refused {refusals} times, at last with {status}", event.name(), event.kind);
    let about = About {
        kind: UNDELIVERABLE,
        site: SiteId(event.site_id),
        player: event.player_id.map(PlayerId),
        external_id: event.external_id.as_deref(),
        webhook_id: None,
        note: &note,
    };
    reviews::open(tx, about, at)?;
    Ok(())
}

fn forget_old(tx: &mut WriteTx<'_>, at: Micros) -> Result<(), Error> {
    let old: Vec<i64> = event_attempts::table
        .filter(event_attempts::outcome.eq(Outcome::Delivered.name()))
        .filter(event_attempts::started_at.lt(at - REMEMBERED))
        .order(event_attempts::started_at)
        .limit(FORGOTTEN_AT_ONCE)
        .select(event_attempts::id)
        .load(tx.read()?)?;
    if !old.is_empty() {
        diesel::delete(event_attempts::table.filter(event_attempts::id.eq_any(old))).execute(tx.conn()?)?;
    }
    Ok(())
}
