//! The main Cashier behind the one trait of all providers.

use serde_json::Value;

use super::door::Opening as DoorWish;
use super::news::{can_be_asked_for, stands};
use super::{Account, Carouseller, answer, direct, read_initiation_answer, status};
use crate::error::Error;
use crate::ids::SiteId;
use crate::money::Currency;
use crate::outgoing::{AddressRules, Reply};
use crate::providers::{
    Call, DepositOrder, Desk, DeskCall, Direction, Heard, Hint, InitiationAnswer, Inquired, Ladder, Manners,
    Notification, OpenOrder, Opened, Opening, PayoutOrder, Provider, RawRequest, ReadError, Said, SiteFacts, Step,
    Texts, Told, Verb,
};
use crate::secret::Secret;
use crate::sections::Section;

/// 45 seconds, 2, 5, 10, 30 minutes, then every hour for a day (manual, "Webhooks").
const LADDER: Ladder = Ladder { pauses: &[45, 120, 300, 600, 1800], then: (3600, 24) };

impl Provider for Carouseller {
    fn name(&self) -> &'static str {
        super::notification::PROVIDER
    }

    fn add_site(&mut self, section: Section<'_>, site: &SiteFacts) {
        let account = Account::read(section, site);
        self.sites.insert(site.site.0, account.wire.clone());
        self.accounts.insert(site.site.0, account);
    }

    fn sites(&self) -> Vec<SiteId> {
        self.sites.values().map(|wire| wire.site).collect()
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
        let notification = self.read_notification(raw)?;
        let can_ask = self.accounts.get(&notification.site.0).is_some_and(|account| account.status_url.is_some());
        if notification.signed || !can_ask || !can_be_asked_for(notification.news) {
            return Ok(Heard::Notification(Box::new(notification)));
        }
        // In the words of the answer that is to confirm it.
        let status_id = notification.content.iter().find(|(name, _)| name == "status_id");
        let status_id = status_id.and_then(|(_, text)| text.parse().ok());
        let said = notification.news.direction().zip(status_id);
        let news = said.map_or(notification.news, |(direction, status_id)| stands(direction, status_id));
        let Notification { site, external_id, codes: claims, .. } = notification;
        Ok(Heard::Hint(Hint { site, external_id, about: None, claims, news }))
    }

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
        match (direction, rail) {
            (Direction::Deposit, None) => account.authlink_url.is_some(),
            // Without an address it waits; with one it goes.
            (Direction::Payout, None) => true,
            (Direction::Deposit | Direction::Payout, Some(group)) => {
                direct::serves(account, direction, group, currency)
            }
        }
    }

    fn check(&self, _: SiteId, direction: Direction, rail: Option<&str>, details: &Texts) -> Result<(), Error> {
        match rail {
            Some(_) => direct::check(direction, details),
            // The Cashier's own page asks for everything.
            None if details.is_empty() => Ok(()),
            None => Err(Error::Invalid("details")),
        }
    }

    fn pay(&self, order: &PayoutOrder, replies: &[Reply]) -> Result<Step<InitiationAnswer>, Error> {
        let account = self.accounts.get(&order.site.0).ok_or(Error::NotFound("site"))?;
        if let Some(group) = &order.rail {
            return direct::pay(account, order, group, replies);
        }
        if let Some(reply) = replies.first() {
            return Ok(Step::Done(read_initiation_answer(reply.status, &reply.body)));
        }
        let body = self.initiation(order, account.payout_encoding)?;
        let url = account.payout_url.clone().ok_or_else(|| Error::Conflict("the site has no payout_url".into()))?;
        let content_type = Some(account.payout_encoding.content_type());
        Ok(Step::call(Call { content_type, ..Call::json(Verb::Post, url, body) }))
    }

    fn open(&self, order: &DepositOrder, replies: &[Reply]) -> Result<Step<Opening>, Error> {
        if let Some(group) = &order.rail {
            let account = self.accounts.get(&order.site.0).ok_or(Error::NotFound("site"))?;
            return direct::open(account, order, group, replies);
        }
        // 1: the Cashier opens at the deposit, without its tabs (manual, "Key obtaining").
        let chosen = vec![("force_action".to_owned(), "1".to_owned())];
        let wish = DoorWish::new(&order.login, order.amount.currency(), order.customer_ip, &order.optional, chosen);
        let opened = |url| Opening::Open(Opened { redirect_url: Some(url), ..Opened::default() });
        Ok(self.door(order.site, &wish, replies)?.map(|door| opened(door.url)))
    }

    fn ask(&self, order: &OpenOrder, replies: &[Reply]) -> Result<Step<Inquired>, Error> {
        let account = self.accounts.get(&order.site.0).ok_or(Error::NotFound("site"))?;
        match replies.first() {
            None => status::question(account, order).map(Step::call),
            Some(reply) => Ok(Step::Done(status::read(account, order, reply))),
        }
    }

    fn manners(&self, site: SiteId) -> Manners {
        let account = self.accounts.get(&site.0);
        Manners {
            tells_status: account.is_some_and(|account| account.status_url.is_some()),
            deduplicates: account.is_some_and(|account| account.deduplicates_external_id),
            // A key that nobody uses does nothing.
            lost_opening_counts: false,
            patience: 600,
            between: 300,
            pace: 1000,
            ladder: LADDER,
        }
    }

    fn lost_opening_counts(&self, _: SiteId, rail: Option<&str>) -> bool {
        // A card may be charged though nobody told us; a key that nobody uses does nothing.
        rail.is_some()
    }

    fn desk(&self) -> &'static [DeskCall] {
        &[]
    }

    fn call(&self, _: &str, _: &Desk, _: &[Reply]) -> Result<Step<Value>, Error> {
        Err(Error::NotFound("call"))
    }
}
