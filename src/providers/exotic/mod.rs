//! Exotic: payments and payouts from person to person, settled in USDT. Translates, and moves no money.
//!
//! Source: the manual at api-documentation.exotic.company, as far as it can be read (docs/PROVIDERS.md, "exotic").

mod account;
mod answer;
mod create;
mod desk;
mod news;
mod notice;
mod rails;
mod signature;
mod status;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use super::carouseller::answer as texts;
use super::signed::{fields as wire, pairs};
use super::{
    Call, DepositOrder, Desk, DeskCall, Direction, Heard, Hint, InitiationAnswer, Inquired, Ladder, Manners,
    Notification, OpenOrder, Opened, Opening, PayoutOrder, Provider, RawRequest, ReadError, Said, SiteFacts, Step,
    Texts, Told, Verb,
};
use crate::error::Error;
use crate::ids::SiteId;
use crate::money::Currency;
use crate::outgoing::{AddressRules, Reply};
use crate::secret::Secret;
use crate::sections::Section;
use account::{Account, STATUS_PAUSE};
use rails::Rail;

/// The provider's name in URLs, settings and tables.
const PROVIDER: &str = "exotic";

/// An order is asked about this long after its life at the platform has ended, in minutes, and then at most every five (protocol,
/// "Payout status": "use callbacks").
const AFTER_ITS_LIFE: i64 = 10;

/// Exotic, for all sites that use it.
#[derive(Debug, Default)]
pub struct Exotic {
    accounts: BTreeMap<i64, Account>,
}

impl Exotic {
    fn account(&self, site: SiteId) -> Result<&Account, Error> {
        self.accounts.get(&site.0).ok_or(Error::NotFound("site"))
    }
}

impl Provider for Exotic {
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
        self.account(site).map(Account::shown).unwrap_or_default()
    }

    fn secrets(&self) -> Vec<(String, Secret)> {
        self.accounts.values().flat_map(Account::secrets).collect()
    }

    fn address_rules(&self, site: SiteId) -> AddressRules {
        AddressRules::new(self.account(site).map(|account| account.private_networks.clone()).unwrap_or_default())
    }

    fn read(&self, raw: &RawRequest<'_>) -> Result<Heard, ReadError> {
        notice::read(self, raw).map(Heard::Hint)
    }

    /// What the platform wants to see is not documented: HTTP 200 with `ok`, and what our own contract promises besides.
    fn tell(&self, said: Said<'_>) -> Told {
        let (ok, answer) = match said {
            Said::Taken => (true, texts::acknowledged()),
            Said::Refused(error) => (false, texts::unread_notification(error)),
            Said::Later => (false, texts::temporarily_unavailable()),
        };
        let rest = answer.to_json();
        Told { http: answer.http, headers: Vec::new(), body: format!("{{\"ok\":{ok},{}", &rest[1..]) }
    }

    /// The same rails both ways.
    fn serves(&self, site: SiteId, _: Direction, rail: Option<&str>, currency: Currency) -> bool {
        rail.and_then(Rail::parse).is_some() && self.accounts.contains_key(&site.0) && account::takes(currency)
    }

    fn check(&self, _: SiteId, direction: Direction, rail: Option<&str>, details: &Texts) -> Result<(), Error> {
        let rail = account::rail(rail)?;
        match direction {
            Direction::Deposit => rails::check_deposit(details),
            Direction::Payout => rails::check_payout(rail, details),
        }
    }

    fn pay(&self, order: &PayoutOrder, replies: &[Reply]) -> Result<Step<InitiationAnswer>, Error> {
        match replies.first() {
            None => Ok(Step::call(create::pay_out(self.account(order.site)?, order)?)),
            Some(reply) => Ok(Step::Done(create::paid_out(order, reply))),
        }
    }

    fn open(&self, order: &DepositOrder, replies: &[Reply]) -> Result<Step<Opening>, Error> {
        let account = self.account(order.site)?;
        match replies.first() {
            None => Ok(Step::call(create::pay_in(account, order)?)),
            Some(reply) => Ok(Step::Done(create::opened(account, order, reply))),
        }
    }

    fn ask(&self, order: &OpenOrder, replies: &[Reply]) -> Result<Step<Inquired>, Error> {
        status::ask(self.account(order.site)?, order, replies)
    }

    fn manners(&self, site: SiteId) -> Manners {
        let account = self.account(site).ok();
        let longest = account.map_or(0, |account| account.payout_minutes.max(account.deposit_minutes));
        Manners {
            tells_status: true,
            deduplicates: account.is_some_and(|account| account.deduplicates),
            // It exists at the platform, and may be paid whoever has seen where.
            lost_opening_counts: true,
            patience: u64::try_from(longest + AFTER_ITS_LIFE).unwrap_or(0) * 60,
            between: 300,
            pace: u64::try_from(account.map_or(STATUS_PAUSE, |account| account.status_pause)).unwrap_or(0),
            // Not documented whether it repeats at all.
            ladder: Ladder { pauses: &[], then: (0, 0) },
        }
    }

    fn desk(&self) -> &'static [DeskCall] {
        &desk::CALLS
    }

    fn call(&self, name: &str, desk: &Desk, replies: &[Reply]) -> Result<Step<Value>, Error> {
        desk::call(self.account(desk.site)?, name, desk, replies)
    }
}
