//! What is kept so that a repetition is recognised and a later question can be answered, against what else is known of it.

use std::collections::HashMap;

use diesel::dsl::{count_star, exists, max, min, not};
use diesel::prelude::*;

use crate::db::DbConn;
use crate::db::schema::{
    approvals, audit, cashier_requests, deposits, inquiries, outbox, payout_attempts, payouts, players, question_keys,
    rollbacks, wallet_transactions, webhooks,
};
use crate::error::Error;
use crate::ledger::EntryKind;
use crate::payouts::Stage;
use crate::staff::approvals::Approval;
use crate::wallet::rollback::RolledBack;
use crate::wallet::transactions::TransactionRow;
use crate::webhooks::Webhook;

/// Rows read at once.
const PAGE: i64 = 500;

/// The check of all of this, a page or a question at a time.
#[derive(Default)]
pub(super) struct Kept {
    part: usize,
    transaction: String,
    notification: i64,
    /// How many bets were rolled back.
    undone: i64,
}

impl Kept {
    /// The next step. `false`: there are no more.
    pub(super) fn step(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let more = match self.part {
            0 => self.asked_of_the_wallet(conn, problems)?,
            1 => {
                self.undone = undone(conn, problems)?;
                false
            }
            2 => once(questions(conn, problems))?,
            3 => once(attempts(conn, problems))?,
            4 => once(awaited(conn, problems))?,
            5 => self.notified(conn, problems)?,
            6 => once(applied(conn, problems))?,
            7 => once(agreed(conn, problems))?,
            _ => return Ok(false),
        };
        self.part += usize::from(!more);
        Ok(true)
    }

    /// What the journal gave back was rolled back. Only where all steps were taken in one moment.
    pub(super) fn totals(&self, kinds: &HashMap<EntryKind, i64>, problems: &mut Vec<String>) {
        let entries = kinds.get(&EntryKind::Rollback).copied().unwrap_or(0);
        if self.undone != entries {
            problems.push(format!("{entries} bets were given back, and {} were rolled back", self.undone));
        }
    }

    /// The game server's transactions say what was asked, by a player of their site.
    fn asked_of_the_wallet(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let page: Vec<(TransactionRow, i64, String)> = wallet_transactions::table
            .inner_join(players::table.on(players::id.eq(wallet_transactions::player_id)))
            .filter(wallet_transactions::id.gt(&self.transaction))
            .order(wallet_transactions::id)
            .limit(PAGE)
            .select((TransactionRow::as_select(), players::site_id, players::login))
            .load(conn)?;
        let Some((last, _, _)) = page.last() else { return Ok(false) };
        self.transaction.clone_from(&last.id);
        for (row, site, login) in &page {
            if row.site_id != *site || !row.is_as_asked(login) {
                problems.push(format!("wallet transaction {}: it is not what was asked for", row.id));
            }
        }
        Ok(is_full(&page))
    }

    /// Notifications can be read, and say in their columns what they say in their content.
    fn notified(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let page: Vec<Webhook> = webhooks::table
            .filter(webhooks::id.gt(self.notification))
            .order(webhooks::id)
            .limit(PAGE)
            .select(Webhook::as_select())
            .load(conn)?;
        let Some(last) = page.last() else { return Ok(false) };
        self.notification = last.id;
        for webhook in page.iter().filter(|webhook| !webhook.is_consistent()) {
            problems.push(format!("notification {}: its content does not agree with it", webhook.id));
        }
        Ok(is_full(&page))
    }
}

/// A page that is not full is the last one, so that pages out of order cannot keep the check going.
fn is_full<T>(page: &[T]) -> bool {
    i64::try_from(page.len()).is_ok_and(|rows| rows == PAGE)
}

fn once(asked: Result<(), Error>) -> Result<bool, Error> {
    asked.map(|()| false)
}

