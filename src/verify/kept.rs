//! What is kept so that a repetition is recognised and a later question can be answered, against what else is known of it.

use diesel::dsl::{count_star, exists, max};
use diesel::prelude::*;

use crate::db::schema::{
    approvals, audit, deposits, inquiries, outbox, payout_attempts, payouts, question_keys, rollbacks,
    wallet_transactions, webhooks,
};
use crate::db::{DbConn, at_home};
use crate::error::Error;
use crate::payouts::Stage;
use crate::staff::approvals::Approval;
use crate::wallet::rollback::RolledBack;
use crate::webhooks::{Verdict, Webhook};

/// Rows read at once.
const PAGE: i64 = 1_000;

/// The check of all of this, a page at a time: each step reads a part of a table that does not grow with the table.
#[derive(Default)]
pub(super) struct Kept {
    part: usize,
    rolled_back: (i64, String),
    question: (String, i64, String),
    /// The last order of the page before, of the table that is being read.
    order: String,
    notification: i64,
    notifications: i64,
}

impl Kept {
    /// The next step. `false`: there are no more.
    pub(super) fn step(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let more = match self.part {
            0 => self.rolled_back(conn, problems)?,
            1 => self.questions(conn, problems)?,
            2 => self.attempts(conn, problems)?,
            3 => self.claimed(conn, problems)?,
            4 => self.awaited(conn, problems)?,
            5 => self.notified(conn, problems)?,
            6 => agreed(conn, problems).map(|()| false)?,
            _ => return Ok(false),
        };
        if !more {
            self.part += 1;
            self.order.clear();
        }
        Ok(true)
    }

    /// Rollbacks have an answer that says what they did, and bets that agree with it.
    fn rolled_back(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let (player, reference) = &self.rolled_back;
        let bets = wallet_transactions::table
            .filter(wallet_transactions::player_id.eq(rollbacks::player_id))
            .filter(wallet_transactions::reference.eq(rollbacks::reference))
            .filter(wallet_transactions::kind.eq("bet"))
            .filter(wallet_transactions::voided.eq(false));
        let rows = rollbacks::table.order((rollbacks::player_id, rollbacks::reference)).limit(PAGE).select((
            rollbacks::player_id,
            rollbacks::reference,
            rollbacks::applied,
            rollbacks::answer,
            exists(bets),
        ));
        type Found = (i64, String, bool, String, bool);
        let of_player = rollbacks::player_id.eq(*player).and(rollbacks::reference.gt(reference));
        let mut page: Vec<Found> = rows.filter(of_player).load(conn)?;
        if page.is_empty() {
            page = rows.filter(rollbacks::player_id.gt(*player)).load(conn)?;
        }
        let Some(last) = page.last() else { return Ok(false) };
        self.rolled_back = (last.0, last.1.clone());
        for (player, reference, applied, answer, had_bets) in &page {
            let answer: Option<RolledBack> = serde_json::from_str(answer).ok();
            if answer.is_none_or(|answer| answer.applied != *applied || answer.currency.is_some() != *applied) {
                problems.push(format!("rollback of {reference} of player {player}: its answer does not agree with it"));
            }
            if applied != had_bets {
                problems.push(format!("rollback of {reference}: the bets do not agree with what it did"));
            }
        }
        Ok(true)
    }

    /// A key of a question was written with its order.
    fn questions(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let (provider, site, key) = &self.question;
        let deposit = deposits::table
            .filter(deposits::external_id.eq(question_keys::external_id))
            .filter(deposits::provider.eq(question_keys::provider))
            .filter(deposits::site_id.eq(question_keys::site_id));
        let payout = payouts::table
            .filter(payouts::external_id.eq(question_keys::external_id))
            .filter(payouts::provider.eq(question_keys::provider))
            .filter(payouts::site_id.eq(question_keys::site_id));
        let page: Vec<(String, String, bool)> = question_keys::table
            .filter(question_keys::provider.eq(provider))
            .filter(question_keys::site_id.eq(site))
            .filter(question_keys::key.gt(key))
            .order(question_keys::key)
            .limit(PAGE)
            .select((question_keys::key, question_keys::external_id, exists(deposit).or(exists(payout))))
            .load(conn)?;
        for (_, id, _) in page.iter().filter(|row| !row.2) {
            problems.push(format!("order {id}: the question that made it does not agree with it"));
        }
        if is_full(&page) {
            self.question.2 = page.into_iter().next_back().map(|row| row.0).unwrap_or_default();
            return Ok(true);
        }
        // Column by column: what compares all of them at once reads every row before the page again.
        let places = question_keys::table.select((question_keys::provider, question_keys::site_id));
        let other_site: Option<(String, i64)> = places
            .filter(question_keys::provider.eq(provider))
            .filter(question_keys::site_id.gt(site))
            .order(question_keys::site_id)
            .first(conn)
            .optional()?;
        let next = match other_site {
            Some(next) => Some(next),
            None => places
                .filter(question_keys::provider.gt(provider))
                .order((question_keys::provider, question_keys::site_id))
                .first(conn)
                .optional()?,
        };
        let Some((provider, site)) = next else { return Ok(false) };
        self.question = (provider, site, String::new());
        Ok(true)
    }

