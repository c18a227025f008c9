//! Payouts to be sent, and the record of every attempt to send one.
//!
//! A row is written in the commit that approves the payout and claimed in a commit of its own, together with the attempt, before the
//! first byte goes out. A claim that outlives its process means that the attempt may have reached the provider.

use diesel::prelude::*;

use super::attempts::{finish_attempt, note_late_answer, others_reached};
use super::lifecycle::{
    AfterAttempt, AfterSilence, Attempt, Stage, after_attempt, after_silence, awaits_answer, may_claim,
    status_of_unknown,
};
use super::{Payout, move_to, release, sending, written};
use crate::clock::Micros;
use crate::db::schema::{outbox, payout_attempts, payouts};
use crate::db::{DbConn, Row, WriteTx, insert_in_chunks};
use crate::error::Error;
use crate::ids::{ExternalId, SiteId};
use crate::ledger::PlayerId;
use crate::orders::transitions::{Because, SYSTEM};
use crate::orders::{Status, facts, reviews};
use crate::providers::Texts;
use crate::settings::OnRefusal;
use crate::vault::Vault;

pub use super::written::Written;

/// The longest wait between two tries that never reached the provider. Longer would leave players waiting after an outage; shorter
/// would hammer a provider that is down.
const LONGEST_WAIT: Micros = 300 * 1_000_000;

/// A payout whose turn it is, claimed.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The payout, as it stands now: `Sending`.
    pub payout: Payout,
    /// The number of this attempt, from 1.
    pub attempt: i64,
    /// What to send.
    pub written: Written,
}

pub use super::attempts::{AttemptRow, History, Open, attempts, history, is_under_way, open_attempts};

#[derive(Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
struct OutboxRow {
    external_id: String,
    due_at: Micros,
    attempts: i64,
    claimed: bool,
}

impl Row for OutboxRow {
    const ORDER: u8 = 60;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(outbox::table, rows, conn)
    }
}

/// Queues an approved payout.
pub fn add(tx: &mut WriteTx<'_>, id: &ExternalId, at: Micros) {
    tx.stage(OutboxRow { external_id: id.as_str().to_owned(), due_at: at, attempts: 0, claimed: false });
}

/// Takes a payout out of the queue: it ended, or is not to be sent.
///
/// # Errors
///
/// What the database says.
pub fn remove(tx: &mut WriteTx<'_>, external_id: &str) -> QueryResult<()> {
    diesel::delete(outbox::table.find(external_id)).execute(tx.conn()?).map(|_| ())
}

/// A payout whose turn it is, and whose account it goes out by.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Due {
    /// Our order id.
    pub external_id: String,
    /// Through whom.
    pub provider: String,
    /// The site.
    pub site_id: i64,
}

/// Payouts whose turn it is, longest waiting first, without those of the accounts (provider and site) in `full`: they have no place, and
/// those of others must not wait behind them. One that is due far in the future was written under another clock and is due too.
///
/// # Errors
///
/// What the database says.
pub fn due(conn: &mut DbConn, now: Micros, most: i64, full: &[(String, i64)]) -> QueryResult<Vec<Due>> {
    let mut due = outbox::table
        .inner_join(payouts::table)
        .filter(outbox::claimed.eq(false))
        .filter(outbox::due_at.le(now).or(outbox::due_at.gt(now + 2 * LONGEST_WAIT)))
        .into_boxed();
    for (provider, site) in full {
        due = due.filter(payouts::provider.ne(provider).or(payouts::site_id.ne(*site)));
    }
    due.order((outbox::due_at, outbox::external_id))
        .select((outbox::external_id, payouts::provider, payouts::site_id))
        .limit(most)
        .load(conn)
}

