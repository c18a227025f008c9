//! Rebilly: deposit requests, cashiers, payout requests with their allocations, webhooks and the notice to notificationUrl.
//!
//! Nothing that Rebilly sends by itself carries a signature over what it says (manual, "Webhooks", "notificationUrl"): a message is
//! authenticated and then only a hint, and what moves money is always read back with the secret key.

mod account;
mod auth;
mod call;
mod deposit;
mod deposit_status;
mod desk;
mod notice;
mod payout;
mod payout_status;
mod request;
mod split;
mod statement;
mod transaction;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    DepositOrder, Desk, DeskCall, Direction, Heard, InitiationAnswer, Inquired, Ladder, Manners, OpenOrder, Opening,
    PayoutOrder, Provider, RawRequest, ReadError, Said, SiteFacts, Step, Texts, Told,
};
use crate::error::Error;
use crate::ids::{Login, SiteId};
use crate::money::Currency;
use crate::outgoing::{AddressRules, Reply};
use crate::secret::Secret;
use crate::sections::Section;
use account::{Account, is_id};
use call::{Script, step};

/// The provider's name in URLs, settings and tables.
const PROVIDER: &str = "rebilly";

/// The player's profile field with their id at Rebilly, where it is not the login.
const CUSTOMER: &str = "rebilly_customer_id";

/// The one detail of a payout: which instrument of the customer is preferred (manual, "Payout requests", paymentInstrumentId).
const INSTRUMENT: &str = "payment_instrument_id";

/// No schedule is documented (manual, "Webhooks"): it counts as a day.
const LADDER: Ladder = Ladder { pauses: &[], then: (0, 0) };

/// The dialect, for all sites that use it.
#[derive(Debug, Default)]
pub struct Rebilly {
    accounts: BTreeMap<i64, Account>,
}

impl Rebilly {
    fn account(&self, site: SiteId) -> Result<&Account, Error> {
        self.accounts.get(&site.0).ok_or(Error::NotFound("site"))
    }
}

/// How Rebilly calls the player: the profile's `rebilly_customer_id`, or else the login where it can be one.
///
/// # Errors
///
/// `Invalid` with the name of the one that cannot be an id of Rebilly's.
fn customer<'a>(login: &'a Login, profile: &'a [(String, String)]) -> Result<&'a str, Error> {
    let own = profile.iter().find(|(name, text)| name == CUSTOMER && !text.is_empty());
    match own {
        Some((_, id)) if is_id(id) => Ok(id),
        Some(_) => Err(Error::Invalid(CUSTOMER)),
        None if is_id(login.as_str()) => Ok(login.as_str()),
        None => Err(Error::Invalid("site_login")),
    }
}

/// Rebilly's page asks for everything; `provider_method` is its name of a payment method (`payment-card`) and goes nowhere on the wire.
fn is_method(rail: Option<&str>) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    rail.is_none_or(|name| (1..=50).contains(&name.len()) && name.bytes().all(plain))
}

impl Provider for Rebilly {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn add_site(&mut self, section: Section<'_>, site: &SiteFacts) {
        self.accounts.insert(site.site.0, Account::read(section, site));
    }

    fn sites(&self) -> Vec<SiteId> {
        self.accounts.keys().map(|site| SiteId(*site)).collect()
    }

    fn shown(&self, site: SiteId) -> Value {
        self.accounts.get(&site.0).map(Account::shown).unwrap_or_default()
    }

    fn secrets(&self) -> Vec<(String, Secret)> {
        self.accounts.values().flat_map(Account::secrets).collect()
    }

    fn address_rules(&self, site: SiteId) -> AddressRules {
        AddressRules::new(
            self.accounts.get(&site.0).map(|account| account.private_networks.clone()).unwrap_or_default(),
        )
    }

    fn read(&self, raw: &RawRequest<'_>) -> Result<Heard, ReadError> {
        notice::read(&self.accounts, raw)
    }

