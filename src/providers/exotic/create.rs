//! The calls that make an order: `create_pay_out` and `create_pay_in`.
//!
//! Source: protocol, sections 2, 3 and 8. What the signature does not cover is written by us or checked here.

use chrono::{DateTime, SecondsFormat, TimeDelta};
use serde_json::{Map, json};

use super::account::{Account, rail, takes};
use super::answer::{Answer, Meaning, cut, meaning};
use super::pairs::Pairs;
use super::rails::{Rail, check_deposit, check_payout};
use super::wire::Fields;
use super::{Call, DepositOrder, InitiationAnswer, Opened, Opening, PayoutOrder, Texts, Verb, signature};
use crate::error::Error;
use crate::money::Money;
use crate::outgoing::Reply;
use crate::outgoing::address::is_loopback_host;
use crate::outgoing::page::web_page;

/// The platform's own id of an order, among the facts.
pub(super) const INTERNAL_ID: &str = "internal_transaction_id";
/// Where the platform takes a cancellation, as it said.
pub(super) const REJECT_URL: &str = "reject_callback_url";
/// The end of the number that was to be paid, to compare with what is said later.
pub(super) const ENDS_WITH: &str = "recipient_ends_with";
/// What is compared of it.
const COMPARED: usize = 4;

/// Amounts as the platform settles them, in its own currency: four decimals, never computed again (open question 12).
pub(super) const SETTLED: [&str; 4] = ["exchange_rate", "merchant_received_usdt", "merchant_spent_usdt", "usdt_amount"];

/// The amount with two decimals and the currency in lower case, as both are signed and sent.
pub(super) fn fiat(amount: Money) -> Result<(String, String), Error> {
    let currency = amount.currency();
    if !takes(currency) {
        return Err(Error::UnsupportedCurrency);
    }
    Ok((currency.in_major(amount.minor()), currency.code().to_ascii_lowercase()))
}

/// The end of a recipient's number.
pub(super) fn ending(recipient: &str) -> String {
    let from = recipient.chars().count().saturating_sub(COMPARED);
    recipient.chars().skip(from).collect()
}

/// The call that makes a payout: the same bytes for the same order.
pub(super) fn pay_out(account: &Account, order: &PayoutOrder) -> Result<Call, Error> {
    let rail = rail(order.rail.as_deref())?;
    check_payout(rail, &order.details)?;
    let recipient = order.details.get(rail.member()).ok_or(Error::Missing(rail.member()))?;
    let (id, (amount, currency)) = (order.external_id.as_str(), fiat(order.amount)?);
    let sign = signature::pay_out(id, &amount, (rail.member(), recipient), &currency, account.sign_key()?)?;
    let mut body = Map::new();
    body.extend(order.details.iter().map(|(name, text)| (name.clone(), text.as_str().into())));
    body.insert("order_id".to_owned(), id.into());
    body.insert("payment_method".to_owned(), rail.wire().into());
    body.insert("fiat_amount".to_owned(), amount.into());
    body.insert("fiat_currency".to_owned(), currency.into());
    body.insert("timeout".to_owned(), account.payout_minutes.into());
    body.insert("success_callback_url".to_owned(), account.callback("success", id)?.into());
    body.insert("error_callback_url".to_owned(), account.callback("error", id)?.into());
    body.insert("customer".to_owned(), order.login.as_str().into());
    body.insert("sign".to_owned(), sign.into());
    let body = serde_json::Value::Object(body).to_string().into_bytes();
    Ok(Call::json(Verb::Post, account.address("create_pay_out/")?, body)
        .hiding(recipient)
        .hiding(account.callback_token()))
}

/// What the answer to it means.
pub(super) fn paid_out(order: &PayoutOrder, reply: &Reply) -> InitiationAnswer {
    let answer = match Answer::read(reply, Some(INTERNAL_ID)) {
        Answer::Yes(answer) => answer,
        Answer::Unclear(why) => return InitiationAnswer::Unknown(why),
        Answer::No(error) => {
            return match meaning(&error) {
                Meaning::NotNow => InitiationAnswer::NotNow(error),
                Meaning::Never => InitiationAnswer::Refused(error),
                Meaning::CannotTell => InitiationAnswer::Unknown(error),
            };
        }
    };
    let taken = Taken(&answer);
    if let Some(why) = taken.is_another(order.external_id.as_str(), order.rail.as_deref()) {
        return InitiationAnswer::Unknown(why);
    }
    if !taken.amount_is(order.amount) {
        return InitiationAnswer::Unknown("it was taken for another amount or currency".to_owned());
    }
    let mut facts = taken.facts();
    let rail = order.rail.as_deref().and_then(Rail::parse);
    let recipient = rail.and_then(|rail| order.details.get(rail.member()));
    facts.extend(recipient.map(|recipient| (ENDS_WITH.to_owned(), ending(recipient))));
    let id = taken.text(INTERNAL_ID).unwrap_or_default();
    InitiationAnswer::Accepted(cut(&format!("{INTERNAL_ID}: {id}")), facts)
}