/// Claims a payout and writes the attempt down. `None` when sending is held, when it is not to be sent any more, or when it cannot be
/// written for the provider: that one waits, so that it does not hold up others (threats OUT-8). `write` makes the bytes,
/// unless an earlier attempt may have reached the provider: then the same bytes go again (threats OUT-9). `owner` is the instance that
/// will send it; `vault` seals bytes that nobody may read in the books.
///
/// # Errors
///
/// What `write` or the database says.
pub fn claim(
    tx: &mut WriteTx<'_>,
    external_id: &str,
    write: impl FnOnce(&mut DbConn, &Payout) -> Result<Written, Error>,
    (owner, vault): (&str, &Vault),
    at: Micros,
) -> Result<Option<Claim>, Error> {
    let conn = tx.read()?;
    if sending::held(conn)?.is_some() {
        return Ok(None);
    }
    let attempts: Option<i64> = outbox::table
        .find(external_id)
        .filter(outbox::claimed.eq(false))
        .select(outbox::attempts)
        .first(conn)
        .optional()?;
    let payout = super::find(conn, external_id)?;
    let (Some(attempts), Some(payout)) = (attempts, payout) else { return Ok(None) };
    if !may_claim(payout.standing()?.1) {
        return Ok(None);
    }
    let written = match write(conn, &payout).and_then(|new| written::with_earlier_bytes(conn, vault, external_id, new))
    {
        Ok(written) => written,
        Err(error @ (Error::Database(_) | Error::NoConnection(_) | Error::Busy)) => return Err(error),
        Err(error) => {
            log::error!("payout {external_id}: cannot be written for the provider, trying again later: {error}");
            postpone(tx, external_id, at + LONGEST_WAIT)?;
            call_somebody(tx, &payout, &error, at)?;
            return Ok(None);
        }
    };
    let attempt = attempts + 1;
    let conn = tx.conn()?;
    let row = AttemptRow {
        external_id: external_id.to_owned(),
        number: attempt,
        body: written.shown_now(),
        started_at: at,
        finished_at: None,
        outcome: None,
        note: String::new(),
        owner: owner.to_owned(),
    };
    // Whoever changes the row has the claim: another instance finds it changed (threats OUT-10).
    let free = outbox::table.find(external_id).filter(outbox::claimed.eq(false)).filter(outbox::attempts.eq(attempts));
    let set = (outbox::attempts.eq(attempt), outbox::claimed.eq(true));
    if diesel::update(free).set(set).execute(conn)? != 1 {
        return Ok(None);
    }
    diesel::insert_into(payout_attempts::table).values(row).execute(conn)?;
    written.seal_now(tx, vault)?;
    change_stage(tx, external_id, Stage::Queued, Stage::Sending, at)?;
    let payout = Payout { stage: Stage::Sending.name().to_owned(), updated_at: at, ..payout };
    Ok(Some(Claim { payout, attempt, written }))
}

/// Moves a payout between the stages that are ours alone, which are told to nobody.
fn change_stage(tx: &mut WriteTx<'_>, external_id: &str, from: Stage, to: Stage, at: Micros) -> Result<(), Error> {
    let row = payouts::table.find(external_id).filter(payouts::stage.eq(from.name()));
    let set = (payouts::stage.eq(to.name()), payouts::updated_at.eq(at));
    if diesel::update(row).set(set).execute(tx.conn()?)? != 1 {
        return Err(Error::Internal(format!("payout {external_id} moved meanwhile")));
    }
    Ok(())
}

/// Opens a review for a payout that cannot be written, once: nothing of it can be sent until somebody acts.
fn call_somebody(tx: &mut WriteTx<'_>, payout: &Payout, error: &Error, at: Micros) -> Result<(), Error> {
    const KIND: &str = "payout_cannot_be_written";
    let known = reviews::of_order(tx.read()?, &payout.external_id)?;
    if known.iter().any(|review| review.kind == KIND && review.closed_at.is_none()) {
        return Ok(());
    }
    let note = format!("payout {}: it cannot be written for {}: {error}", payout.external_id, payout.provider);
    let about = reviews::About {
        kind: KIND,
        site: SiteId(payout.site_id),
        player: Some(PlayerId(payout.player_id)),
        external_id: Some(&payout.external_id),
        webhook_id: None,
        note: &note,
    };
    reviews::open(tx, about, at).map(|_| ())
}

