//! API 2.0, host to host, as the Cabbagino brand publishes it. Translates, and moves no money.
//!
//! Source: the manual at docs.cabbagino.com, "Payment API 2.0" (docs/PROVIDERS.md, "cabbagino"). It shares the signature with the Cashier of
//! the main provider, and no number of its enumerations.

mod account;
mod answer;
mod forms;
mod news;
mod notice;
mod order;
mod statement;
mod status;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use super::carouseller::answer as texts;
use super::signed::{fields as wire, pairs, signature, writing};
use super::{
    Call, DepositOrder, Desk, DeskCall, Direction, Heard, InitiationAnswer, Inquired, Ladder, Manners, Notification,
    OpenOrder, Opened, Opening, PayoutOrder, Provider, RawRequest, ReadError, Said, SiteFacts, Step, Texts, Told, Verb,
};
use crate::error::Error;
use crate::ids::SiteId;
use crate::money::Currency;
use crate::outgoing::{AddressRules, Reply};
use crate::secret::Secret;
use crate::sections::Section;
use account::Account;

/// The provider's name in URLs, settings and tables.
const PROVIDER: &str = "cabbagino";

/// 45 seconds, 2, 5, 10, 30 minutes, then every hour for a day (manual, "Webhooks").
const LADDER: Ladder = Ladder { pauses: &[45, 120, 300, 600, 1800], then: (3600, 24) };

/// API 2.0, for all sites that use it.
#[derive(Debug, Default)]
pub struct Cabbagino {
    accounts: BTreeMap<i64, Account>,
}

impl Cabbagino {
    fn account(&self, site: SiteId) -> Result<&Account, Error> {
        self.accounts.get(&site.0).ok_or(Error::NotFound("site"))
    }
}

impl Provider for Cabbagino {
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
        notice::read(self, raw).map(|notification| Heard::Notification(Box::new(notification)))
    }

    /// The manual wants HTTP 200 with `result` ok; `code` 0 stands beside it for the family's other taste.
    fn tell(&self, said: Said<'_>) -> Told {
        let answer = match said {
            Said::Taken => texts::acknowledged(),
            Said::Refused(error) => texts::unread_notification(error),
            Said::Later => texts::temporarily_unavailable(),
        };
        Told { http: answer.http, headers: Vec::new(), body: answer.to_json() }
    }

    fn serves(&self, site: SiteId, direction: Direction, rail: Option<&str>, currency: Currency) -> bool {
        let (Ok(account), Some(method)) = (self.account(site), rail) else { return false };
        let goes = account.form(method).is_none_or(|form| form.goes(direction));
        goes && !method.trim().is_empty() && !signature::looks_like_more(method) && order::counts_alike(currency)
    }

    fn check(&self, site: SiteId, direction: Direction, rail: Option<&str>, details: &Texts) -> Result<(), Error> {
        let form = self.account(site)?.form(rail.ok_or(Error::Missing("method"))?);
        forms::check(form, direction, details)
    }

    fn pay(&self, order: &PayoutOrder, replies: &[Reply]) -> Result<Step<InitiationAnswer>, Error> {
        let account = self.account(order.site)?;
        match replies.first() {
            None => Ok(Step::call(order::payout(account, order)?)),
            Some(reply) => Ok(Step::Done(order::paid_out(account, order, reply))),
        }
    }

    fn open(&self, order: &DepositOrder, replies: &[Reply]) -> Result<Step<Opening>, Error> {
        let account = self.account(order.site)?;
        match replies.first() {
            None => Ok(Step::call(order::deposit(account, order)?)),
            Some(reply) => Ok(Step::Done(order::opened(account, order, reply))),
        }
    }

    fn ask(&self, order: &OpenOrder, replies: &[Reply]) -> Result<Step<Inquired>, Error> {
        status::ask(self.account(order.site)?, order, replies)
    }

    fn manners(&self, site: SiteId) -> Manners {
        Manners {
            tells_status: true,
            deduplicates: self.account(site).is_ok_and(|account| account.deduplicates),
            // A card may have been charged, whoever has heard of it.
            lost_opening_counts: true,
            patience: 600,
            between: 300,
            pace: 1000,
            ladder: LADDER,
        }
    }

    fn desk(&self) -> &'static [DeskCall] {
        &[]
    }

    fn call(&self, _: &str, _: &Desk, _: &[Reply]) -> Result<Step<Value>, Error> {
        Err(Error::NotFound("call"))
    }
}
