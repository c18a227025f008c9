//! What an applied notification does to a deposit and to the player's money.

use diesel::prelude::*;

use super::{Deposit, lifecycle};
use crate::clock::Micros;
use crate::db::{Fixed, Value, WriteTx, at_home};
use crate::error::Error;
use crate::events::{self, Kind, New};
use crate::ids::{ExternalId, SiteId};
use crate::ledger::{self, PlayerId};
use crate::money::{Currency, Money};
use crate::orders::transitions::{self, Because};
use crate::orders::{Status, awaited, secrets};

/// Puts the paid amount on the player's balance and moves the deposit to `Credited`.
///
/// # Errors
///
/// `OutOfRange` before anything is written, or what the database says.
pub fn credit(
    tx: &mut WriteTx<'_>,
    deposit: &Deposit,
    provider: &'static str,
    why: Because<'_>,
    at: Micros,
) -> Result<(), Error> {
    let order = Order::of(deposit)?;
    ledger::credit_deposit(tx, &order.id, provider, order.site, order.player, order.amount, at)?;
    move_to(tx, deposit, Status::Credited, why, at)
}

/// Takes a credited amount back, as refund or as chargeback. Says whether the player is below zero now.
///
/// # Errors
///
/// `OutOfRange` before anything is written, or what the database says.
pub fn reverse(
    tx: &mut WriteTx<'_>,
    deposit: &Deposit,
    provider: &'static str,
    to: Status,
    why: Because<'_>,
    at: Micros,
) -> Result<bool, Error> {
    let order = Order::of(deposit)?;
    let reverse = if to == Status::Chargeback { ledger::charge_back } else { ledger::refund_deposit };
    let after = reverse(tx, &order.id, provider, order.site, order.player, order.amount, at)?;
    move_to(tx, deposit, to, why, at)?;
    Ok(after.available < 0)
}

/// Moves a deposit without touching money.
///
/// # Errors
///
/// `Internal` when the deposit is not where it was read, or what the database says.
pub fn move_to(tx: &mut WriteTx<'_>, deposit: &Deposit, to: Status, why: Because<'_>, at: Micros) -> Result<(), Error> {
    let from = Status::from_code(deposit.status)?;
    enum Move {}
    let text = &["UPDATE deposits SET status = ", ", updated_at = ", " WHERE external_id = ", " AND status = "];
    let (order, seen) = (Value::Text(&deposit.external_id), Value::Number(deposit.status));
    let values = [Value::Number(to.code()), Value::Number(at), order, seen];
    let set = Fixed::<Move>::new(text, &values);
    let moved = at_home!(tx.write_of::<Deposit>()?, |conn| set.execute(conn));
    if moved? != 1 {
        return Err(Error::Internal(format!("deposit {} moved meanwhile", deposit.external_id)));
    }
    if lifecycle::has_ended(to) {
        awaited::remove(tx, &deposit.external_id)?;
        secrets::forget(tx, &deposit.external_id)?;
    }
    transitions::record(tx, &deposit.external_id, (from, None), (to, None), why, at)?;
    let Some(kind) = Kind::of_deposit(to).filter(|_| from != to) else { return Ok(()) };
    let order = Order::of(deposit)?;
    let moved = New {
        kind,
        site: order.site,
        player: Some(order.player),
        external_id: Some(order.id.as_str()),
        standing: Some((to, None)),
        amount: Some(order.amount),
        reason: why.told(),
    };
    events::emit(tx, moved, at)
}

struct Order {
    id: ExternalId,
    site: SiteId,
    player: PlayerId,
    amount: Money,
}

impl Order {
    fn of(deposit: &Deposit) -> Result<Self, Error> {
        Ok(Self {
            id: ExternalId::parse(&deposit.external_id)?,
            site: SiteId(deposit.site_id),
            player: PlayerId(deposit.player_id),
            amount: Money::new(deposit.amount, Currency::parse(&deposit.currency)?)?,
        })
    }
}