/// Writes an attempt's outcome down and does what follows from it. A payout that ended meanwhile stays as it is. When somebody has
/// called the attempt unknown before its answer came, the answer is only noted beside it: it is for the person who looks at it.
///
/// # Errors
///
/// What the ledger or the database says.
pub fn record(
    tx: &mut WriteTx<'_>,
    claim: &Claim,
    outcome: Attempt,
    (note, facts): (&str, &Texts),
    on_refusal: OnRefusal,
    at: Micros,
) -> Result<(), Error> {
    let id = &claim.payout.external_id;
    facts::add(tx, id, facts)?;
    if !finish_attempt(tx, id, claim.attempt, outcome, note, at)? {
        return Ok(note_late_answer(tx, (id, claim.attempt), outcome, note)?);
    }
    let reached_before = others_reached(tx, id, claim.attempt)?;
    let payout = super::find(tx.read()?, id)?.ok_or(Error::NotFound("payout"))?;
    let (status, stage) = payout.standing()?;
    if !awaits_answer(stage) {
        log::info!("payout {id}: attempt {} came back {}, but it has moved on", claim.attempt, outcome.name());
        return Ok(());
    }
    if newest_claim(tx, id)? != Some(claim.attempt) {
        log::warn!("payout {id}: attempt {} came back {} after a newer one began", claim.attempt, outcome.name());
        return Ok(());
    }
    let cause = format!("answer to attempt {}", claim.attempt);
    let why = Because { cause: &cause, actor: SYSTEM, reason: note };
    match after_attempt(outcome, reached_before, on_refusal) {
        AfterAttempt::Sent => {
            remove(tx, id)?;
            move_to(tx, &payout, (status, Stage::Sent), why, at)
        }
        AfterAttempt::QueueAgain => {
            postpone(tx, id, at + wait_after(claim.attempt, random_percent()))?;
            change_stage(tx, id, Stage::Sending, Stage::Queued, at)
        }
        AfterAttempt::Release => release(tx, &payout, Status::Failed, why, at),
        AfterAttempt::Unknown(kind) => hold_for_review(tx, &payout, kind, why, at),
    }
}

/// Lets a payout wait unclaimed until `due_at`.
fn postpone(tx: &mut WriteTx<'_>, id: &str, due_at: Micros) -> QueryResult<()> {
    let set = (outbox::claimed.eq(false), outbox::due_at.eq(due_at));
    diesel::update(outbox::table.find(id)).set(set).execute(tx.conn()?).map(|_| ())
}

/// Keeps the hold of a payout whose outcome nobody knows, takes it out of the queue and asks a person.
///
/// # Errors
///
/// What the database says.
pub fn hold_for_review(
    tx: &mut WriteTx<'_>,
    payout: &Payout,
    kind: &'static str,
    why: Because<'_>,
    at: Micros,
) -> Result<(), Error> {
    remove(tx, &payout.external_id)?;
    let status = status_of_unknown(payout.standing()?.0, kind);
    move_to(tx, payout, (status, Stage::Unknown), why, at)?;
    let note = format!("payout {}: {} ({}); the hold stays", payout.external_id, why.reason, why.cause);
    let (site, external_id) = (SiteId(payout.site_id), Some(payout.external_id.as_str()));
    let player = Some(PlayerId(payout.player_id));
    reviews::open(tx, reviews::About { kind, site, player, external_id, webhook_id: None, note: &note }, at)?;
    Ok(())
}

