//! Deposits and payouts against the ledger, the notifications and the attempts to send.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::facts::{Facts, Origin};
use crate::db::DbConn;
use crate::db::schema::{deposits, inquiries, outbox, payout_attempts, payouts};
use crate::deposits::Deposit;
use crate::error::Error;
use crate::ledger::EntryKind;
use crate::ledger::verify::Kinds;
use crate::orders::Status;
use crate::payouts::{Payout, Stage};

/// Orders read at once.
const PAGE_LENGTH: usize = 500;
const PAGE: i64 = PAGE_LENGTH as i64;

/// The check of all payouts, a page at a time: one hold per payout, one end per finished one, at most one attempt that may have reached
/// the provider, legal changes.
#[derive(Default)]
pub(super) struct Payouts {
    after: String,
    held: i64,
    ended: i64,
}

impl Payouts {
    /// Checks the next page. `false`: it was the last one.
    pub(super) fn step(
        &mut self,
        conn: &mut DbConn,
        counted_to: i64,
        problems: &mut Vec<String>,
    ) -> Result<bool, Error> {
        let page: Vec<Payout> = payouts::table
            .filter(payouts::external_id.gt(&self.after))
            .order(payouts::external_id)
            .limit(PAGE)
            .select(Payout::as_select())
            .load(conn)?;
        let Some(last) = page.last() else { return Ok(false) };
        let page_is_full = i64::try_from(page.len()).is_ok_and(|rows| rows == PAGE);
        self.after.clone_from(&last.external_id);
        let facts = payouts_of(conn, &page, problems)?;
        for payout in &page {
            self.held += facts.count(&payout.external_id, "hold", counted_to);
            self.ended += facts.count(&payout.external_id, "end", counted_to);
        }
        Ok(page_is_full)
    }

    /// No hold and no end of one is without its payout.
    pub(super) fn totals(&self, kinds: &Kinds, problems: &mut Vec<String>) {
        let count = |kind| kinds.get(&kind).copied().unwrap_or(0);
        let (held, ended) = (count(EntryKind::Hold), count(EntryKind::Capture) + count(EntryKind::Release));
        if held != self.held {
            problems.push(format!("{held} holds stand against those of {} payouts", self.held));
        }
        if ended != self.ended {
            problems.push(format!("{ended} ended holds stand against those of {} ended payouts", self.ended));
        }
    }
}

/// The last payouts that were asked for, and those that are about to be sent, at most `most` of each.
pub(super) fn newest_payouts(conn: &mut DbConn, most: i64, problems: &mut Vec<String>) -> Result<(), Error> {
    let newest: Vec<Payout> =
        payouts::table.order(payouts::external_id.desc()).limit(most).select(Payout::as_select()).load(conn)?;
    // Not one query over both tables: a planner may begin at the larger one.
    let due: Vec<String> =
        outbox::table.order(outbox::external_id.desc()).limit(most).select(outbox::external_id).load(conn)?;
    let queued: Vec<Payout> =
        payouts::table.filter(payouts::external_id.eq_any(due)).select(Payout::as_select()).load(conn)?;
    for page in newest.chunks(PAGE_LENGTH).chain(queued.chunks(PAGE_LENGTH)) {
        payouts_of(conn, page, problems)?;
    }
    Ok(())
}

/// Checks some payouts. Returns what is known of them.
fn payouts_of(conn: &mut DbConn, page: &[Payout], problems: &mut Vec<String>) -> Result<Facts, Error> {
    let ids: Vec<&str> = page.iter().map(|payout| payout.external_id.as_str()).collect();
    let origins: Vec<Origin<'_>> = page.iter().map(payout_origin).collect();
    let facts = Facts::load(conn, &ids, ["hold", "end"])?.with_origins(conn, &origins)?;
    let attempts = attempts(conn, &ids)?;
    let queued: HashSet<String> = outbox::table
        .filter(outbox::external_id.eq_any(&ids))
        .select(outbox::external_id)
        .load(conn)?
        .into_iter()
        .collect();
    let waiting = page.iter().filter(|payout| is_awaited(&payout.stage)).map(|payout| payout.external_id.as_str());
    let waiting: Vec<&str> = waiting.collect();
    let asked: HashSet<String> = inquiries::table
        .filter(inquiries::external_id.eq_any(&waiting))
        .select(inquiries::external_id)
        .load(conn)?
        .into_iter()
        .collect();
    for id in waiting.into_iter().filter(|id| !asked.contains(*id)) {
        problems.push(format!("order {id}: whether its end is asked for does not agree with where it stands"));
    }
    for payout in page {
        check_payout(payout, &facts, queued.contains(&payout.external_id), problems)?;
        let attempts = attempts.get(&payout.external_id).copied().unwrap_or_default();
        check_attempts(payout, attempts, &facts, problems)?;
    }
    Ok(facts)
}

