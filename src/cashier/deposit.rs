//! A player begins a deposit here: an order first, then, with no transaction open, the door of the Cashier, then where it is.
//!
//! The Cashier asks about it afterwards with `check_deposit`, and that question takes the order over.

use super::intents::{self, Intent};
use super::metadata::Metadata;
use super::methods::{self, Offer, Why};
use super::requests::{self, Request};
use super::{details, overrides};
use crate::clock::{DAY_MICROS, Micros};
use crate::db::{DbConn, WriteTx};
use crate::deposits::{self, check, credit};
use crate::error::Error;
use crate::ids::{ExternalId, Login, SiteId};
use crate::limits;
use crate::money::Money;
use crate::orders::transitions::{Because, SYSTEM};
use crate::orders::{RAIL, Status, awaited};
use crate::outgoing::page::web_page;
use crate::players::{self, Known, PlayerRow};
use crate::protection;
use crate::providers::purse::mask;
use crate::providers::{Direction, Providers, Question, Texts};
use crate::settings::{MethodLimits, Site};

/// Deposits that one player may have begun and not paid. Fewer, and somebody who cannot decide is sent away; more, and a script fills
/// the books.
const MOST_BEGUN: i64 = 100;

/// What a player asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct Wanted {
    /// How much.
    pub amount: Money,
    /// Through whom; `None`: the site's only provider.
    pub provider: Option<String>,
    /// How; `None`: the only one there is.
    pub method: Option<String>,
    /// What makes the request recognisable.
    pub idempotency_key: Option<String>,
    /// A note, masked.
    pub comment: String,
    /// The casino's own data.
    pub metadata: Metadata,
    /// Where the player goes after a payment, and after none.
    pub urls: [Option<String>; 2],
    /// What the player gave for the method; passed on and kept nowhere.
    pub details: Texts,
}

/// Without what nobody may read in a log.
impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Wanted");
        shown.field("amount", &self.amount).field("provider", &self.provider).field("method", &self.method);
        shown.finish_non_exhaustive()
    }
}

/// The longest address of a page that a player or a game server names.
const LONGEST_URL: usize = 2048;

/// Reads an address that a browser can go to.
///
/// # Errors
///
/// `Invalid` with `field`.
pub fn read_url(sent: Option<String>, field: &'static str) -> Result<Option<String>, Error> {
    let Some(text) = sent.filter(|text| !text.is_empty()) else { return Ok(None) };
    match web_page(&text) {
        Some(_) if text.len() <= LONGEST_URL => Ok(Some(mask(&text).into_owned())),
        Some(_) | None => Err(Error::Invalid(field)),
    }
}

/// What became of the wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// An order waits for its provider to be opened: this one, by this method on its wire.
    Open(ExternalId, Door),
    /// The same was asked before, and there is nothing left to open.
    Before(ExternalId),
    /// The method is not for this player now.
    NotOffered(Why),
    /// The site has no such method or provider.
    NoSuchMethod,
    /// Several methods are there: one must be named.
    NotNamed,
}

/// Through whom a deposit goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The provider.
    pub provider: &'static str,
    /// The method on its wire.
    pub rail: Option<String>,
}