    fn tell(&self, said: Said<'_>) -> Told {
        let no = |http, why: String| Told {
            http,
            headers: Vec::new(),
            body: json!({"code": 500, "error_description": why}).to_string(),
        };
        match said {
            Said::Taken => Told { http: 200, headers: Vec::new(), body: r#"{"code":0,"result":"ok"}"#.to_owned() },
            Said::Later => no(503, "Temporarily unavailable".to_owned()),
            Said::Refused(ReadError::InvalidSignature) => {
                Told { headers: auth::challenges(&self.accounts), ..no(401, "Invalid signature".to_owned()) }
            }
            Said::Refused(ReadError::AddressNotAllowed) => no(403, "Address is not allowed".to_owned()),
            Said::Refused(ReadError::UnknownSite | ReadError::UnknownAction) => no(404, "Not found".to_owned()),
            Said::Refused(ReadError::UnsupportedMedia) => no(415, "Unsupported content type".to_owned()),
            Said::Refused(ReadError::Unreadable(why)) => no(400, format!("Unreadable request: {why}")),
            Said::Refused(ReadError::NotOneSet(why)) => no(400, format!("Invalid parameter: {why}")),
            Said::Refused(ReadError::Field(error)) => no(400, format!("Invalid parameter: {error}")),
        }
    }

    fn serves(&self, site: SiteId, _: Direction, rail: Option<&str>, _: Currency) -> bool {
        // Which currencies Rebilly takes is decided there, by gateway accounts.
        self.accounts.contains_key(&site.0) && is_method(rail)
    }

    fn check(&self, _: SiteId, direction: Direction, rail: Option<&str>, details: &Texts) -> Result<(), Error> {
        if !is_method(rail) {
            return Err(Error::Invalid("method"));
        }
        for (name, text) in details {
            match (direction, name.as_str()) {
                (Direction::Payout, INSTRUMENT) if is_id(text) => {}
                (Direction::Payout, INSTRUMENT) => return Err(Error::Invalid(INSTRUMENT)),
                (Direction::Payout | Direction::Deposit, _) => return Err(Error::Invalid("details")),
            }
        }
        Ok(())
    }

    fn pay(&self, order: &PayoutOrder, replies: &[Reply]) -> Result<Step<InitiationAnswer>, Error> {
        let account = self.account(order.site)?;
        self.check(order.site, Direction::Payout, order.rail.as_deref(), &order.details)?;
        step(payout::pay(account, order, &mut Script::new(replies)))
    }

    fn open(&self, order: &DepositOrder, replies: &[Reply]) -> Result<Step<Opening>, Error> {
        let account = self.account(order.site)?;
        self.check(order.site, Direction::Deposit, order.rail.as_deref(), &order.details)?;
        step(deposit::open(account, order, &mut Script::new(replies)))
    }

    fn ask(&self, order: &OpenOrder, replies: &[Reply]) -> Result<Step<Inquired>, Error> {
        let (account, mut script) = (self.account(order.site)?, Script::new(replies));
        match order.direction {
            Direction::Payout => step(payout_status::ask(account, order, &mut script)),
            Direction::Deposit => step(deposit_status::ask(account, order, &mut script)),
        }
    }

    fn manners(&self, site: SiteId) -> Manners {
        Manners {
            tells_status: true,
            deduplicates: self.account(site).is_ok_and(|account| account.deduplicates_payout_request),
            // The next opening of the same player's cashier may show a deposit request whose answer was lost.
            lost_opening_counts: true,
            patience: 120,
            between: 60,
            pace: 200,
            ladder: LADDER,
        }
    }

    fn desk(&self) -> &'static [DeskCall] {
        desk::CALLS
    }

    fn call(&self, name: &str, desk: &Desk, replies: &[Reply]) -> Result<Step<Value>, Error> {
        step(desk::call(self.account(desk.site)?, name, desk, &mut Script::new(replies)))
    }
}