/// Whether the end of a payout at this stage is asked for.
fn is_awaited(stage: &str) -> bool {
    [Stage::Sent.name(), Stage::Unknown.name()].contains(&stage)
}

/// `reached`: attempts that may have reached the provider; `open`: without an outcome.
fn check_attempts(
    payout: &Payout,
    (reached, open): (i64, i64),
    facts: &Facts,
    problems: &mut Vec<String>,
) -> Result<(), Error> {
    let not_sent_yet = [Stage::AwaitingApproval.name(), Stage::Queued.name()].contains(&payout.stage.as_str());
    if (not_sent_yet && reached > facts.repeats(&payout.external_id))
        || (payout.status == Status::Cancelled.code() && reached > 0 && !was_taken_back(payout, facts))
    {
        problems.push(format!("payout {}: an attempt may have reached the provider", payout.external_id));
    }
    if reached > 1 + facts.repeats(&payout.external_id) {
        problems.push(format!("payout {}: {reached} attempts may have reached the provider", payout.external_id));
    }
    if payout.stage == Stage::Sent.name() && reached == 0 {
        problems.push(format!("payout {}: it was sent without an attempt", payout.external_id));
    }
    if open > 0 && !may_be_under_way(payout.standing()?.1) {
        problems.push(format!("payout {}: an attempt is open at stage {}", payout.external_id, payout.stage));
    }
    Ok(())
}

/// Whether a payout that may have left was cancelled by the provider's own word, or by a person who corrected it.
fn was_taken_back(payout: &Payout, facts: &Facts) -> bool {
    let terms = ("release".to_owned(), payout.player_id, payout.amount, payout.currency.clone());
    let id = &payout.external_id;
    facts.corrected(id) || facts.vouched(id, Status::Cancelled, &["payout_cancelled"], &terms)
}

/// Whether an attempt may be open: at stage `Sending`, or when a notification came before its answer and moved the payout on.
fn may_be_under_way(stage: Stage) -> bool {
    match stage {
        Stage::Sending | Stage::Unknown | Stage::Done => true,
        Stage::AwaitingApproval | Stage::Queued | Stage::Sent => false,
    }
}

fn check_payout(payout: &Payout, facts: &Facts, queued: bool, problems: &mut Vec<String>) -> Result<(), Error> {
    let id = &payout.external_id;
    let mut wrong = |what: &str| problems.push(format!("payout {id}: {what}"));
    let (status, stage) = payout.standing()?;
    let terms = |kind: &str| (kind.to_owned(), payout.player_id, payout.amount, payout.currency.clone());
    if facts.entry(id, "hold") != Some(&terms("hold")) {
        wrong("its hold does not agree with it");
    }
    let corrected = facts.corrected(id);
    let end = facts.entry(id, "end");
    let right_end = match (stage, status, corrected) {
        (Stage::Done, Status::Credited, false) => end == Some(&terms("capture")),
        (Stage::Done, Status::Failed | Status::Cancelled, false) => end == Some(&terms("release")),
        (Stage::Done, Status::Credited | Status::Failed, true) => {
            let captured = end.is_some_and(|end| end.0 == "capture");
            let turned = facts.corrections(id) % 2 == 1;
            end.is_some() && (captured != turned) == (status == Status::Credited)
        }
        (Stage::Done, _, _) => false,
        (_, Status::PendingPayment | Status::ManualReview, false) => end.is_none(),
        (_, _, _) => false,
    };
    if !right_end {
        wrong("the end of its hold does not agree with its status");
    }
    if queued != matches!(stage, Stage::Queued | Stage::Sending) {
        wrong("the outbox does not agree with its stage");
    }
    let start = [Status::ManualReview, Status::PendingPayment];
    facts.check_changes(id, &start, status, &mut wrong);
    facts.check_stages(id, &payout.stage, &mut wrong);
    facts.check_origin(&payout_origin(payout), &mut wrong);
    if status == Status::Credited && !facts.vouched(id, Status::Credited, &["payout_paid", "paid"], &terms("capture")) {
        wrong("nobody vouches for its success");
    }
    Ok(())
}

fn payout_origin(payout: &Payout) -> Origin<'_> {
    Origin {
        external_id: &payout.external_id,
        provider: &payout.provider,
        site: payout.site_id,
        player: payout.player_id,
        transaction_id: payout.transaction_id.as_deref(),
    }
}

fn deposit_origin(deposit: &Deposit) -> Origin<'_> {
    Origin {
        external_id: &deposit.external_id,
        provider: &deposit.provider,
        site: deposit.site_id,
        player: deposit.player_id,
        transaction_id: deposit.transaction_id.as_deref(),
    }
}

/// The check of all deposits, a page at a time: credited once, with the order's terms, on a notification's or a person's word.
#[derive(Default)]
pub(super) struct Deposits {
    after: String,
    credited: i64,
    reversed: i64,
}

