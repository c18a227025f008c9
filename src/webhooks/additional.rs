//! Money that a provider found and made an order of its own of: one order was paid twice, or nobody knows which it was for.
//!
//! Where the site says so, the player it names is credited with a new deposit, once for each payment of the provider's for ever, and a
//! person looks at it afterwards. Payouts never come from here.
//!
//! Source: Cactus's manual, "Additional deposit callbacks".

use serde_json::json;

use super::apply;
use super::inbox::{self, Verdict};
use crate::clock::Micros;
use crate::db::WriteTx;
use crate::deposits::{self, Deposit, check};
use crate::error::Error;
use crate::ids::{ExternalId, Login, Player, SiteId};
use crate::ledger::PlayerId;
use crate::money::{Currency, Money};
use crate::orders::keys::{self, First, Key};
use crate::orders::transitions::Because;
use crate::orders::{Status, reviews};
use crate::players::{self, Known, PlayerRow};
use crate::providers::{Direction, News, Notification, Question, Surplus};

/// Takes a verified notification like [`apply::receive`], of a provider that may speak of money no order of ours waits for. `surplus` says
/// what is done with that.
///
/// # Errors
///
/// Only why it could not be stored.
pub fn receive(tx: &mut WriteTx<'_>, notification: &Notification, surplus: Surplus, at: Micros) -> Result<(), Error> {
    match surplus {
        Surplus::NotHere => return apply::receive(tx, notification, at),
        Surplus::Review | Surplus::Credit => {}
    }
    if inbox::find(tx, notification)?.is_some() {
        return Ok(());
    }
    match About::of(tx, notification, surplus)? {
        About::AnOrder => apply::receive(tx, notification, at),
        About::Known(order) => {
            let of_order = Notification { external_id: order.as_str().to_owned(), ..notification.clone() };
            apply::receive(tx, &of_order, at)
        }
        About::Elsewhere(order) => {
            let id = inbox::next_id(tx)?;
            inbox::store(tx, id, notification, Verdict::Review, at)?;
            let (named, payment) = (&notification.external_id, &notification.transaction_id);
            let note = format!("deposit {named}: its payment {payment} was credited as deposit {order}");
            review(tx, (id, notification), ("paid_twice", None), None, &note, at)
        }
        About::NoOrder(paid_before) => take(tx, notification, paid_before, surplus, at),
    }
}

/// What a notification is about.
enum About {
    /// The order it names.
    AnOrder,
    /// The order that its payment was booked on, whatever it names now.
    Known(ExternalId),
    /// An order that waits, and a payment that was booked on another one: it cannot have paid both.
    Elsewhere(ExternalId),
    /// Money that no order waits for; the order it names was paid by another payment.
    NoOrder(Option<Deposit>),
}

impl About {
    fn of(tx: &mut WriteTx<'_>, notification: &Notification, surplus: Surplus) -> Result<Self, Error> {
        let booked = booked_on(tx, notification)?;
        if notification.external_id.is_empty() {
            return Ok(booked.map_or(About::NoOrder(None), About::Known));
        }
        let Some(named) = named(tx, notification)? else { return Ok(About::AnOrder) };
        let is_paid = named.status == Status::Credited.code();
        Ok(match booked {
            Some(order) if order.as_str() == named.external_id => About::AnOrder,
            Some(order) if is_paid => About::Known(order),
            Some(order) if notification.news.of(Direction::Deposit) == News::DepositPaid => About::Elsewhere(order),
            None if is_paid && surplus == Surplus::Credit && is_second(tx, notification, &named)? => {
                About::NoOrder(Some(named))
            }
            Some(_) | None => About::AnOrder,
        })
    }
}

/// The deposit that a notification names.
fn named(tx: &mut WriteTx<'_>, notification: &Notification) -> Result<Option<Deposit>, Error> {
    let ours = (notification.provider, notification.site.0);
    let found = deposits::find(tx.read()?, &notification.external_id)?;
    Ok(found.filter(|deposit| (deposit.provider.as_str(), deposit.site_id) == ours))
}

