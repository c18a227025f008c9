//! The record of every attempt to send a payout: written down before its first byte, with its outcome afterwards.

use diesel::prelude::*;

use super::lifecycle::{Attempt, Stage, awaits_answer};
use crate::clock::Micros;
use crate::db::schema::{payout_attempts, payouts};
use crate::db::{DbConn, WriteTx};

/// One attempt as it was written down.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = payout_attempts, treat_none_as_default_value = false)]
pub struct AttemptRow {
    /// The payout.
    pub external_id: String,
    /// From 1.
    pub number: i64,
    /// The bytes that went out; empty while nothing that makes the order has: it is only being prepared.
    pub body: Vec<u8>,
    /// When it was written down, before the first byte.
    pub started_at: Micros,
    /// When its outcome was.
    pub finished_at: Option<Micros>,
    /// `accepted`, `refused`, `not_sent`, `unknown`; none while it is under way.
    pub outcome: Option<String>,
    /// What the provider said, for people.
    pub note: String,
    /// The instance that claimed it; empty: one of a version that did not say.
    pub owner: String,
}

/// An attempt without an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The payout.
    pub external_id: String,
    /// The attempt.
    pub number: i64,
    /// The instance that claimed it.
    pub owner: String,
}

/// What the attempts of a payout say about where it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// How many there were.
    pub attempts: usize,
    /// One of them may have reached the provider.
    pub reached: bool,
    /// One of them has no outcome yet.
    pub under_way: bool,
}

/// What the attempts of a payout say.
///
/// # Errors
///
/// What the database says.
pub fn history(conn: &mut DbConn, external_id: &str) -> QueryResult<History> {
    let outcomes: Vec<Option<String>> = payout_attempts::table
        .filter(payout_attempts::external_id.eq(external_id))
        .select(payout_attempts::outcome)
        .load(conn)?;
    let not_sent = Attempt::NotSent.name();
    Ok(History {
        attempts: outcomes.len(),
        reached: outcomes.iter().any(|outcome| outcome.as_deref() != Some(not_sent)),
        under_way: outcomes.iter().any(Option::is_none),
    })
}

/// Every attempt without an outcome.
///
/// # Errors
///
/// What the database says.
pub fn open_attempts(conn: &mut DbConn) -> QueryResult<Vec<Open>> {
    let columns = (payout_attempts::external_id, payout_attempts::number, payout_attempts::owner);
    let rows: Vec<(String, i64, String)> = payout_attempts::table
        .filter(payout_attempts::outcome.is_null())
        .order((payout_attempts::external_id, payout_attempts::number))
        .select(columns)
        .load(conn)?;
    Ok(rows.into_iter().map(|(external_id, number, owner)| Open { external_id, number, owner }).collect())
}

/// Every attempt of a payout, oldest first.
///
/// # Errors
///
/// What the database says.
pub fn attempts(conn: &mut DbConn, external_id: &str) -> QueryResult<Vec<AttemptRow>> {
    payout_attempts::table
        .filter(payout_attempts::external_id.eq(external_id))
        .order(payout_attempts::number)
        .select(AttemptRow::as_select())
        .load(conn)
}

/// Whether an attempt is open and its payout still waits for it.
///
/// # Errors
///
/// What the database says.
pub fn is_under_way(conn: &mut DbConn, external_id: &str, number: i64) -> QueryResult<bool> {
    let open: i64 = payout_attempts::table
        .find((external_id, number))
        .filter(payout_attempts::outcome.is_null())
        .count()
        .get_result(conn)?;
    let stage: Option<String> = payouts::table.find(external_id).select(payouts::stage).first(conn).optional()?;
    Ok(open == 1 && stage.as_deref().and_then(Stage::from_name).is_some_and(awaits_answer))
}

/// Writes the outcome of an attempt that has none. Says whether it had none.
pub(super) fn finish_attempt(
    tx: &mut WriteTx<'_>,
    id: &str,
    number: i64,
    outcome: Attempt,
    note: &str,
    at: Micros,
) -> QueryResult<bool> {
    let set = (
        payout_attempts::finished_at.eq(Some(at)),
        payout_attempts::outcome.eq(Some(outcome.name())),
        payout_attempts::note.eq(note),
    );
    let open = payout_attempts::table.find((id, number)).filter(payout_attempts::outcome.is_null());
    Ok(diesel::update(open).set(set).execute(tx.conn()?)? == 1)
}

/// Whether another attempt than this one may have reached the provider.
pub(super) fn others_reached(tx: &mut WriteTx<'_>, id: &str, number: i64) -> QueryResult<bool> {
    let harmless = Some(Attempt::NotSent.name());
    let reached: i64 = payout_attempts::table
        .filter(payout_attempts::external_id.eq(id))
        .filter(payout_attempts::number.ne(number))
        .filter(payout_attempts::outcome.is_null().or(payout_attempts::outcome.ne(harmless)))
        .count()
        .get_result(tx.read()?)?;
    Ok(reached > 0)
}

/// Puts an answer beside an attempt that somebody has settled before it came. Writing the same outcome twice changes nothing.
pub(super) fn note_late_answer(
    tx: &mut WriteTx<'_>,
    (id, number): (&str, i64),
    outcome: Attempt,
    note: &str,
) -> QueryResult<()> {
    let row = payout_attempts::table.find((id, number));
    let columns = (payout_attempts::outcome, payout_attempts::note);
    let (settled, known): (Option<String>, String) = row.select(columns).first(tx.read()?)?;
    let late = format!("; the answer came later: {}: {note}", outcome.name());
    if known.ends_with(&late) || (settled.as_deref() == Some(outcome.name()) && known == note) {
        return Ok(());
    }
    log::warn!("payout {id}: attempt {number} came back {} after it was settled as unknown", outcome.name());
    diesel::update(row).set(payout_attempts::note.eq(format!("{known}{late}"))).execute(tx.conn()?)?;
    Ok(())
}