impl Deposits {
    /// Checks the next page. `false`: it was the last one.
    pub(super) fn step(
        &mut self,
        conn: &mut DbConn,
        counted_to: i64,
        problems: &mut Vec<String>,
    ) -> Result<bool, Error> {
        let page: Vec<Deposit> = deposits::table
            .filter(deposits::external_id.gt(&self.after))
            .order(deposits::external_id)
            .limit(PAGE)
            .select(Deposit::as_select())
            .load(conn)?;
        let Some(last) = page.last() else { return Ok(false) };
        let page_is_full = i64::try_from(page.len()).is_ok_and(|rows| rows == PAGE);
        self.after.clone_from(&last.external_id);
        let facts = deposits_of(conn, &page, problems)?;
        for deposit in &page {
            self.credited += facts.count(&deposit.external_id, "credit", counted_to);
            self.reversed += facts.count(&deposit.external_id, "reversal", counted_to);
        }
        Ok(page_is_full)
    }

    /// No credit and no reversal is without its deposit.
    pub(super) fn totals(&self, kinds: &Kinds, problems: &mut Vec<String>) {
        let count = |kind| kinds.get(&kind).copied().unwrap_or(0);
        let credited = count(EntryKind::Deposit);
        let reversed = count(EntryKind::DepositRefund) + count(EntryKind::Chargeback);
        if credited != self.credited {
            problems.push(format!("{credited} credits stand against those of {} credited deposits", self.credited));
        }
        if reversed != self.reversed {
            problems.push(format!("{reversed} reversals stand against those of {} reversed deposits", self.reversed));
        }
    }
}

/// The last `most` deposits that were asked for.
pub(super) fn newest_deposits(conn: &mut DbConn, most: i64, problems: &mut Vec<String>) -> Result<(), Error> {
    let newest: Vec<Deposit> =
        deposits::table.order(deposits::external_id.desc()).limit(most).select(Deposit::as_select()).load(conn)?;
    for page in newest.chunks(PAGE_LENGTH) {
        deposits_of(conn, page, problems)?;
    }
    Ok(())
}

/// Checks some deposits. Returns what is known of them.
fn deposits_of(conn: &mut DbConn, page: &[Deposit], problems: &mut Vec<String>) -> Result<Facts, Error> {
    let ids: Vec<&str> = page.iter().map(|deposit| deposit.external_id.as_str()).collect();
    let origins: Vec<Origin<'_>> = page.iter().map(deposit_origin).collect();
    let facts = Facts::load(conn, &ids, ["credit", "reversal"])?.with_origins(conn, &origins)?;
    for deposit in page {
        check_deposit(deposit, Status::from_code(deposit.status)?, &facts, problems);
    }
    Ok(facts)
}

fn check_deposit(deposit: &Deposit, status: Status, facts: &Facts, problems: &mut Vec<String>) {
    let id = &deposit.external_id;
    let mut wrong = |what: &str| problems.push(format!("deposit {id}: {what}"));
    let terms = |kind: &str| (kind.to_owned(), deposit.player_id, deposit.amount, deposit.currency.clone());
    let (credit, reversal) = (facts.entry(id, "credit"), facts.entry(id, "reversal"));
    let holds = match status {
        Status::Credited => credit == Some(&terms("deposit")) && reversal.is_none(),
        Status::Refunded => credit == Some(&terms("deposit")) && reversal == Some(&terms("deposit_refund")),
        Status::Chargeback => credit == Some(&terms("deposit")) && reversal == Some(&terms("chargeback")),
        Status::Created
        | Status::PendingPayment
        | Status::ProviderConfirmed
        | Status::CreditFailed
        | Status::Failed
        | Status::Cancelled
        | Status::ManualReview => credit.is_none() && reversal.is_none(),
    };
    if !holds {
        wrong("its entries do not agree with its status");
    }
    facts.check_changes(id, &[Status::Created], status, &mut wrong);
    facts.check_origin(&deposit_origin(deposit), &mut wrong);
    if credit.is_some() && !facts.vouched(id, Status::Credited, &["deposit_paid", "paid"], &terms("deposit")) {
        wrong("nobody vouches for its payment");
    }
}

/// For each payout with attempts: how many may have reached the provider, and how many have no outcome yet.
fn attempts(conn: &mut DbConn, ids: &[&str]) -> Result<HashMap<String, (i64, i64)>, Error> {
    let rows: Vec<(String, Option<String>)> = payout_attempts::table
        .filter(payout_attempts::external_id.eq_any(ids))
        .select((payout_attempts::external_id, payout_attempts::outcome))
        .load(conn)?;
    let mut counts: HashMap<String, (i64, i64)> = HashMap::new();
    for (id, outcome) in rows {
        let count = counts.entry(id).or_default();
        count.0 += i64::from(outcome.as_deref() != Some("not_sent"));
        count.1 += i64::from(outcome.is_none());
    }
    Ok(counts)
}