/// Bets that were rolled back have their entries, answers that say so, and rollbacks that ask for it.
/// Returns how many bets that is.
fn undone(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<i64, Error> {
    let (mut player, mut reference) = (i64::MIN, String::new());
    loop {
        let page: Vec<(i64, String, bool, String)> = rollbacks::table
            .filter(
                rollbacks::player_id
                    .gt(player)
                    .or(rollbacks::player_id.eq(player).and(rollbacks::reference.gt(&reference))),
            )
            .order((rollbacks::player_id, rollbacks::reference))
            .limit(PAGE)
            .select((rollbacks::player_id, rollbacks::reference, rollbacks::applied, rollbacks::answer))
            .load(conn)?;
        let Some(last) = page.last() else { break };
        let after = (last.0, last.1.clone());
        for (player, reference, applied, answer) in &page {
            let answer: Option<RolledBack> = serde_json::from_str(answer).ok();
            if answer.is_none_or(|answer| answer.applied != *applied || answer.currency.is_some() != *applied) {
                problems.push(format!("rollback of {reference} of player {player}: its answer does not agree with it"));
            }
        }
        if !is_full(&page) {
            break;
        }
        (player, reference) = after;
    }
    let bet = wallet_transactions::kind.eq("bet");
    let of_bet = rollbacks::table
        .filter(rollbacks::player_id.eq(wallet_transactions::player_id))
        .filter(rollbacks::reference.eq(wallet_transactions::reference));
    let rolled_back: i64 = wallet_transactions::table
        .filter(bet)
        .filter(wallet_transactions::voided.eq(false))
        .filter(exists(of_bet.filter(rollbacks::applied.eq(true))))
        .select(count_star())
        .first(conn)?;
    let dead: Option<String> = wallet_transactions::table
        .filter(bet)
        .filter(wallet_transactions::voided.eq(true))
        .filter(not(exists(of_bet)))
        .select(wallet_transactions::id)
        .first(conn)
        .optional()?;
    if let Some(id) = dead {
        problems.push(format!("wallet transaction {id}: nothing says why it has no effect"));
    }
    let bets = wallet_transactions::table
        .filter(wallet_transactions::player_id.eq(rollbacks::player_id))
        .filter(wallet_transactions::reference.eq(rollbacks::reference))
        .filter(bet)
        .filter(wallet_transactions::voided.eq(false));
    let idle: Option<String> = rollbacks::table
        .filter(rollbacks::applied.ne(exists(bets)))
        .select(rollbacks::reference)
        .first(conn)
        .optional()?;
    if let Some(reference) = idle {
        problems.push(format!("rollback of {reference}: the bets do not agree with what it did"));
    }
    Ok(rolled_back)
}

/// A key of a question, or a request of a player, was written with its order.
fn questions(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
    let deposit = deposits::table
        .filter(deposits::external_id.eq(question_keys::external_id))
        .filter(deposits::provider.eq(question_keys::provider))
        .filter(deposits::site_id.eq(question_keys::site_id));
    let payout = payouts::table
        .filter(payouts::external_id.eq(question_keys::external_id))
        .filter(payouts::provider.eq(question_keys::provider))
        .filter(payouts::site_id.eq(question_keys::site_id));
    let lost: Option<String> = question_keys::table
        .filter(not(exists(deposit).or(exists(payout))))
        .select(question_keys::external_id)
        .first(conn)
        .optional()?;
    if let Some(id) = lost {
        problems.push(format!("order {id}: the question that made it does not agree with it"));
    }
    let deposit = deposits::table
        .filter(deposits::external_id.eq(cashier_requests::external_id))
        .filter(deposits::created_at.ge(cashier_requests::created_at));
    let payout = payouts::table
        .filter(payouts::external_id.eq(cashier_requests::external_id))
        .filter(payouts::created_at.eq(cashier_requests::created_at));
    let other: Option<String> = cashier_requests::table
        .filter(not(exists(deposit).or(exists(payout))))
        .select(cashier_requests::external_id)
        .first(conn)
        .optional()?;
    if let Some(id) = other {
        problems.push(format!("request {id}: it was not made with its order"));
    }
    Ok(())
}

/// Attempts to send are numbered from 1, an outcome has its time, and what is claimed is being sent.
fn attempts(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
    let gap: Option<(String, i64)> = payout_attempts::table
        .group_by(payout_attempts::external_id)
        .having(count_star().ne(max(payout_attempts::number).assume_not_null()))
        .select((payout_attempts::external_id, count_star()))
        .first(conn)
        .optional()?;
    if let Some((id, count)) = gap {
        problems.push(format!("payout {id}: its {count} attempts are not numbered from 1"));
    }
    let half: Option<String> = payout_attempts::table
        .filter(payout_attempts::outcome.is_null().ne(payout_attempts::finished_at.is_null()))
        .select(payout_attempts::external_id)
        .first(conn)
        .optional()?;
    if let Some(id) = half {
        problems.push(format!("payout {id}: an attempt has an outcome and no end, or an end and no outcome"));
    }
    let claimed: Option<String> = outbox::table
        .inner_join(payouts::table)
        .filter(outbox::claimed.ne(payouts::stage.eq(Stage::Sending.name())))
        .select(outbox::external_id)
        .first(conn)
        .optional()?;
    if let Some(id) = claimed {
        problems.push(format!("payout {id}: its claim does not agree with its stage"));
    }
    Ok(())
}

/// Payouts whose end is waited for are asked about, and whatever is asked about is an order of that provider.
fn awaited(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
    let waits = || payouts::stage.eq_any([Stage::Sent.name(), Stage::Unknown.name()]);
    let asked = inquiries::table.filter(inquiries::external_id.eq(payouts::external_id));
    let forgotten: Option<String> = payouts::table
        .filter(waits())
        .filter(not(exists(asked)))
        .select(payouts::external_id)
        .first(conn)
        .optional()?;
    let of_payout = payouts::table
        .filter(payouts::external_id.eq(inquiries::external_id))
        .filter(payouts::provider.eq(inquiries::provider))
        .filter(payouts::site_id.eq(inquiries::site_id));
    let of_deposit = deposits::table
        .filter(deposits::external_id.eq(inquiries::external_id))
        .filter(deposits::provider.eq(inquiries::provider))
        .filter(deposits::site_id.eq(inquiries::site_id));
    let idle: Option<String> = inquiries::table
        .filter(not(exists(of_payout).or(exists(of_deposit))))
        .select(inquiries::external_id)
        .first(conn)
        .optional()?;
    for id in forgotten.into_iter().chain(idle) {
        problems.push(format!("order {id}: whether its end is asked for does not agree with where it stands"));
    }
    Ok(())
}

/// What was applied belongs to the order it names, and no notification is gone.
fn applied(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
    let deposit = deposits::table.filter(deposits::external_id.eq(webhooks::external_id));
    let payout = payouts::table.filter(payouts::external_id.eq(webhooks::external_id));
    let own_deposit =
        deposit.filter(deposits::provider.eq(webhooks::provider)).filter(deposits::site_id.eq(webhooks::site_id));
    let own_payout =
        payout.filter(payouts::provider.eq(webhooks::provider)).filter(payouts::site_id.eq(webhooks::site_id));
    let foreign: Option<i64> = webhooks::table
        .filter(webhooks::verdict.eq("applied"))
        .filter(not(exists(own_deposit).or(exists(own_payout))))
        .select(webhooks::id)
        .first(conn)
        .optional()?;
    if let Some(id) = foreign {
        problems.push(format!("notification {id}: it was applied to an order of another site or provider"));
    }
    if !conn.is_shared() {
        // On a server what was rolled back leaves a gap.
        let (first, last, rows): (Option<i64>, Option<i64>, i64) =
            webhooks::table.select((min(webhooks::id), max(webhooks::id), count_star())).first(conn)?;
        let (first, last) = (first.unwrap_or(1), last.unwrap_or(0));
        if first != 1 || last != rows {
            problems.push(format!("{rows} notifications are numbered {first} to {last}: some are gone"));
        }
    }
    Ok(())
}

/// The first of two people who must agree stands in the audit too, with the same words about the same payout.
fn agreed(conn: &mut DbConn, problems: &mut Vec<String>) -> Result<(), Error> {
    let rows: Vec<Approval> = approvals::table.order(approvals::id).select(Approval::as_select()).load(conn)?;
    for approval in rows {
        let noted: Vec<(String, String, String)> = audit::table
            .filter(audit::at.eq(approval.at))
            .filter(audit::actor.eq(&approval.actor))
            .select((audit::act, audit::subject, audit::detail))
            .load(conn)?;
        let agrees = |(act, subject, detail): &(String, String, String)| match act.strip_prefix("payout.") {
            Some(act) => (act, subject, detail) == (approval.act.as_str(), &approval.subject, &approval.reason),
            None => detail.ends_with(&approval.reason),
        };
        if !noted.iter().any(agrees) {
            problems.push(format!("approval {}: the audit does not know of it", approval.id));
        }
    }
    Ok(())
}
