//! Cactus: deposits by a page or by requisites, payouts, callbacks. Translates, and moves no money.
//!
//! A sister of the Carouseller family with the same signature and other numbers: status 3 is success and 4 is failure. Whatever a
//! synchronous answer says of the status, only a callback, or an answer to a question about the order, ends it.

mod account;
mod deposit;
mod desk;
mod notice;
mod payout;
mod rails;
mod status;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use super::carouseller::answer;
use super::signed::fields::Fields;
use super::signed::pairs::{self, Pairs};
use super::signed::signature::{Reading, Verdict, verify};
use super::{
    DepositOrder, Desk, DeskCall, Direction, Heard, InitiationAnswer, Inquired, Ladder, Manners, Notification,
    OpenOrder, Opening, PayoutOrder, Provider, RawRequest, ReadError, Said, SiteFacts, Step, Surplus, Texts, Told,
};
use crate::error::Error;
use crate::ids::SiteId;
use crate::money::Currency;
use crate::outgoing::{AddressRules, Reply};
use crate::secret::Secret;
use crate::sections::Section;

pub use account::Account;

/// The provider's name in URLs, settings and tables.
const PROVIDER: &str = "cactus";

/// The currencies that the manual lists, as far as they are of ISO 4217, and that of its samples (manual, "Conventions").
const CURRENCIES: [&str; 8] = ["USD", "EUR", "RUB", "UAH", "IDR", "AZN", "VND", "KZT"];

/// Every five minutes until it is acknowledged (manual, "Callbacks"). No end is stated: after a day a missing one is told.
const LADDER: Ladder = Ladder { pauses: &[], then: (300, 288) };

/// The provider, for all sites that use it.
#[derive(Debug, Default)]
pub struct Cactus {
    accounts: BTreeMap<i64, Account>,
}

impl Cactus {
    fn account(&self, site: SiteId) -> Result<&Account, Error> {
        self.accounts.get(&site.0).ok_or(Error::NotFound("site"))
    }

    fn read_callback(&self, raw: &RawRequest<'_>) -> Result<Notification, ReadError> {
        let pairs = pairs::read(raw)?;
        let id = Fields(&pairs).site().ok_or(ReadError::UnknownSite)?;
        let account = self.accounts.get(&id.0).ok_or(ReadError::UnknownSite)?;
        if !account.allows(raw.peer) {
            return Err(ReadError::AddressNotAllowed);
        }
        // An answer of the platform is signed with the same salt, and its status is no end of anything.
        if pairs.get("success").is_some() {
            return Err(ReadError::InvalidSignature);
        }
        let reading = verified(account, &pairs)?;
        notice::notification(account, &pairs, reading).map_err(ReadError::Field)
    }
}

/// How the message is read so that its signature holds.
fn verified(account: &Account, pairs: &Pairs<'_>) -> Result<Reading, ReadError> {
    let signature = Fields(pairs).signature().ok().flatten().ok_or(ReadError::InvalidSignature)?;
    match verify(pairs, &account.salts, signature) {
        Verdict::Holds(reading) => {
            if let Some(deviation) = reading.deviation() {
                log::info!("site {}: a cactus signature holds with {deviation}", account.site);
            }
            Ok(reading)
        }
        Verdict::TwoReadings => {
            log::warn!("security: site {}: a rightly signed message could be read as other parameters", account.site);
            Err(ReadError::InvalidSignature)
        }
        Verdict::Fails => Err(ReadError::InvalidSignature),
    }
}

impl Provider for Cactus {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn add_site(&mut self, section: Section<'_>, site: &SiteFacts) {
        self.accounts.insert(site.site.0, Account::read(section, site));
    }

    fn sites(&self) -> Vec<SiteId> {
        self.accounts.values().map(|account| account.site).collect()
    }

    fn shown(&self, site: SiteId) -> Value {
        self.accounts.get(&site.0).map(Account::shown).unwrap_or_default()
    }

    fn secrets(&self) -> Vec<(String, Secret)> {
        self.accounts.values().flat_map(Account::secrets).collect()
    }

    fn address_rules(&self, site: SiteId) -> AddressRules {
        self.accounts.get(&site.0).map(Account::rules).unwrap_or_default()
    }

    fn read(&self, raw: &RawRequest<'_>) -> Result<Heard, ReadError> {
        self.read_callback(raw).map(|notification| Heard::Notification(Box::new(notification)))
    }

    fn surplus(&self, said: &Notification) -> Surplus {
        let Some(account) = self.accounts.get(&said.site.0) else { return Surplus::Review };
        let is_ours = account.currencies.iter().any(|currency| currency.code() == said.currency);
        if is_ours { account.additional } else { Surplus::Review }
    }

    /// Only the HTTP status counts (manual, "Callbacks"); the body is that of the sister platforms.
    fn tell(&self, said: Said<'_>) -> Told {
        let answer = match said {
            Said::Taken => answer::acknowledged(),
            Said::Refused(error) => answer::unread_notification(error),
            Said::Later => answer::temporarily_unavailable(),
        };
        Told { http: answer.http, headers: Vec::new(), body: answer.to_json() }
    }

    fn serves(&self, site: SiteId, direction: Direction, rail: Option<&str>, currency: Currency) -> bool {
        let Some(account) = self.accounts.get(&site.0) else { return false };
        let known = match (direction, rail) {
            (Direction::Deposit, Some(name)) => rails::find(rails::deposits(account.deposit_by), name).is_some(),
            // The form asks for the method itself.
            (Direction::Deposit, None) => account.deposit_by == account::DepositBy::Form,
            (Direction::Payout, Some(name)) => rails::find(rails::payouts(), name).is_some(),
            (Direction::Payout, None) => false,
        };
        known && CURRENCIES.contains(&currency.code())
    }

    fn check(&self, site: SiteId, direction: Direction, rail: Option<&str>, details: &Texts) -> Result<(), Error> {
        let account = self.account(site)?;
        match direction {
            Direction::Deposit => self.deposit_fields(account, rail, details).map(|_| ()),
            Direction::Payout => {
                let rail = rail.and_then(|name| rails::find(rails::payouts(), name));
                rail.ok_or(Error::Invalid("provider_method"))?.fields(details).map(|_| ())
            }
        }
    }

    fn pay(&self, order: &PayoutOrder, replies: &[Reply]) -> Result<Step<InitiationAnswer>, Error> {
        self.next_of_payout(order, replies)
    }

    fn open(&self, order: &DepositOrder, replies: &[Reply]) -> Result<Step<Opening>, Error> {
        self.next_of_deposit(order, replies)
    }

    fn ask(&self, order: &OpenOrder, replies: &[Reply]) -> Result<Step<Inquired>, Error> {
        self.next_of_question(order, replies)
    }

    fn manners(&self, site: SiteId) -> Manners {
        let account = self.accounts.get(&site.0);
        Manners {
            tells_status: account.is_some_and(|account| account.status_url.is_some()),
            deduplicates: account.is_some_and(|account| account.deduplicates),
            // An invoice is open when the platform made it, whether we heard of it or not.
            lost_opening_counts: true,
            patience: 600,
            between: 300,
            pace: 1000,
            ladder: LADDER,
        }
    }

    fn desk(&self) -> &'static [DeskCall] {
        desk::CALLS
    }

    fn call(&self, name: &str, desk: &Desk, replies: &[Reply]) -> Result<Step<Value>, Error> {
        self.next_of_desk(name, desk, replies)
    }
}
