//! The ledger's operations: each is one journal entry, and needs proof of an open write transaction.
//!
//! None of them repeats: the caller looks first whether the effect is there already, and the unique cause is the last defence.

use super::account::{Account, Balance, PlayerId};
use super::entry::{Draft, EntryKind, Overdraft};
use super::record::{cause_of_hold_end, record};
use crate::clock::Micros;
use crate::db::WriteTx;
use crate::error::Error;
use crate::ids::{ExternalId, SiteId};
use crate::money::Money;

/// A paid deposit reaches the player's available money.
///
/// # Errors
///
/// `OutOfRange`; nothing is written.
pub fn credit_deposit(
    tx: &mut WriteTx<'_>,
    order: &ExternalId,
    provider: &'static str,
    site: SiteId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Clearing(provider, site), Account::Available(player));
    entry(tx, EntryKind::Deposit, format!("{order}:credit"), player, debit, credit, amount, at)
}

/// A credited deposit goes back by refund or void; the balance may go below zero.
///
/// # Errors
///
/// `OutOfRange`; nothing is written.
pub fn refund_deposit(
    tx: &mut WriteTx<'_>,
    order: &ExternalId,
    provider: &'static str,
    site: SiteId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Available(player), Account::Clearing(provider, site));
    entry(tx, EntryKind::DepositRefund, format!("{order}:reversal"), player, debit, credit, amount, at)
}

/// A credited deposit is taken back by the card's bank; the balance may go below zero.
///
/// # Errors
///
/// `OutOfRange`; nothing is written.
pub fn charge_back(
    tx: &mut WriteTx<'_>,
    order: &ExternalId,
    provider: &'static str,
    site: SiteId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Available(player), Account::Clearing(provider, site));
    entry(tx, EntryKind::Chargeback, format!("{order}:reversal"), player, debit, credit, amount, at)
}

/// Sets `amount` of the player's available money aside for a payout. The player's total does not change.
///
/// # Errors
///
/// `InsufficientFunds`; nothing is written.
pub fn hold(
    tx: &mut WriteTx<'_>,
    order: &ExternalId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Available(player), Account::Held(player));
    entry(tx, EntryKind::Hold, format!("{order}:hold"), player, debit, credit, amount, at)
}

/// The payout was paid: the held money leaves. Ends the hold; shares its cause with [`release`], so only one of them can happen.
///
/// # Errors
///
/// `InsufficientFunds` when nothing is held, which would be a bug.
pub fn capture(
    tx: &mut WriteTx<'_>,
    order: &ExternalId,
    provider: &'static str,
    site: SiteId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Held(player), Account::Clearing(provider, site));
    entry(tx, EntryKind::Capture, cause_of_hold_end(order), player, debit, credit, amount, at)
}

/// The payout was not paid: the held money is available again. Ends the hold.
///
/// # Errors
///
/// `InsufficientFunds` when nothing is held, which would be a bug.
pub fn release(
    tx: &mut WriteTx<'_>,
    order: &ExternalId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Held(player), Account::Available(player));
    entry(tx, EntryKind::Release, cause_of_hold_end(order), player, debit, credit, amount, at)
}

/// A person decided that a finished payout ended the other way: `paid` takes the money from the player after all (below zero if
/// need be), otherwise the player gets it back. `number` counts the corrections of this order.
///
/// # Errors
///
/// `OutOfRange`; nothing is written.
#[expect(clippy::too_many_arguments, reason = "each is another kind of thing, and all are needed")]
pub fn correct_payout(
    tx: &mut WriteTx<'_>,
    order: &ExternalId,
    number: i64,
    paid: bool,
    provider: &'static str,
    site: SiteId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (clearing, available) = (Account::Clearing(provider, site), Account::Available(player));
    let (debit, credit) = if paid { (available, clearing) } else { (clearing, available) };
    let cause = format!("{order}:correction:{number}");
    entry(tx, EntryKind::PayoutCorrection, cause, player, debit, credit, amount, at)
}

/// Takes a bet. `id` is that of the game server's transaction.
///
/// # Errors
///
/// `InsufficientFunds`, `OutOfRange`; nothing is written.
pub fn bet(
    tx: &mut WriteTx<'_>,
    id: &str,
    site: SiteId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Available(player), Account::Games(site));
    entry(tx, EntryKind::Bet, id.to_owned(), player, debit, credit, amount, at)
}

/// Pays a win.
///
/// # Errors
///
/// `OutOfRange`; nothing is written.
pub fn win(
    tx: &mut WriteTx<'_>,
    id: &str,
    site: SiteId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Games(site), Account::Available(player));
    entry(tx, EntryKind::Win, id.to_owned(), player, debit, credit, amount, at)
}

/// Gives money back on behalf of the game server.
///
/// # Errors
///
/// `OutOfRange`; nothing is written.
pub fn wallet_refund(
    tx: &mut WriteTx<'_>,
    id: &str,
    site: SiteId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Games(site), Account::Available(player));
    entry(tx, EntryKind::WalletRefund, id.to_owned(), player, debit, credit, amount, at)
}

/// Undoes the bet with the given id.
///
/// # Errors
///
/// `OutOfRange`; nothing is written.
pub fn roll_back_bet(
    tx: &mut WriteTx<'_>,
    bet: &str,
    site: SiteId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Games(site), Account::Available(player));
    entry(tx, EntryKind::Rollback, format!("{bet}:rollback"), player, debit, credit, amount, at)
}

/// Gives a bonus.
///
/// # Errors
///
/// `OutOfRange`; nothing is written.
pub fn bonus(
    tx: &mut WriteTx<'_>,
    id: &str,
    site: SiteId,
    player: PlayerId,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let (debit, credit) = (Account::Promotions(site), Account::Available(player));
    entry(tx, EntryKind::Bonus, id.to_owned(), player, debit, credit, amount, at)
}

/// Puts a balance right by hand: gives when `gives`, takes otherwise. Only `by_staff` may it go below zero.
///
/// # Errors
///
/// `InsufficientFunds` when it is not by staff, `OutOfRange`; nothing is written.
#[expect(clippy::too_many_arguments, reason = "each is another kind of thing, and all are needed")]
pub fn adjust(
    tx: &mut WriteTx<'_>,
    id: &str,
    site: SiteId,
    player: PlayerId,
    gives: bool,
    amount: Money,
    by_staff: bool,
    at: Micros,
) -> Result<Balance, Error> {
    let (house, available) = (Account::Adjustments(site), Account::Available(player));
    let (debit, credit) = if gives { (house, available) } else { (available, house) };
    let overdraft = if by_staff { Overdraft::Allowed } else { Overdraft::Refused };
    let (kind, cause) = (EntryKind::Adjustment, id.to_owned());
    record(tx, Draft { kind, cause, player, debit, credit, amount, overdraft, at })
}

#[expect(clippy::too_many_arguments, reason = "the fields of one entry, named at every call above")]
fn entry(
    tx: &mut WriteTx<'_>,
    kind: EntryKind,
    cause: String,
    player: PlayerId,
    debit: Account,
    credit: Account,
    amount: Money,
    at: Micros,
) -> Result<Balance, Error> {
    let overdraft = if kind.may_overdraw() { Overdraft::Allowed } else { Overdraft::Refused };
    record(tx, Draft { kind, cause, player, debit, credit, amount, overdraft, at })
}
