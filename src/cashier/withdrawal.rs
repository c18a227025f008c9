//! A player asks for money here, and may take the request back while nothing of it has left.
//!
//! It waits for staff whatever the settings say of payouts that the Cashier asks for: nobody has looked at its destination yet. After the
//! approval it goes out through the site's provider like every other payout.

use std::net::IpAddr;

use super::metadata::Metadata;
use super::requests::{self, Request};
use super::{details, methods};
use crate::clock::{DAY_MICROS, Micros};
use crate::db::WriteTx;
use crate::error::Error;
use crate::ids::{ExternalId, Login, SiteId};
use crate::ledger::PlayerId;
use crate::money::Money;
use crate::orders::secrets::{self, Kept};
use crate::orders::transitions::{self, Because};
use crate::orders::{RAIL, Status};
use crate::payouts::lifecycle::{self, No};
use crate::payouts::{self, outbox, request};
use crate::players::{self, Known, PlayerRow};
use crate::providers::{Direction, Providers, Question, Texts};
use crate::settings::{Approval, Method, Site};
use crate::vault::Vault;

/// Who takes a payout back, and how the record of changes calls it.
const PLAYER: &str = "player";

/// The provider whose own page asks players for everything.
const CASHIER: &str = "carouseller";
const CANCEL: &str = "cancel";

/// What a player asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct Wanted {
    /// How much.
    pub amount: Money,
    /// What makes the request recognisable.
    pub idempotency_key: Option<String>,
    /// A note, masked.
    pub comment: String,
    /// The casino's own data, and where the money goes.
    pub metadata: Metadata,
    /// Through whom; `None`: whoever has the method.
    pub provider: Option<String>,
    /// How; `None`: the only one there is for this player and currency.
    pub method: Option<String>,
    /// What the player gave for the method: kept sealed until the payout ends.
    pub details: Texts,
    /// The player's own address, which some providers ask for.
    pub customer_ip: IpAddr,
}

/// Without what nobody may read in a log.
impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Wanted");
        shown.field("amount", &self.amount).field("provider", &self.provider).field("method", &self.method);
        shown.finish_non_exhaustive()
    }
}

/// Holds the money and writes the order; a repetition gets the first one's id.
///
/// # Errors
///
/// `ReferenceReused`; then `PlayerBlocked`, `PayoutsNotAllowed`, `BelowMinimum`, `AboveMaximum`, `TooMany`, `Missing` or `Invalid` with
/// `method` or a detail, `InsufficientFunds`: nothing is written.
pub fn make(
    tx: &mut WriteTx<'_>,
    providers: &Providers,
    vault: &Vault,
    site: &Site,
    player: &PlayerRow,
    wanted: &Wanted,
    at: Micros,
) -> Result<ExternalId, Error> {
    let amount = wanted.amount;
    let (minor, comment, metadata) = (amount.minor().to_string(), &wanted.comment, &wanted.metadata);
    let currency = amount.currency();
    let mut parts = vec![minor.as_str(), currency.code(), comment, &metadata.text];
    let (given, or_empty) =
        (details::fingerprint(&wanted.details), |text: &Option<String>| text.clone().unwrap_or_default());
    let (provider, method) = (or_empty(&wanted.provider), or_empty(&wanted.method));
    if !wanted.details.is_empty() || !provider.is_empty() || !method.is_empty() {
        parts.extend([provider.as_str(), &method, &given]);
    }
    let fingerprint = requests::fingerprint(&parts);
    let key = wanted.idempotency_key.as_deref();
    if let Some(first) = requests::repeated(tx, player.id, Direction::Payout, key, &fingerprint)? {
        return ExternalId::parse(&first.external_id);
    }
    let known = players::read(tx.read()?, &player.named()?)?.ok_or(Error::UnknownPlayer)?;
    let known = Known::from(&known);
    let question = Question {
        direction: Direction::Payout,
        site: SiteId(player.site_id),
        login: Login::parse(&player.login)?,
        amount,
        transaction_id: None,
        fingerprint,
        purse: metadata.purse.clone(),
        details: Vec::new(),
    };
    request::decide(&known, site, &question)?;
    if payouts::count_since(tx.read()?, PlayerId(player.id), at - DAY_MICROS)? >= super::MOST_A_DAY {
        return Err(Error::TooMany("withdrawals"));
    }
    let route = route(site, player, wanted)?;
    let driver = providers.of_site(route.provider, site.site_id).ok_or(Error::PayoutsNotAllowed)?;
    driver.check(site.site_id, Direction::Payout, route.rail.as_deref(), &wanted.details)?;
    // Whatever the site lets go by itself, this one waits for a person.
    let mut waiting = site.clone();
    waiting.payouts.approval = Approval::Manual;
    let details = details(wanted, &route)?;
    let id = request::open(tx, route.provider, &waiting, &known, &question, details, at)?;
    if !wanted.details.is_empty() {
        secrets::keep_texts(tx, vault, id.as_str(), Kept::Details, &wanted.details)?;
    }
    let request = Request {
        external_id: id.as_str().to_owned(),
        player_id: player.id,
        direction: requests::direction_name(Direction::Payout).to_owned(),
        idempotency_key: wanted.idempotency_key.clone(),
        fingerprint: fingerprint.to_vec(),
        method: route.method,
        comment: comment.clone(),
        metadata: metadata.text.clone(),
        redirect_url: None,
        failure_reason: String::new(),
        created_at: at,
    };
    requests::insert(tx, &request)?;
    Ok(id)
}

