//! Payment API 1.0: deposits and payouts by card, host to host, in one of the platform's payment groups.
//!
//! Source: protocol, "Payment API 1.0". A session key first, which makes nothing, and with it the order. The bodies of all answers are
//! missing in the public manual: they are read like the answer to a payout initiation. Notifications are those of the Cashier.

mod card;
mod deposit;
mod payout;
mod session;

use super::account::Account;
use super::initiation::read_initiation_answer;
use super::wire::plain_number;
use super::writing::unambiguous;
use crate::error::Error;
use crate::money::{Currency, Money};
use crate::outgoing::Reply;
use crate::providers::{DepositOrder, Direction, InitiationAnswer, Opening, PayoutOrder, Step, Texts};

/// Korean virtual accounts: the second of their two requests is missing in the public manual.
const HALF_DESCRIBED: i64 = 1207;

/// Currencies whose amounts are whole, as API 1.0 lists them.
const WHOLE: [&str; 3] = ["JPY", "KRW", "VND"];

/// Whether an account takes this here. Groups are the platform's own numbers, and the public list of them is missing: each is taken for one
/// of cards. Currencies whose decimals the manual leaves in doubt, those with none that it does not list and those with more than two, are not.
pub(super) fn serves(account: &Account, direction: Direction, group: &str, currency: Currency) -> bool {
    let url = match direction {
        Direction::Deposit => &account.deposit_url,
        Direction::Payout => &account.direct_payout_url,
    };
    let is_clear = currency.exponent() == 2 || is_whole(currency);
    account.session_url.is_some() && url.is_some() && number(group).is_ok() && is_clear
}

/// Whether these are the details of a card, as the direction needs them.
pub(super) fn check(direction: Direction, details: &Texts) -> Result<(), Error> {
    card::check(direction, details)
}

/// The next request of a payout, or what came of it.
pub(super) fn pay(
    account: &Account,
    order: &PayoutOrder,
    group: &str,
    replies: &[Reply],
) -> Result<Step<InitiationAnswer>, Error> {
    // Before anything goes: what cannot be written is told while nothing has begun.
    let group = number(group)?;
    check(Direction::Payout, &order.details)?;
    unambiguous("card_holder", order.details.get("card_holder").map_or("", String::as_str))?;
    match replies {
        [] => session::of_payout(account, order).map(Step::prepare),
        [reply] => match session::read(reply) {
            Ok(key) => payout::call(account, order, group, &key).map(Step::call),
            // It is not there, and may be later.
            Err(why) => Ok(Step::Done(InitiationAnswer::NotNow(format!("no session: {why}")))),
        },
        [_, reply, ..] => Ok(Step::Done(read_initiation_answer(reply.status, &reply.body))),
    }
}

/// The next request of a deposit, or where it is paid.
pub(super) fn open(
    account: &Account,
    order: &DepositOrder,
    group: &str,
    replies: &[Reply],
) -> Result<Step<Opening>, Error> {
    let group = number(group)?;
    check(Direction::Deposit, &order.details)?;
    match replies {
        [] => session::of_deposit(account, order).map(Step::prepare),
        [reply] => match session::read(reply) {
            Ok(key) => deposit::call(account, order, group, &key).map(Step::call),
            Err(why) => Ok(Step::Done(Opening::Refused(format!("no session: {why}")))),
        },
        [_, reply, ..] => Ok(Step::Done(deposit::read(reply))),
    }
}

/// A payment group.
fn number(group: &str) -> Result<i64, Error> {
    let known = plain_number(group).filter(|group| *group > 0 && *group != HALF_DESCRIBED);
    known.ok_or(Error::Invalid("provider_method"))
}

fn is_whole(currency: Currency) -> bool {
    WHOLE.contains(&currency.code())
}

/// Major units as a JSON number, in its shortest form: `20.5`, `20`. The reader signs the number as it prints it, and so it prints it.
fn decimal(amount: Money) -> String {
    let text = amount.currency().in_major(amount.minor());
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
