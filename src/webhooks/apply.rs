//! What a notification does: found, compared with its order, decided, booked and stored in one commit.

use super::additional;
use super::inbox::{self, Verdict, Webhook};
use crate::clock::Micros;
use crate::db::{DbConn, WriteTx};
use crate::deposits::lifecycle::Decision as DepositDecision;
use crate::deposits::{self, Deposit, credit};
use crate::error::Error;
use crate::ids::SiteId;
use crate::ledger::PlayerId;
use crate::orders::transitions::Because;
use crate::orders::{Status, reviews};
use crate::payouts::lifecycle::{Decision as PayoutDecision, Earlier};
use crate::payouts::{self, Payout, lifecycle, outbox};
use crate::players;
use crate::providers::{Direction, News, Notification};

/// Takes a verified notification. When this returns `Ok` and is committed, it may be acknowledged: it was applied, or recorded, or
/// put into review. A repetition changes nothing.
///
/// # Errors
///
/// Only why it could not be stored.
pub fn receive(tx: &mut WriteTx<'_>, notification: &Notification, at: Micros) -> Result<(), Error> {
    if inbox::find(tx, notification)?.is_some() {
        return Ok(());
    }
    let id = inbox::next_id(tx)?;
    let found = Found::of(tx, notification)?;
    let verdict = if found.is_none() { Verdict::UnknownOrder } else { Verdict::Recorded };
    inbox::store(tx, id, notification, verdict, at)?;
    let Some(found) = found else {
        let note = format!("a notification ({}) names an order we do not have", notification.codes);
        return review(tx, id, notification, "unknown_order", &note, at);
    };
    let verdict = apply(tx, id, notification, &found, at)?;
    inbox::set_verdict(tx, id, Verdict::Recorded, verdict)?;
    Ok(())
}

/// A notification that came before its order did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Its number.
    pub id: i64,
    /// Who sent it.
    pub provider: String,
    /// The order it is about.
    pub external_id: String,
}

/// Notifications that came before their order did, oldest first; they may be applied after an import or a restore.
///
/// # Errors
///
/// What the database says.
pub fn parked(conn: &mut DbConn) -> Result<Vec<Parked>, Error> {
    let waiting = inbox::waiting(conn, Verdict::UnknownOrder)?;
    let parked =
        |webhook: Webhook| Parked { id: webhook.id, provider: webhook.provider, external_id: webhook.external_id };
    Ok(waiting.into_iter().map(parked).collect())
}

/// Applies one of those when its order is there by now. Says whether it did; one that somebody else has applied meanwhile stays as it is.
///
/// # Errors
///
/// What the ledger or the database says.
pub fn apply_parked(tx: &mut WriteTx<'_>, id: i64, provider: &'static str, at: Micros) -> Result<bool, Error> {
    let parked = inbox::by_id(tx.read()?, id)?.filter(|webhook| webhook.verdict == Verdict::UnknownOrder.name());
    let Some(webhook) = parked else { return Ok(false) };
    let notification = webhook.notification(provider)?;
    let Some(found) = Found::of(tx, &notification)? else { return Ok(false) };
    let verdict = apply(tx, id, &notification, &found, at)?;
    inbox::set_verdict(tx, id, Verdict::UnknownOrder, verdict)?;
    Ok(true)
}

/// The order a notification is about.
enum Found {
    Deposit(Deposit),
    Payout(Payout),
}

impl Found {
    /// The order under this id on this provider and site; another's order is not found.
    fn of(tx: &mut WriteTx<'_>, notification: &Notification) -> Result<Option<Self>, Error> {
        let id = &notification.external_id;
        let ours = |provider: &str, site: i64| provider == notification.provider && site == notification.site.0;
        if let Some(deposit) = deposits::find(tx.read_of::<Deposit>()?, id)? {
            return Ok(ours(&deposit.provider, deposit.site_id).then_some(Self::Deposit(deposit)));
        }
        let payout = payouts::find(tx.read_of::<Payout>()?, id)?;
        Ok(payout.filter(|payout| ours(&payout.provider, payout.site_id)).map(Self::Payout))
    }

    fn direction(&self) -> Direction {
        match self {
            Found::Deposit(_) => Direction::Deposit,
            Found::Payout(_) => Direction::Payout,
        }
    }

    fn terms(&self) -> (PlayerId, i64, &str) {
        match self {
            Found::Deposit(deposit) => (PlayerId(deposit.player_id), deposit.amount, &deposit.currency),
            Found::Payout(payout) => (PlayerId(payout.player_id), payout.amount, &payout.currency),
        }
    }
}