/// Writes the order of a deposit that is allowed, or finds the one that the same request made.
///
/// # Errors
///
/// `ReferenceReused`; then `PlayerBlocked`, `Missing` or `Invalid` with a detail, `BelowMinimum`, `AboveMaximum`, `TooMany`, `Conflict`
/// when too many are begun: nothing is written.
pub fn begin(
    tx: &mut WriteTx<'_>,
    providers: &Providers,
    site: &Site,
    player: &PlayerRow,
    wanted: &Wanted,
    at: Micros,
) -> Result<Begun, Error> {
    let fingerprint = fingerprint(wanted);
    let key = wanted.idempotency_key.as_deref();
    if let Some(first) = requests::repeated(tx, player.id, Direction::Deposit, key, &fingerprint)? {
        return again(tx, site, &first, player, at);
    }
    let player = players::read(tx.read()?, &player.named()?)?.ok_or(Error::UnknownPlayer)?;
    let known = Known::from(&player);
    if !known.active {
        return Err(Error::PlayerBlocked);
    }
    let exceptions = overrides::of_player(tx.read()?, player.id)?;
    let offer = match choose(site, &player, &exceptions, wanted, at) {
        Ok(offer) => offer,
        Err(instead) => return Ok(instead),
    };
    let door = Door {
        provider: super::named(site, &offer.method.provider).ok_or(Error::DepositsNotAllowed)?,
        rail: offer.method.provider_method.clone(),
    };
    let driver = providers.of_site(door.provider, site.site_id).ok_or(Error::DepositsNotAllowed)?;
    driver.check(site.site_id, Direction::Deposit, door.rail.as_deref(), &wanted.details)?;
    limits::method(&MethodLimits { deposit_min: offer.min, deposit_max: offer.max }, wanted.amount.minor())?;
    if deposits::count_since(tx.read()?, known.id, at - DAY_MICROS)? >= super::MOST_A_DAY {
        return Err(Error::TooMany("deposits"));
    }
    if intents::open_of_player(tx, player.id, at)? >= MOST_BEGUN {
        return Err(Error::Conflict("too many deposits are begun and not paid".into()));
    }
    protection::check_deposit(tx, site, &known, wanted.amount, at)?;
    let id = write(tx, &known, wanted, (&door, &offer.method.name), fingerprint, at)?;
    if driver.lost_opening_counts(site.site_id, door.rail.as_deref()) {
        // From here on it may be paid, whatever becomes of this process: it is never opened a second time.
        let deposit = deposits::find(tx.read()?, id.as_str())?.ok_or(Error::NotFound("deposit"))?;
        let why = Because { cause: "open", actor: SYSTEM, reason: "the provider is asked to open" };
        credit::move_to(tx, &deposit, Status::PendingPayment, why, at)?;
        awaited::add(tx, id.as_str(), door.provider, site.site_id, at)?;
    }
    Ok(Begun::Open(id, door))
}

/// Writes the order, the request that made it, and that it is begun.
fn write(
    tx: &mut WriteTx<'_>,
    player: &Known,
    wanted: &Wanted,
    (door, method): (&Door, &str),
    fingerprint: [u8; 32],
    at: Micros,
) -> Result<ExternalId, Error> {
    let row = players::by_id(tx.read()?, player.id)?;
    let question = Question {
        direction: Direction::Deposit,
        site: SiteId(row.site_id),
        login: Login::parse(&row.login)?,
        amount: wanted.amount,
        transaction_id: None,
        fingerprint,
        purse: None,
        details: Vec::new(),
    };
    let id = check::open(tx, door.provider, player, &question, details(wanted, door)?, at)?;
    let request = Request {
        external_id: id.as_str().to_owned(),
        player_id: row.id,
        direction: requests::direction_name(Direction::Deposit).to_owned(),
        idempotency_key: wanted.idempotency_key.clone(),
        fingerprint: fingerprint.to_vec(),
        method: method.to_owned(),
        comment: wanted.comment.clone(),
        metadata: wanted.metadata.text.clone(),
        redirect_url: None,
        failure_reason: String::new(),
        created_at: at,
    };
    requests::insert(tx, &request)?;
    let intent = Intent {
        player_id: row.id,
        external_id: id.as_str().to_owned(),
        provider: door.provider.to_owned(),
        amount: wanted.amount.minor(),
        currency: wanted.amount.currency().code().to_owned(),
        created_at: at,
    };
    intents::add(tx, &intent)?;
    Ok(id)
}

/// What the same request made before: its door is opened again while nobody knows where it is.
fn again(tx: &mut WriteTx<'_>, site: &Site, first: &Request, player: &PlayerRow, at: Micros) -> Result<Begun, Error> {
    let id = ExternalId::parse(&first.external_id)?;
    let deposit = deposits::find(tx.read()?, id.as_str())?.ok_or(Error::NotFound("deposit"))?;
    let waits = deposit.status == Status::Created.code() && deposit.transaction_id.is_none();
    let waits = waits && first.redirect_url.is_none() && methods::gate_is_open(player, at);
    let method = site.methods.iter().find(|method| method.name == first.method);
    let rail = method.and_then(|method| method.provider_method.clone());
    let door = super::named(site, &deposit.provider).map(|provider| Door { provider, rail });
    Ok(match door.filter(|_| waits) {
        Some(door) => Begun::Open(id, door),
        None => Begun::Before(id),
    })
}