/// Through whom a payout goes, and how.
#[derive(Debug)]
struct Route {
    provider: &'static str,
    /// The method's name; empty where the Cashier's own page asks.
    method: String,
    /// The method on the provider's wire.
    rail: Option<String>,
}

/// The one method of the settings that fits; a site whose settings name none pays through its Cashier.
fn route(site: &Site, player: &PlayerRow, wanted: &Wanted) -> Result<Route, Error> {
    if site.payout_methods().next().is_none() {
        let provider = super::named(site, CASHIER).ok_or(Error::PayoutsNotAllowed)?;
        if wanted.method.is_some() {
            return Err(Error::Invalid("method"));
        }
        if wanted.provider.as_ref().is_some_and(|named| named != provider) {
            return Err(Error::Invalid("provider"));
        }
        return Ok(Route { provider, method: String::new(), rail: None });
    }
    let currency = wanted.amount.currency();
    let named = |method: &&Method| {
        wanted.provider.as_ref().is_none_or(|provider| method.provider == *provider)
            && wanted.method.as_ref().is_none_or(|name| method.name == *name)
    };
    let fits = |method: &&Method| named(method) && methods::pays(method, currency, player);
    let mut fitting = site.payout_methods().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(method), None) => {
            let provider = super::named(site, &method.provider).ok_or(Error::PayoutsNotAllowed)?;
            Ok(Route { provider, method: method.name.clone(), rail: method.provider_method.clone() })
        }
        (None, _) if wanted.method.is_some() => Err(Error::Invalid("method")),
        (None, _) if wanted.provider.is_some() => Err(Error::Invalid("provider")),
        (None, _) => Err(Error::PayoutsNotAllowed),
        (Some(_), Some(_)) => Err(Error::Missing("method")),
    }
}

/// What staff see beside the order, and how it goes on the provider's wire.
fn details(wanted: &Wanted, route: &Route) -> Result<String, Error> {
    let mut details = serde_json::Map::new();
    details.insert("asked_by".to_owned(), PLAYER.into());
    details.insert("customer_ip".to_owned(), wanted.customer_ip.to_canonical().to_string().into());
    if !wanted.comment.is_empty() {
        details.insert("comment".to_owned(), wanted.comment.as_str().into());
    }
    if wanted.metadata.text != "{}" {
        details.insert("metadata_json".to_owned(), wanted.metadata.text.as_str().into());
    }
    details.extend(route.rail.as_ref().map(|rail| (RAIL.to_owned(), rail.as_str().into())));
    let given = details::shown(&wanted.details).into_iter();
    details.extend(given.map(|(name, text)| (format!("details.{name}"), text.into())));
    serde_json::to_string(&details).map_err(|error| Error::Internal(error.to_string()))
}

/// What became of the wish to take a payout back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// It is cancelled, and the money is back: now, or since an earlier wish.
    Done,
    /// The site does not let players do this.
    NotOffered,
}

/// Takes a payout of the player back and gives the held money back.
///
/// # Errors
///
/// `NotFound`: no payout of this player. `Conflict`: something of it may have left, or it has ended.
pub fn take_back(
    tx: &mut WriteTx<'_>,
    site: &Site,
    player: &PlayerRow,
    id: &ExternalId,
    at: Micros,
) -> Result<TakenBack, Error> {
    let payout = payouts::find(tx.read()?, id.as_str())?.filter(|payout| payout.player_id == player.id);
    let payout = payout.ok_or(Error::NotFound("withdrawal"))?;
    let (status, stage) = payout.standing()?;
    if status == Status::Cancelled && was_taken_back(tx, id)? {
        return Ok(TakenBack::Done);
    }
    if !site.payouts.player_may_cancel {
        return Ok(TakenBack::NotOffered);
    }
    let reached = outbox::history(tx.read()?, id.as_str())?.reached;
    lifecycle::decline(stage, reached).map_err(|no| match no {
        No::NotNow | No::AlreadySo => Error::Conflict("the withdrawal is on its way or has ended".into()),
        No::Because(_) => Error::Conflict("the withdrawal may be on its way".into()),
    })?;
    let why = Because { cause: CANCEL, actor: PLAYER, reason: "taken back by the player" };
    payouts::release(tx, &payout, Status::Cancelled, why, at)?;
    Ok(TakenBack::Done)
}

/// Whether it was the player who ended it.
fn was_taken_back(tx: &mut WriteTx<'_>, id: &ExternalId) -> Result<bool, Error> {
    let changes = transitions::of_order(tx.read()?, id.as_str())?;
    Ok(changes.last().is_some_and(|change| change.cause == CANCEL && change.actor == PLAYER))
}