fn apply(
    tx: &mut WriteTx<'_>,
    id: i64,
    notification: &Notification,
    found: &Found,
    at: Micros,
) -> Result<Verdict, Error> {
    // What leaves open which way the money was to go is settled by the order.
    let settled;
    let notification = match notification.news.of(found.direction()) {
        news if news == notification.news => notification,
        news => {
            settled = Notification { news, ..notification.clone() };
            &settled
        }
    };
    let (player, amount, currency) = found.terms();
    let login = players::by_id(tx.written(), player)?.login;
    if let Some((kind, note)) = mismatch(notification, found.direction(), &login, amount, currency) {
        review(tx, id, notification, kind, &note, at)?;
        return Ok(Verdict::Review);
    }
    if !notification.signed {
        let note = format!("an unsigned notification ({}) is only a hint: confirm it", notification.codes);
        review(tx, id, notification, "unsigned", &note, at)?;
        return Ok(Verdict::Review);
    }
    match found {
        Found::Deposit(deposit) => apply_to_deposit(tx, id, notification, deposit, at),
        Found::Payout(payout) => apply_to_payout(tx, id, notification, payout, at),
    }
}

/// In what a notification does not agree with its order (threats R7, LIF-9): the review's kind and a note.
fn mismatch(
    notification: &Notification,
    direction: Direction,
    login: &str,
    amount: i64,
    currency: &str,
) -> Option<(&'static str, String)> {
    if notification.login != login {
        return Some(("other_player", "the notification names another player than the order".into()));
    }
    if notification.news.direction().is_some_and(|said| said != direction) {
        return Some(("other_direction", format!("{} cannot be about this order", notification.codes)));
    }
    if notification.currency != currency {
        return Some(("currency_differs", format!("ordered in {currency}, notified in {}", notification.currency)));
    }
    if notification.amount_minor != amount {
        let note = format!("ordered {amount}, notified {} minor units {currency}", notification.amount_minor);
        return Some(("amount_differs", note));
    }
    let (real, real_currency) = notification.real.as_ref()?;
    let nothing_moved = *real == 0 && !notification.news.moves_money();
    (real_currency == currency && *real != amount && !nothing_moved)
        .then(|| ("amount_differs", format!("ordered {amount}, really moved {real} minor units {currency}")))
}

fn apply_to_deposit(
    tx: &mut WriteTx<'_>,
    id: i64,
    notification: &Notification,
    deposit: &Deposit,
    at: Micros,
) -> Result<Verdict, Error> {
    let cause = format!("webhook {id}");
    let why = Because { cause: &cause, actor: notification.provider, reason: &notification.codes };
    let kept = |tx: &mut WriteTx<'_>, kind, verdict| -> Result<Verdict, Error> {
        let note = format!("deposit {}: {} while {}", deposit.external_id, notification.codes, status_name(deposit));
        review(tx, id, notification, kind, &note, at)?;
        Ok(verdict)
    };
    match deposits::lifecycle::decide(Status::from_code(deposit.status)?, notification.news) {
        DepositDecision::Credit => credit_or_review(tx, id, notification, deposit, why, at),
        DepositDecision::Refund => reverse(tx, id, notification, deposit, Status::Refunded, why, at),
        DepositDecision::ChargeBack => reverse(tx, id, notification, deposit, Status::Chargeback, why, at),
        DepositDecision::Move(to) => credit::move_to(tx, deposit, to, why, at).map(|()| Verdict::Applied),
        DepositDecision::MoveAndReview(to, kind) => {
            credit::move_to(tx, deposit, to, why, at)?;
            kept(tx, kind, Verdict::Review)
        }
        DepositDecision::Record if moved_twice(tx, notification)? => kept(tx, "paid_twice", Verdict::Review),
        DepositDecision::Record => Ok(Verdict::Recorded),
        DepositDecision::Review(kind) => kept(tx, kind, Verdict::Review),
        DepositDecision::AwaitPayment => kept(tx, "reversal_before_payment", Verdict::BeforePayment),
    }
}