/// Whether it says that the same player paid this order once more, by another payment than the one it was credited for.
fn is_second(tx: &mut WriteTx<'_>, notification: &Notification, paid: &Deposit) -> Result<bool, Error> {
    let said = Notification { news: notification.news.of(Direction::Deposit), ..notification.clone() };
    let login = players::by_id(tx.read()?, PlayerId(paid.player_id))?.login;
    let agrees = said.news == News::DepositPaid && said.login == login && said.currency == paid.currency;
    Ok(agrees && apply::moved_twice(tx, &said)?)
}

fn take(
    tx: &mut WriteTx<'_>,
    notification: &Notification,
    paid_before: Option<Deposit>,
    surplus: Surplus,
    at: Micros,
) -> Result<(), Error> {
    let id = inbox::next_id(tx)?;
    let news = notification.news.of(Direction::Deposit);
    let player = player(tx, notification)?;
    let whose = player.as_ref().map(|player| PlayerId(player.id));
    if news.direction() == Some(Direction::Payout) {
        inbox::store(tx, id, notification, Verdict::Review, at)?;
        let note = format!("a notification ({}) of a payout names no order", notification.codes);
        return review(tx, (id, notification), ("unknown_order", None), whose, &note, at);
    }
    if news != News::DepositPaid {
        return inbox::store(tx, id, notification, Verdict::Recorded, at);
    }
    match creditable(notification, surplus, player.as_ref(), at) {
        Ok((amount, player)) => credit(tx, (id, notification), paid_before.as_ref(), amount, &player, at),
        Err(why) => {
            inbox::store(tx, id, notification, Verdict::Review, at)?;
            let note = format!("{}, and nothing was booked: {why}", described(notification));
            review(tx, (id, notification), ("additional_deposit", None), whose, &note, at)
        }
    }
}

/// The player it names; a name that none can have is nobody's.
fn player(tx: &mut WriteTx<'_>, notification: &Notification) -> Result<Option<PlayerRow>, Error> {
    match Login::parse(&notification.login) {
        Ok(login) => Ok(players::read(tx.read()?, &Player { site: notification.site, login })?),
        Err(_) => Ok(None),
    }
}

/// How much is credited to whom, or why a person has to decide. What really moved must agree with what is stated (threats LIF-9).
fn creditable(
    notification: &Notification,
    surplus: Surplus,
    player: Option<&PlayerRow>,
    at: Micros,
) -> Result<(Money, PlayerRow), &'static str> {
    if surplus != Surplus::Credit {
        return Err("the site's settings leave it to a person");
    }
    if notification.transaction_id.trim().is_empty() {
        return Err("the payment has no id of its own");
    }
    let player = player.ok_or("the site has no such player")?;
    let known = Known::from(player);
    if !known.active || !known.deposit_allowed || known.is_excluded(at) {
        return Err("the player may not deposit");
    }
    let stated = (notification.amount_minor, notification.currency.clone());
    if notification.real.as_ref() != Some(&stated) {
        return Err("what was received is not what is stated");
    }
    let currency = Currency::parse(&notification.currency).map_err(|_| "the currency is not one of ours")?;
    let amount = Money::new(notification.amount_minor, currency).map_err(|_| "the amount is out of range")?;
    Ok((amount, player.clone()))
}

