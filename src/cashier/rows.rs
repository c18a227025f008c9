//! A deposit or a payout as a player sees it: ScaleTrade's transaction, made of our rows by a pure function.

use std::collections::BTreeMap;

use super::accounts;
use super::requests::Request;
use crate::clock::Micros;
use crate::deposits::Deposit;
use crate::error::Error;
use crate::money::{Currency, Money};
use crate::orders::Status;
use crate::payouts::Payout;
use crate::providers::Direction;
use crate::settings::Site;

const SECOND: Micros = 1_000_000;

/// What ScaleTrade calls the provider of a withdrawal that a person decides about.
const MANUAL: &str = "manual";

/// The longest reason that is shown, in characters.
const LONGEST_REASON: usize = 256;

/// One movement of a player. Times are whole seconds since 1970-01-01 UTC; 0: not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Our order id.
    pub id: String,
    /// The player's number.
    pub customer_id: i64,
    /// The player's account in this currency.
    pub login: i64,
    /// Which way the money goes.
    pub direction: Direction,
    /// Whether it was asked here and waits for a person: 1, else 0.
    pub source: i64,
    /// Through whom; `manual` where a person decides.
    pub provider: String,
    /// The method, when it is known.
    pub method: String,
    /// The provider's id of it.
    pub provider_payment_id: String,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: Status,
    /// Why it came to nothing, for the player.
    pub failure_reason: String,
    /// As sent.
    pub idempotency_key: String,
    /// The player's note.
    pub comment: String,
    /// A JSON object as text.
    pub metadata_json: String,
    /// When staff approved it.
    pub approved_time: i64,
    /// When it ended.
    pub processed_time: i64,
    /// When it was asked.
    pub created_time: i64,
    /// When it last changed.
    pub updated_time: i64,
}

/// A deposit as its player sees it.
///
/// # Errors
///
/// `Internal` and the like: the row is damaged.
pub fn of_deposit(deposit: &Deposit, request: Option<&Request>, site: &Site) -> Result<Transaction, Error> {
    let amount = Money::new(deposit.amount, Currency::parse(&deposit.currency)?)?;
    let mut row = Transaction {
        id: deposit.external_id.clone(),
        customer_id: deposit.player_id,
        login: accounts::number(deposit.player_id, amount.currency())?,
        direction: Direction::Deposit,
        source: 0,
        provider: deposit.provider.clone(),
        method: method_of(&deposit.details, site)?,
        provider_payment_id: deposit.transaction_id.clone().unwrap_or_default(),
        amount,
        status: Status::from_code(deposit.status)?,
        failure_reason: String::new(),
        idempotency_key: String::new(),
        comment: String::new(),
        metadata_json: "{}".to_owned(),
        approved_time: 0,
        processed_time: 0,
        created_time: deposit.created_at.div_euclid(SECOND),
        updated_time: deposit.updated_at.div_euclid(SECOND),
    };
    finish(&mut row, request);
    Ok(row)
}

/// A payout as its player sees it.
///
/// # Errors
///
/// `Internal` and the like: the row is damaged.
pub fn of_payout(
    payout: &Payout,
    request: Option<&Request>,
    approved_at: Option<Micros>,
) -> Result<Transaction, Error> {
    let amount = payout.money()?;
    let mut row = Transaction {
        id: payout.external_id.clone(),
        customer_id: payout.player_id,
        login: accounts::number(payout.player_id, amount.currency())?,
        direction: Direction::Payout,
        source: i64::from(request.is_some()),
        provider: if request.is_some() { MANUAL.to_owned() } else { payout.provider.clone() },
        method: String::new(),
        provider_payment_id: payout.transaction_id.clone().unwrap_or_default(),
        amount,
        status: Status::from_code(payout.status)?,
        failure_reason: String::new(),
        idempotency_key: String::new(),
        comment: String::new(),
        metadata_json: "{}".to_owned(),
        approved_time: approved_at.map_or(0, |at| at.div_euclid(SECOND)),
        processed_time: 0,
        created_time: payout.created_at.div_euclid(SECOND),
        updated_time: payout.updated_at.div_euclid(SECOND),
    };
    finish(&mut row, request);
    Ok(row)
}

/// What the request adds, and what follows from the status.
fn finish(row: &mut Transaction, request: Option<&Request>) {
    if let Some(request) = request {
        if !request.method.is_empty() {
            row.method.clone_from(&request.method);
        }
        row.idempotency_key = request.idempotency_key.clone().unwrap_or_default();
        row.comment.clone_from(&request.comment);
        row.metadata_json.clone_from(&request.metadata);
    }
    let (ended, usual) = end(row.direction, row.status);
    if ended {
        row.processed_time = row.updated_time;
    }
    let own = request.map(|request| request.failure_reason.as_str()).filter(|reason| !reason.is_empty());
    if let Some(usual) = usual {
        row.failure_reason = own.unwrap_or(usual).chars().take(LONGEST_REASON).collect();
    }
}

/// Whether a status is an end, and what a player is told when it is not the one they hoped for. What staff wrote is for staff.
fn end(direction: Direction, status: Status) -> (bool, Option<&'static str>) {
    match status {
        Status::Created | Status::PendingPayment | Status::ProviderConfirmed | Status::ManualReview => (false, None),
        Status::Credited | Status::Refunded | Status::Chargeback => (true, None),
        Status::CreditFailed => (false, Some("paid, and not on the balance yet")),
        Status::Failed => (true, Some("declined")),
        Status::Cancelled => match direction {
            Direction::Deposit => (true, Some("expired or given up")),
            Direction::Payout => (true, Some("cancelled")),
        },
    }
}

/// The method whose group at the Cashier the question named.
fn method_of(details: &str, site: &Site) -> Result<String, Error> {
    let damaged = |_| Error::Internal("the details of a deposit are damaged".into());
    let details: BTreeMap<String, String> = serde_json::from_str(details).map_err(damaged)?;
    let method = details.get("payment_group_id").and_then(|group| site.method_of_group(group));
    Ok(method.map(|method| method.name.clone()).unwrap_or_default())
}

/// The number of a direction on ScaleTrade's wire.
pub fn type_of(direction: Direction) -> i64 {
    match direction {
        Direction::Deposit => 0,
        Direction::Payout => 1,
    }
}