/// Whether the provider says of another transaction of its own that it moved the money of this order, which has moved already. What names
/// no transaction, as some answers to a question do, is about the same one.
pub(super) fn moved_twice(tx: &mut WriteTx<'_>, notification: &Notification) -> Result<bool, Error> {
    if !notification.news.moves_money() || notification.transaction_id.is_empty() {
        return Ok(false);
    }
    let applied = Verdict::Applied.name();
    for earlier in inbox::of_order(tx.read()?, &notification.external_id)?.iter().filter(|row| row.verdict == applied) {
        let earlier = earlier.notification(notification.provider)?;
        let is_other = !earlier.transaction_id.is_empty() && earlier.transaction_id != notification.transaction_id;
        let said = notification.news.direction().map_or(earlier.news, |direction| earlier.news.of(direction));
        if said == notification.news && is_other {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the provider has said before, in the terms of the order, that it paid this payout: what a person looks at is not decided by a later word (threats R6).
fn was_said_paid(tx: &mut WriteTx<'_>, notification: &Notification) -> Result<bool, Error> {
    for earlier in inbox::of_order(tx.read()?, &notification.external_id)?.iter().filter(|row| row.signed) {
        let earlier = earlier.notification(notification.provider)?;
        let terms = |one: &Notification| (one.amount_minor, one.currency.clone(), one.login.clone());
        if earlier.news.of(Direction::Payout) == News::PayoutPaid && terms(&earlier) == terms(notification) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn credit_or_review(
    tx: &mut WriteTx<'_>,
    id: i64,
    notification: &Notification,
    deposit: &Deposit,
    why: Because<'_>,
    at: Micros,
) -> Result<Verdict, Error> {
    // A question of the provider's names its payment; only of a deposit that we began can another one have been made.
    let made = if deposit.transaction_id.is_none() { additional::made_of(tx, notification)? } else { None };
    if let Some(other) = made.filter(|made| made.as_str() != deposit.external_id) {
        let note = format!("deposit {}: its payment was credited as deposit {other}", deposit.external_id);
        review(tx, id, notification, "paid_twice", &note, at)?;
        return Ok(Verdict::Review);
    }
    match credit::credit(tx, deposit, notification.provider, why, at) {
        Ok(()) => additional::remember(tx, notification, deposit, at)?,
        Err(Error::OutOfRange) => {
            if deposit.status != Status::CreditFailed.code() {
                credit::move_to(tx, deposit, Status::CreditFailed, why, at)?;
            }
            let note = format!("deposit {} is paid, but the balance would leave its range", deposit.external_id);
            review(tx, id, notification, "credit_failed", &note, at)?;
            return Ok(Verdict::Review);
        }
        Err(error) => return Err(error),
    }
    for waiting in inbox::before_payment(tx, &deposit.external_id)? {
        let earlier = waiting.notification(notification.provider)?;
        let credited = deposits::find(tx.read()?, &deposit.external_id)?.ok_or(Error::NotFound("deposit"))?;
        let verdict = apply_to_deposit(tx, waiting.id, &earlier, &credited, at)?;
        inbox::set_verdict(tx, waiting.id, Verdict::BeforePayment, verdict)?;
    }
    Ok(Verdict::Applied)
}

fn reverse(
    tx: &mut WriteTx<'_>,
    id: i64,
    notification: &Notification,
    deposit: &Deposit,
    to: Status,
    why: Because<'_>,
    at: Micros,
) -> Result<Verdict, Error> {
    if credit::reverse(tx, deposit, notification.provider, to, why, at)? {
        let note = format!("deposit {}: {} took the player below zero", deposit.external_id, to.name());
        review(tx, id, notification, "below_zero", &note, at)?;
    }
    Ok(Verdict::Applied)
}

fn apply_to_payout(
    tx: &mut WriteTx<'_>,
    id: i64,
    notification: &Notification,
    payout: &Payout,
    at: Micros,
) -> Result<Verdict, Error> {
    let cause = format!("webhook {id}");
    let why = Because { cause: &cause, actor: notification.provider, reason: &notification.codes };
    let (status, stage) = payout.standing()?;
    let note = format!(
        "payout {}: {} while {} at stage {}",
        payout.external_id,
        notification.codes,
        status.name(),
        stage.name()
    );
    let reached = outbox::history(tx.read()?, &payout.external_id)?.reached;
    let said = |earlier| match earlier {
        Earlier::Paid => was_said_paid(tx, notification),
        Earlier::MovedByAnother => moved_twice(tx, notification),
    };
    match lifecycle::on_news(status, stage, reached, notification.news).after(said)? {
        PayoutDecision::Capture => {
            payouts::capture(tx, payout, notification.provider, why, at).map(|()| Verdict::Applied)
        }
        PayoutDecision::Release(to) => payouts::release(tx, payout, to, why, at).map(|()| Verdict::Applied),
        // Its review stays open: a person closes it.
        PayoutDecision::Sent => {
            payouts::move_to(tx, payout, (status, payouts::Stage::Sent), why, at).map(|()| Verdict::Applied)
        }
        PayoutDecision::HoldAndReview(kind) => {
            outbox::remove(tx, &payout.external_id)?;
            payouts::move_to(tx, payout, (Status::ManualReview, payouts::Stage::Unknown), why, at)?;
            review(tx, id, notification, kind, &note, at)?;
            Ok(Verdict::Review)
        }
        PayoutDecision::Record => Ok(Verdict::Recorded),
        PayoutDecision::Review(kind) => {
            review(tx, id, notification, kind, &note, at)?;
            Ok(Verdict::Review)
        }
    }
}

fn review(
    tx: &mut WriteTx<'_>,
    id: i64,
    notification: &Notification,
    kind: &'static str,
    note: &str,
    at: Micros,
) -> Result<(), Error> {
    let site = SiteId(notification.site.0);
    let external_id = Some(notification.external_id.as_str());
    let player = Found::of(tx, notification)?.map(|found| found.terms().0);
    reviews::open(tx, reviews::About { kind, site, player, external_id, webhook_id: Some(id), note }, at)?;
    Ok(())
}

fn status_name(deposit: &Deposit) -> &'static str {
    Status::from_code(deposit.status).map_or("damaged", Status::name)
}