/// Makes an order of the money and credits it, in the same commit as everything else.
fn credit(
    tx: &mut WriteTx<'_>,
    (id, notification): (i64, &Notification),
    paid_before: Option<&Deposit>,
    amount: Money,
    player: &PlayerRow,
    at: Micros,
) -> Result<(), Error> {
    let question = Question {
        direction: Direction::Deposit,
        site: notification.site,
        login: Login::parse(&player.login)?,
        amount,
        transaction_id: None,
        fingerprint: notification.digest,
        purse: None,
        details: Vec::new(),
    };
    let mut details = json!({"asked_by": "provider", "payment": notification.transaction_id});
    if let Some(before) = paid_before {
        details["additional_to"] = before.external_id.as_str().into();
    }
    let order = check::open(tx, notification.provider, &Known::from(player), &question, details.to_string(), at)?;
    let named = Notification { external_id: order.as_str().to_owned(), ..notification.clone() };
    inbox::store(tx, id, &named, Verdict::Recorded, at)?;
    keys::remember(tx, key(FOUND, notification), first(notification, &order, at));
    let deposit = deposits::find(tx.read()?, order.as_str())?.ok_or(Error::NotFound("deposit"))?;
    let cause = format!("webhook {id}");
    let why = Because { cause: &cause, actor: notification.provider, reason: &notification.codes };
    let verdict = apply::credit_or_review(tx, id, &named, &deposit, why, at)?;
    inbox::set_verdict(tx, id, Verdict::Recorded, verdict)?;
    let about = paid_before.map_or_else(String::new, |before| format!(" beside deposit {}", before.external_id));
    let note = format!("{}: deposit {order} was made of it{about}", described(notification));
    review(tx, (id, notification), ("additional_deposit", Some(&order)), Some(PlayerId(player.id)), &note, at)
}

fn described(notification: &Notification) -> String {
    let (minor, currency) = (notification.amount_minor, &notification.currency);
    let payment = &notification.transaction_id;
    format!("{} found {minor} minor units {currency} in its payment {payment}", notification.provider)
}

fn review(
    tx: &mut WriteTx<'_>,
    (id, notification): (i64, &Notification),
    (kind, order): (&'static str, Option<&ExternalId>),
    player: Option<PlayerId>,
    note: &str,
    at: Micros,
) -> Result<(), Error> {
    let site = SiteId(notification.site.0);
    let named = Some(notification.external_id.as_str()).filter(|named| !named.is_empty());
    let external_id = order.map(ExternalId::as_str).or(named);
    reviews::open(tx, reviews::About { kind, site, player, external_id, webhook_id: Some(id), note }, at)?;
    Ok(())
}

/// The key of a payment that a deposit was made of here.
const FOUND: &str = "found";
/// The key of a payment that credited a deposit which waited for it.
const PAYMENT: &str = "payment";

fn key(kind: &str, notification: &Notification) -> Key {
    Key::stored(notification.provider, notification.site, format!("{kind}:{}", notification.transaction_id))
}

fn first(notification: &Notification, order: &ExternalId, at: Micros) -> First {
    First { fingerprint: notification.digest, external_id: order.clone(), asked_at: at }
}

/// The deposit that was made of this payment of the provider's.
pub(super) fn made_of(tx: &mut WriteTx<'_>, notification: &Notification) -> Result<Option<ExternalId>, Error> {
    Ok(keys::find(tx, &key(FOUND, notification))?.map(|first| first.external_id))
}

/// The deposit that this payment of the provider's credited, however it came about.
fn booked_on(tx: &mut WriteTx<'_>, notification: &Notification) -> Result<Option<ExternalId>, Error> {
    match made_of(tx, notification)? {
        Some(order) => Ok(Some(order)),
        None => Ok(keys::find(tx, &key(PAYMENT, notification))?.map(|first| first.external_id)),
    }
}

/// Remembers for ever which payment of the provider's credited a deposit that we began, so that no other deposit is made of it.
pub(super) fn remember(
    tx: &mut WriteTx<'_>,
    notification: &Notification,
    deposit: &Deposit,
    at: Micros,
) -> Result<(), Error> {
    let ours = deposit.transaction_id.is_none() && !notification.transaction_id.is_empty();
    if ours && booked_on(tx, notification)?.is_none() {
        let order = ExternalId::parse(&deposit.external_id)?;
        keys::remember(tx, key(PAYMENT, notification), first(notification, &order, at));
    }
    Ok(())
}