/// The call that makes a payment.
pub(super) fn pay_in(account: &Account, order: &DepositOrder) -> Result<Call, Error> {
    let rail = rail(order.rail.as_deref())?;
    check_deposit(&order.details)?;
    let (id, (amount, currency)) = (order.external_id.as_str(), fiat(order.amount)?);
    let mut body = json!({
        "order_id": id,
        "payment_method": rail.wire(),
        "fiat_amount": amount,
        "fiat_currency": currency,
        "timeout": account.deposit_minutes,
        "sign": signature::pay_in(id, &amount, &currency, rail.wire(), account.sign_key()?)?,
        "success_callback_url": account.callback("success", id)?,
        "error_callback_url": account.callback("error", id)?,
        "customer": order.login.as_str(),
    });
    if let Some(bank) = order.details.get("bank") {
        body["bank"] = bank.as_str().into();
    }
    Ok(Call::json(Verb::Post, account.address("create_pay_in")?, body.to_string().into_bytes()))
}

/// Where it is paid. What stands in the answer behind `payment_method` is not documented: what a payer needs is looked for.
pub(super) fn opened(account: &Account, order: &DepositOrder, reply: &Reply) -> Opening {
    let answer = match Answer::read(reply, Some(INTERNAL_ID)) {
        Answer::Yes(answer) => answer,
        Answer::Unclear(why) => return Opening::Unknown(why),
        Answer::No(error) => {
            return match meaning(&error) {
                Meaning::NotNow | Meaning::Never => Opening::Refused(error),
                Meaning::CannotTell => Opening::Unknown(error),
            };
        }
    };
    let taken = Taken(&answer);
    if let Some(why) = taken.is_another(order.external_id.as_str(), order.rail.as_deref()) {
        return Opening::Unknown(why);
    }
    let Ok((asked, currency)) = fiat(order.amount) else {
        return Opening::Unknown("its currency has no two decimals".to_owned());
    };
    let stated = taken.text("fiat_currency").unwrap_or(&currency);
    if !stated.eq_ignore_ascii_case(&currency) {
        return Opening::Unknown("it is to be paid in another currency".to_owned());
    }
    let mut facts = taken.facts();
    let amount = taken.text("fiat_amount").unwrap_or(&asked);
    if Money::parse_major(amount, order.amount.currency()).ok() != Some(order.amount) {
        facts.insert("amount_differs".to_owned(), format!("asked for {asked}, to be paid {}", cut(amount)));
    }
    let redirect_url = taken.text("payment_url").filter(|url| is_a_page(url)).map(str::to_owned);
    let mut requisites = taken.recipient();
    if requisites.is_empty() && redirect_url.is_none() {
        return Opening::Unknown("it was taken, and says nothing of where to pay".to_owned());
    }
    if !requisites.is_empty() {
        requisites.insert("amount".to_owned(), amount.to_owned());
        requisites.insert("currency".to_owned(), order.amount.currency().code().to_owned());
        requisites.extend(taken.expiry(account.deposit_minutes).map(|at| ("expires_at".to_owned(), at)));
    }
    Opening::Open(Opened { redirect_url, requisites, facts })
}

/// A page that a browser may be sent to.
fn is_a_page(text: &str) -> bool {
    web_page(text).is_some_and(|url| url.scheme() == "https" || is_loopback_host(&url))
}

/// The longest text of an answer that is kept.
const LONGEST_KEPT: usize = 512;

/// The members of a good answer.
struct Taken<'p, 'a>(&'p Pairs<'a>);

impl<'p> Taken<'p, '_> {
    /// A text that is there and usable.
    fn text(&self, name: &'static str) -> Option<&'p str> {
        Fields(self.0).visible_text(name, LONGEST_KEPT).ok().flatten()
    }

    /// Why the answer is about another order, when it is.
    fn is_another(&self, id: &str, rail: Option<&str>) -> Option<String> {
        if self.text("order_id").is_some_and(|stated| stated != id) {
            return Some("the answer names another order".to_owned());
        }
        let other = self.text("payment_method").is_some_and(|stated| Some(stated) != rail);
        other.then(|| "the answer names another payment_method".to_owned())
    }

    /// What is not stated does not differ.
    fn amount_is(&self, amount: Money) -> bool {
        let currency = amount.currency();
        self.text("fiat_currency").is_none_or(|stated| stated.eq_ignore_ascii_case(currency.code()))
            && self
                .text("fiat_amount")
                .is_none_or(|stated| Money::parse_major(stated, currency).is_ok_and(|money| money == amount))
    }

    fn facts(&self) -> Texts {
        let kept = [INTERNAL_ID, REJECT_URL].into_iter().chain(SETTLED);
        kept.filter_map(|name| Some((name.to_owned(), self.text(name)?.to_owned()))).collect()
    }

    /// Whom to pay, by the names that players read.
    fn recipient(&self) -> Texts {
        let numbers = Rail::ALL.into_iter().filter_map(|rail| Some((rail.requisite(), self.text(rail.member())?)));
        let mut texts: Texts = numbers.map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        if !texts.is_empty() {
            let bank = self.text("bank_name").or_else(|| self.text("bank"));
            let besides = [("bank_name", bank), ("holder", self.text("full_name"))];
            texts.extend(besides.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned()))));
        }
        texts
    }

    /// Until when it can be paid, in UTC.
    fn expiry(&self, minutes: i64) -> Option<String> {
        let moment = |name| DateTime::parse_from_rfc3339(self.text(name)?).ok();
        let created = || moment("created_at")?.checked_add_signed(TimeDelta::try_minutes(minutes)?);
        let at = moment("expires_at").or_else(created)?;
        Some(at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}