/// The one method that fits what was asked.
fn choose<'a>(
    site: &'a Site,
    player: &PlayerRow,
    exceptions: &'a [overrides::Override],
    wanted: &Wanted,
    at: Micros,
) -> Result<Offer<'a>, Begun> {
    if !methods::gate_is_open(player, at) {
        return Err(Begun::NotOffered(Why::Gate));
    }
    let named = site.methods.iter().filter(|method| {
        wanted.provider.as_ref().is_none_or(|provider| method.provider == *provider)
            && wanted.method.as_ref().is_none_or(|name| method.name == *name)
    });
    let currency = wanted.amount.currency();
    let (mut fitting, mut reason) = (Vec::new(), None);
    for method in named {
        match methods::eligible(site, method, currency, player, exceptions, at) {
            Ok(offer) => fitting.push(offer),
            Err(why) => reason = reason.or(Some(why)),
        }
    }
    match (fitting.as_slice(), reason) {
        ([offer], _) => Ok(*offer),
        ([], Some(why)) => Err(Begun::NotOffered(why)),
        ([], None) => Err(Begun::NoSuchMethod),
        ([_, _, ..], _) => Err(Begun::NotNamed),
    }
}

/// As it was asked, not as it was understood: settings may change until the request comes again.
fn fingerprint(wanted: &Wanted) -> [u8; 32] {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    requests::fingerprint(&[
        &wanted.amount.minor().to_string(),
        wanted.amount.currency().code(),
        &or_empty(&wanted.provider),
        &or_empty(&wanted.method),
        &wanted.comment,
        &wanted.metadata.text,
        &or_empty(&wanted.urls[0]),
        &or_empty(&wanted.urls[1]),
        &details::fingerprint(&wanted.details),
    ])
}

/// What was begun so long ago that no question takes it over any more: nobody can pay it. The oldest ones, at most so many.
///
/// # Errors
///
/// What the database says.
pub fn expired(conn: &mut DbConn, at: Micros, most: i64) -> Result<Vec<Expired>, Error> {
    let intents = intents::expired(conn, at, most)?;
    Ok(intents
        .into_iter()
        .map(|intent| Expired { player: intent.player_id, external_id: intent.external_id })
        .collect())
}

/// A beginning that is too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Whose.
    pub player: i64,
    /// Its order.
    pub external_id: String,
}

/// Ends one of those, unless it was taken over or ended meanwhile. Says whether it was still there.
///
/// # Errors
///
/// What the database says.
pub fn expire(tx: &mut WriteTx<'_>, begun: &Expired, at: Micros) -> Result<bool, Error> {
    if !intents::remove(tx, begun.player, &begun.external_id)? {
        return Ok(false);
    }
    let deposit = deposits::find(tx.read()?, &begun.external_id)?.ok_or(Error::NotFound("deposit"))?;
    let waits = [Status::Created.code(), Status::PendingPayment.code()].contains(&deposit.status);
    if waits && deposit.transaction_id.is_none() {
        let why = Because { cause: "expired", actor: SYSTEM, reason: "the Cashier never asked about it" };
        credit::move_to(tx, &deposit, Status::Cancelled, why, at)?;
    }
    Ok(true)
}

/// What is kept with the order.
fn details(wanted: &Wanted, door: &Door) -> Result<String, Error> {
    let mut details = serde_json::Map::new();
    details.insert("asked_by".to_owned(), "player".into());
    details.extend(door.rail.as_ref().map(|rail| (RAIL.to_owned(), rail.as_str().into())));
    let given = details::shown(&wanted.details).into_iter();
    details.extend(given.map(|(name, text)| (format!("details.{name}"), text.into())));
    for (name, url) in ["success_url", "failure_url"].into_iter().zip(&wanted.urls) {
        if let Some(url) = url {
            details.insert(name.to_owned(), url.as_str().into());
        }
    }
    serde_json::to_string(&details).map_err(|error| Error::Internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_a_browser_can_go_to() {
        let read = |text: &str| read_url(Some(text.to_owned()), "success_url");
        for good in ["https://casino.example/ok?a=1", "http://127.0.0.1:3000/"] {
            assert_eq!(read(good).unwrap().as_deref(), Some(good));
        }
        assert_eq!((read("").unwrap(), read_url(None, "success_url").unwrap()), (None, None));
        let refused =
            ["ok", "//casino.example", "https:/casino.example/", "javascript:alert(1)", "https://a@casino.example/"];
        for text in refused {
            assert!(matches!(read(text), Err(Error::Invalid("success_url"))), "{text:?}");
        }
        assert_eq!(
            read("https://x.example/?card=4111111111111111").unwrap().unwrap(),
            "https://x.example/?card=411111...1111"
        );
    }
}