    /// Attempts to send are numbered from 1, and an outcome has its time.
    fn attempts(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let later = payout_attempts::external_id.gt(&self.order);
        let page: Vec<String> = payout_attempts::table
            .filter(later)
            .order((payout_attempts::external_id, payout_attempts::number))
            .limit(PAGE)
            .select(payout_attempts::external_id)
            .load(conn)?;
        let Some(last) = page.last().cloned() else { return Ok(false) };
        // All attempts of the last order, however many of them the page has.
        let of_page = later.and(payout_attempts::external_id.le(&last));
        let gap: Option<(String, i64)> = payout_attempts::table
            .filter(of_page)
            .group_by(payout_attempts::external_id)
            .having(count_star().ne(max(payout_attempts::number).assume_not_null()))
            .select((payout_attempts::external_id, count_star()))
            .first(conn)
            .optional()?;
        if let Some((id, count)) = gap {
            problems.push(format!("payout {id}: its {count} attempts are not numbered from 1"));
        }
        let half: Option<String> = payout_attempts::table
            .filter(of_page)
            .filter(payout_attempts::outcome.is_null().ne(payout_attempts::finished_at.is_null()))
            .select(payout_attempts::external_id)
            .first(conn)
            .optional()?;
        if let Some(id) = half {
            problems.push(format!("payout {id}: an attempt has an outcome and no end, or an end and no outcome"));
        }
        self.order = last;
        Ok(is_full(&page))
    }

    /// What is claimed is being sent.
    fn claimed(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let page: Vec<(String, bool, String)> = outbox::table
            .inner_join(payouts::table)
            .filter(outbox::external_id.gt(&self.order))
            .order(outbox::external_id)
            .limit(PAGE)
            .select((outbox::external_id, outbox::claimed, payouts::stage))
            .load(conn)?;
        let Some(last) = page.last() else { return Ok(false) };
        self.order.clone_from(&last.0);
        for (id, claimed, stage) in &page {
            if *claimed != (stage == Stage::Sending.name()) {
                problems.push(format!("payout {id}: its claim does not agree with its stage"));
            }
        }
        Ok(is_full(&page))
    }

    /// Whatever is asked about is an order of that provider. That all whose end is waited for are asked about is checked with the orders.
    fn awaited(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let of_payout = payouts::table
            .filter(payouts::external_id.eq(inquiries::external_id))
            .filter(payouts::provider.eq(inquiries::provider))
            .filter(payouts::site_id.eq(inquiries::site_id));
        let of_deposit = deposits::table
            .filter(deposits::external_id.eq(inquiries::external_id))
            .filter(deposits::provider.eq(inquiries::provider))
            .filter(deposits::site_id.eq(inquiries::site_id));
        let page: Vec<(String, bool)> = inquiries::table
            .filter(inquiries::external_id.gt(&self.order))
            .order(inquiries::external_id)
            .limit(PAGE)
            .select((inquiries::external_id, exists(of_payout).or(exists(of_deposit))))
            .load(conn)?;
        let Some(last) = page.last() else { return Ok(false) };
        self.order.clone_from(&last.0);
        for (id, _) in page.iter().filter(|row| !row.1) {
            problems.push(format!("order {id}: whether its end is asked for does not agree with where it stands"));
        }
        Ok(is_full(&page))
    }

    /// Notifications can be read, say in their columns what they say in their content, were applied to orders of their own site, and none
    /// is gone.
    fn notified(&mut self, conn: &mut DbConn, problems: &mut Vec<String>) -> Result<bool, Error> {
        let deposit = deposits::table
            .filter(deposits::external_id.eq(webhooks::external_id))
            .filter(deposits::provider.eq(webhooks::provider))
            .filter(deposits::site_id.eq(webhooks::site_id));
        let payout = payouts::table
            .filter(payouts::external_id.eq(webhooks::external_id))
            .filter(payouts::provider.eq(webhooks::provider))
            .filter(payouts::site_id.eq(webhooks::site_id));
        let page = webhooks::table.filter(webhooks::id.gt(self.notification)).order(webhooks::id).limit(PAGE);
        let has_order = exists(deposit).or(exists(payout));
        let page: Vec<(Webhook, bool)> =
            at_home!(conn, |conn| page.select((Webhook::as_select(), has_order)).load(conn))?;
        if let Some((last, _)) = page.last() {
            self.notification = last.id;
            self.notifications += i64::try_from(page.len()).unwrap_or(0);
        }
        for (webhook, has_order) in &page {
            if !webhook.is_consistent() {
                problems.push(format!("notification {}: its content does not agree with it", webhook.id));
            }
            if webhook.verdict == Verdict::Applied.name() && !has_order {
                let id = webhook.id;
                problems.push(format!("notification {id}: it was applied to an order of another site or provider"));
            }
        }
        // On a server what was rolled back leaves a gap.
        if !is_full(&page) && !conn.is_shared() && self.notifications != self.notification {
            let (rows, last) = (self.notifications, self.notification);
            problems.push(format!("{rows} notifications are numbered up to {last}: some are gone"));
        }
        Ok(is_full(&page))
    }
}

/// A page that is not full is the last one, so that pages out of order cannot keep the check going.
fn is_full<T>(page: &[T]) -> bool {
    i64::try_from(page.len()).is_ok_and(|rows| rows == PAGE)
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
