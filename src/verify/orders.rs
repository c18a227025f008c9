//! Deposits and payouts against the ledger, the notifications and the attempts to send.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use crate::db::DbConn;
use crate::db::schema::{deposits, journal_entries, outbox, payout_attempts, payouts, transitions, webhooks};
use crate::deposits::Deposit;
use crate::error::Error;
use crate::orders::Status;
use crate::orders::transitions::Transition;
use crate::payouts::{Payout, Stage};

/// Orders read at once.
const PAGE: i64 = 500;

/// What an entry of an order must agree with.
type Terms = (String, i64, i64, String);

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
        let facts = Facts::load(conn, &ids)?;
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
                || (payout.status == Status::Cancelled.code() && reached > 0 && !facts.corrected(&payout.external_id))
            {
                problems.push(format!("payout {}: an attempt may have reached the provider", payout.external_id));
            }
            if reached > 1 + facts.repeats(&payout.external_id) {
                problems
                    .push(format!("payout {}: {reached} attempts may have reached the provider", payout.external_id));
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
    if status == Status::Credited && !facts.vouched(id, Status::Credited, "payout_paid") {
        wrong("nobody vouches for its success");
    }
    Ok(())
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
        let facts = Facts::load(conn, &ids)?;
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
    if credit.is_some() && !facts.vouched(id, Status::Credited, "deposit_paid") {
        wrong("nobody vouches for its payment");
    }
}

/// What is known of a page of orders besides their rows.
struct Facts {
    entries: HashMap<String, Terms>,
    changes: HashMap<String, Vec<Transition>>,
    notified: HashMap<i64, (String, String, bool)>,
}

impl Facts {
    fn load(conn: &mut DbConn, ids: &[&str]) -> Result<Self, Error> {
        let suffixes = ["hold", "end", "credit", "reversal"];
        let causes: Vec<String> =
            ids.iter().flat_map(|id| suffixes.iter().map(move |suffix| format!("{id}:{suffix}"))).collect();
        let rows: Vec<(String, String, i64, i64, String)> = journal_entries::table
            .filter(journal_entries::cause.eq_any(&causes))
            .select((
                journal_entries::cause,
                journal_entries::kind,
                journal_entries::player_id,
                journal_entries::amount,
                journal_entries::currency,
            ))
            .load(conn)?;
        let entries =
            rows.into_iter().map(|(cause, kind, player, amount, currency)| (cause, (kind, player, amount, currency)));
        let mut changes: HashMap<String, Vec<Transition>> = HashMap::new();
        let found: Vec<Transition> = transitions::table
            .filter(transitions::external_id.eq_any(ids))
            .order((transitions::external_id, transitions::number))
            .select(Transition::as_select())
            .load(conn)?;
        for change in found {
            changes.entry(change.external_id.clone()).or_default().push(change);
        }
        let notified: Vec<(i64, String, String, bool)> = webhooks::table
            .filter(webhooks::external_id.eq_any(ids))
            .select((webhooks::id, webhooks::external_id, webhooks::news, webhooks::signed))
            .load(conn)?;
        let notified = notified.into_iter().map(|(id, order, news, signed)| (id, (order, news, signed)));
        Ok(Self { entries: entries.collect(), changes, notified: notified.collect() })
    }

    fn entry(&self, id: &str, suffix: &str) -> Option<&Terms> {
        self.entries.get(&format!("{id}:{suffix}"))
    }

    fn of(&self, id: &str) -> &[Transition] {
        self.changes.get(id).map_or(&[], Vec::as_slice)
    }

    /// Whether a person has turned a finished payout round.
    fn corrected(&self, id: &str) -> bool {
        let done = Some(Stage::Done.name());
        self.of(id).iter().any(|change| change.from_stage.as_deref() == done)
    }

    /// How often a person has turned it round.
    fn corrections(&self, id: &str) -> usize {
        let done = Some(Stage::Done.name());
        self.of(id).iter().filter(|change| change.from_stage.as_deref() == done).count()
    }

    /// How often it was put back to be sent again, which is written only where the provider pays a repeated id once.
    fn repeats(&self, id: &str) -> i64 {
        let queued = Some(Stage::Queued.name());
        let again = |change: &&Transition| {
            matches!(change.cause.as_str(), "retry" | "start") && change.to_stage.as_deref() == queued
        };
        self.of(id).iter().filter(again).count().try_into().unwrap_or(i64::MAX)
    }

    /// The changes lead from a start to the status of the row, without a gap, and nothing leaves a final state by itself.
    fn check_changes(&self, id: &str, starts: &[Status], now: Status, wrong: &mut impl FnMut(&str)) {
        let changes = self.of(id);
        let first = changes.first().map_or(now.code(), |change| change.from_status);
        let last = changes.last().map_or(now.code(), |change| change.to_status);
        let numbered = changes.iter().zip(1..).all(|(change, number)| change.number == number);
        let joined = changes.windows(2).all(|pair| pair[0].to_status == pair[1].from_status);
        let started = starts.iter().any(|start| start.code() == first);
        if !started || last != now.code() || !numbered || !joined {
            wrong("its recorded changes do not lead to its status");
        }
        if !changes.iter().all(legal) {
            wrong("it was moved in a way that is not allowed");
        }
    }

    /// Whether a notification that says so, or a person, brought the order to `status`.
    fn vouched(&self, id: &str, status: Status, news: &str) -> bool {
        self.of(id).iter().filter(|change| change.to_status == status.code()).any(|change| {
            let number = change.cause.strip_prefix("webhook ").and_then(|number| number.parse::<i64>().ok());
            match number.and_then(|number| self.notified.get(&number)) {
                Some((order, said, signed)) => order == id && said == news && *signed,
                None => change.cause == "resolve",
            }
        })
    }
}

/// A final state is left only by refund, void or chargeback, by a payment that came after all, or by a person.
fn legal(change: &Transition) -> bool {
    let (Ok(from), Ok(to)) = (Status::from_code(change.from_status), Status::from_code(change.to_status)) else {
        return false;
    };
    match from {
        Status::Created | Status::PendingPayment | Status::ProviderConfirmed | Status::ManualReview => true,
        Status::Credited => matches!(to, Status::Refunded | Status::Chargeback) || change.cause == "resolve",
        Status::CreditFailed => matches!(to, Status::Credited | Status::CreditFailed),
        Status::Failed | Status::Cancelled => matches!(to, Status::Credited | Status::CreditFailed),
        Status::Refunded | Status::Chargeback => false,
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
