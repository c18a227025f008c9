//! Deposits and payouts against the ledger, the notifications and the attempts to send.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::facts::{Facts, Origin};
use crate::db::DbConn;
use crate::db::schema::{deposits, outbox, payout_attempts, payouts};
use crate::deposits::Deposit;
use crate::error::Error;
use crate::orders::Status;
use crate::payouts::{Payout, Stage};

/// Orders read at once.
const PAGE: i64 = 500;

/// One hold per payout, one end per finished one, at most one attempt that may have reached the provider, legal changes.
pub(super) fn payouts(
    conn: &mut DbConn,
    kinds: &HashMap<String, i64>,
    problems: &mut Vec<String>,
) -> Result<(), Error> {
    let (mut after, mut held, mut ended) = (String::new(), 0, 0);
    loop {
        let page: Vec<Payout> = payouts::table
            .filter(payouts::external_id.gt(&after))
            .order(payouts::external_id)
            .limit(PAGE)
            .select(Payout::as_select())
            .load(conn)?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.external_id);
        let ids: Vec<&str> = page.iter().map(|payout| payout.external_id.as_str()).collect();
        let origins: Vec<Origin<'_>> = page.iter().map(payout_origin).collect();
        let facts = Facts::load(conn, &ids)?.with_origins(conn, &origins)?;
        let attempts = attempts(conn, &ids)?;
        let queued: HashSet<String> = outbox::table
            .filter(outbox::external_id.eq_any(&ids))
            .select(outbox::external_id)
            .load(conn)?
            .into_iter()
            .collect();
        for payout in &page {
            held += 1;
            ended += i64::from(payout.stage == Stage::Done.name());
            check_payout(payout, &facts, queued.contains(&payout.external_id), problems)?;
            let (reached, open) = attempts.get(&payout.external_id).copied().unwrap_or_default();
            let not_sent_yet = [Stage::AwaitingApproval.name(), Stage::Queued.name()].contains(&payout.stage.as_str());
            if (not_sent_yet && reached > facts.repeats(&payout.external_id))
                || (payout.status == Status::Cancelled.code() && reached > 0 && !was_taken_back(payout, &facts))
            {
                problems.push(format!("payout {}: an attempt may have reached the provider", payout.external_id));
            }
            if reached > 1 + facts.repeats(&payout.external_id) {
                problems
                    .push(format!("payout {}: {reached} attempts may have reached the provider", payout.external_id));
            }
            if payout.stage == Stage::Sent.name() && reached == 0 {
                problems.push(format!("payout {}: it was sent without an attempt", payout.external_id));
            }
            if open > 0 && !may_be_under_way(payout.standing()?.1) {
                problems.push(format!("payout {}: an attempt is open at stage {}", payout.external_id, payout.stage));
            }
        }
    }
    let count = |kind: &str| kinds.get(kind).copied().unwrap_or(0);
    if count("hold") != held {
        problems.push(format!("{} holds stand against {held} payouts", count("hold")));
    }
    if count("capture") + count("release") != ended {
        problems
            .push(format!("{} ended holds stand against {ended} ended payouts", count("capture") + count("release")));
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

/// Credited once, with the order's terms, on a notification's or a person's word.
pub(super) fn deposits(
    conn: &mut DbConn,
    kinds: &HashMap<String, i64>,
    problems: &mut Vec<String>,
) -> Result<(), Error> {
    let (mut after, mut credited, mut reversed) = (String::new(), 0, 0);
    loop {
        let page: Vec<Deposit> = deposits::table
            .filter(deposits::external_id.gt(&after))
            .order(deposits::external_id)
            .limit(PAGE)
            .select(Deposit::as_select())
            .load(conn)?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.external_id);
        let ids: Vec<&str> = page.iter().map(|deposit| deposit.external_id.as_str()).collect();
        let origins: Vec<Origin<'_>> = page.iter().map(deposit_origin).collect();
        let facts = Facts::load(conn, &ids)?.with_origins(conn, &origins)?;
        for deposit in &page {
            let status = Status::from_code(deposit.status)?;
            let goes_back = matches!(status, Status::Refunded | Status::Chargeback);
            credited += i64::from(goes_back || status == Status::Credited);
            reversed += i64::from(goes_back);
            check_deposit(deposit, status, &facts, problems);
        }
    }
    let count = |kind: &str| kinds.get(kind).copied().unwrap_or(0);
    if count("deposit") != credited {
        problems.push(format!("{} credits stand against {credited} credited deposits", count("deposit")));
    }
    if count("deposit_refund") + count("chargeback") != reversed {
        problems.push(format!("reversals in the ledger stand against {reversed} reversed deposits"));
    }
    Ok(())
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