/// Settles an attempt that a stopped process left open: it may have reached the provider. The payout becomes unknown; only where the
/// provider pays a repeated id once (`deduplicates`) is it sent again (threats OUT-3). One that was only being prepared was not sent, and
/// whoever prepared it will not send it either (`written::write_down`): it goes again. A payout that a notification has moved on meanwhile
/// stays as it is. Says whether it was still open.
///
/// # Errors
///
/// What the database says.
pub fn settle(
    tx: &mut WriteTx<'_>,
    open: &Open,
    deduplicates: impl Fn(&str, SiteId) -> bool,
    cause: &str,
    at: Micros,
) -> Result<bool, Error> {
    let id = &open.external_id;
    let prepared_only = written::is_prepared_only(tx, id, open.number)?;
    let (outcome, note) = match prepared_only {
        true => (Attempt::NotSent, "the process stopped while it was prepared"),
        false => (Attempt::Unknown, "the process stopped while it was under way"),
    };
    if !finish_attempt(tx, id, open.number, outcome, note, at)? {
        return Ok(false);
    }
    let payout = super::find(tx.read()?, id)?.ok_or(Error::NotFound("payout"))?;
    let why = Because { cause, actor: SYSTEM, reason: "an attempt was under way when the process stopped" };
    if !awaits_answer(payout.standing()?.1) {
        return Ok(true);
    }
    let reached_before = others_reached(tx, id, open.number)?;
    let deduplicates = deduplicates(&payout.provider, SiteId(payout.site_id));
    match after_silence(prepared_only, reached_before, deduplicates) {
        AfterSilence::QueueAgain => queue_again(tx, &payout, why, at)?,
        AfterSilence::Unknown(kind) => hold_for_review(tx, &payout, kind, why, at)?,
    }
    Ok(true)
}

/// Puts a payout back into the queue, to be sent with the same bytes.
///
/// # Errors
///
/// What the database says.
pub fn queue_again(tx: &mut WriteTx<'_>, payout: &Payout, why: Because<'_>, at: Micros) -> Result<(), Error> {
    let id = &payout.external_id;
    let last: Option<i64> = payout_attempts::table
        .filter(payout_attempts::external_id.eq(id))
        .select(diesel::dsl::max(payout_attempts::number))
        .first(tx.read()?)?;
    remove(tx, id)?;
    let row = OutboxRow { external_id: id.clone(), due_at: at, attempts: last.unwrap_or(0), claimed: false };
    tx.stage(row);
    move_to(tx, payout, (Status::PendingPayment, Stage::Queued), why, at)
}

/// The number of the attempt that is claimed now.
fn newest_claim(tx: &mut WriteTx<'_>, id: &str) -> QueryResult<Option<i64>> {
    outbox::table.find(id).filter(outbox::claimed.eq(true)).select(outbox::attempts).first(tx.read()?).optional()
}

/// How long to wait after the given attempt: doubled each time from two seconds, a fifth more or less so that payouts of one outage
/// do not come back together.
fn wait_after(attempt: i64, percent: i64) -> Micros {
    let doublings = attempt.clamp(1, 9);
    let plain = (1_000_000 << doublings).min(LONGEST_WAIT);
    plain / 100 * (80 + percent.rem_euclid(41))
}

fn random_percent() -> i64 {
    getrandom::u32().map_or(20, i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// threats OUT-8: payouts of one outage do not come back together.
    #[test]
    fn waits_of_the_same_attempt_differ_from_one_payout_to_the_next() {
        let waits: std::collections::BTreeSet<_> = (0..100).map(|_| wait_after(9, random_percent())).collect();
        assert!(waits.len() > 5, "{waits:?}");
    }

    #[test]
    fn waits_grow_to_a_bound_and_differ() {
        assert_eq!(wait_after(1, 20), 2_000_000);
        assert_eq!(wait_after(2, 20), 4_000_000);
        for attempt in 1..100 {
            for percent in [0, 20, 40, 41, -1, i64::from(u32::MAX)] {
                let wait = wait_after(attempt, percent);
                assert!((1_600_000..=LONGEST_WAIT / 100 * 120).contains(&wait), "{attempt} {percent}: {wait}");
            }
        }
    }
}
