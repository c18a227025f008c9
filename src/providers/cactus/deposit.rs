//! A deposit that a player begins: by the platform's page, or by an invoice whose requisites the casino shows.
//!
//! Source: manual, "Payment form", "Deposit". Which members carry the requisites is not published: every member of the answer that the
//! manual does not name is one.

use std::time::Duration;

use super::account::{Account, DepositBy};
use super::wire::{self, Answer, Proof};
use super::{Cactus, rails};
use crate::error::Error;
use crate::outgoing::Reply;
use crate::outgoing::page::web_page;
use crate::providers::signed::pairs::{Value, is_blank};
use crate::providers::{Call, DepositOrder, Opened, Opening, Step, Texts};

const FORM: &str = "/api/jsapi/obtain_token/";
const INVOICE: &str = "/api/create_invoice/";

/// How long an invoice may take: somebody is looked for who confirms it, which can be longer than a minute (manual, "Deposit").
const OPERATOR: Duration = Duration::from_secs(300);

/// The longest key and the longest address that a browser is sent to.
const LONGEST_KEY: usize = 256;
/// The most requisites, and the longest name and text of one, in characters.
const MOST: usize = 32;
const LONGEST_NAME: usize = 64;
const LONGEST_TEXT: usize = 512;

/// Members of the answer to `create_invoice` that are no requisites.
const NAMED: [&str; 16] = [
    "success",
    "message",
    "description",
    "request_id",
    "status",
    "amount",
    "currency",
    "site_login",
    "site_id",
    "signature",
    "invoice_id",
    "method",
    "is_payout",
    "received_amount",
    "received_currency",
    "redirect_url",
];

/// The languages of the form by the first letters of a player's. The two whose meaning looks swapped in the manual are left out.
const LANGUAGES: [(&str, &str); 7] =
    [("en", "EN"), ("uk", "UA"), ("ua", "UA"), ("ru", "RU"), ("kk", "KZ"), ("kz", "KZ"), ("az", "AZ")];

impl Cactus {
    pub(super) fn next_of_deposit(&self, order: &DepositOrder, replies: &[Reply]) -> Result<Step<Opening>, Error> {
        let account = self.account(order.site)?;
        if let Some(reply) = replies.first() {
            return Ok(Step::Done(opening(account, order, reply)));
        }
        let fields = self.deposit_fields(account, order.rail.as_deref(), &order.details)?;
        let mut members = wire::order(account, &order.external_id, &order.login, order.amount)?;
        if let Some(rail) = &order.rail {
            members.push(("method".into(), Value::Text(rail.into())));
        }
        if account.deposit_by == DepositBy::Invoice || !fields.is_empty() {
            members.push(("additional_fields".into(), wire::additional(&fields)));
        }
        if account.deposit_by == DepositBy::Invoice {
            let call: Call = wire::post(account, account.at(INVOICE), members)?;
            return Ok(Step::call(call.within(OPERATOR)));
        }
        let urls = ["success_url", "fail_url"].into_iter().zip(&order.return_urls);
        for (name, url) in urls.filter_map(|(name, url)| Some((name, url.as_deref()?))) {
            members.push((name.into(), wire::text(name, url)?));
        }
        if let Some(language) = language(&order.optional) {
            members.push(("language".into(), Value::Text(language.into())));
        }
        wire::post(account, account.at(FORM), members).map(Step::call)
    }

    /// What is sent of a deposit's details; a form without a method asks for everything itself.
    pub(super) fn deposit_fields<'d>(
        &self,
        account: &Account,
        rail: Option<&str>,
        details: &'d Texts,
    ) -> Result<Vec<(&'static str, &'d str)>, Error> {
        match (rail, account.deposit_by) {
            (Some(name), by) => {
                rails::find(rails::deposits(by), name).ok_or(Error::Invalid("provider_method"))?.fields(details)
            }
            (None, DepositBy::Form) if details.is_empty() => Ok(Vec::new()),
            (None, DepositBy::Form) => Err(Error::Invalid("details")),
            (None, DepositBy::Invoice) => Err(Error::Missing("provider_method")),
        }
    }
}

fn language(profile: &[(String, String)]) -> Option<&'static str> {
    let (_, spoken) = profile.iter().find(|(name, _)| name == "language")?;
    let first = spoken.split(['-', '_']).next()?.trim().to_ascii_lowercase();
    LANGUAGES.iter().find(|(known, _)| *known == first).map(|(_, language)| *language)
}

/// Only a signed yes is a yes, only a signed no is a no: an invoice may be paid though its answer was lost.
fn opening(account: &Account, order: &DepositOrder, reply: &Reply) -> Opening {
    let answer = match wire::read(account, reply, Proof::Needed) {
        Ok(answer) => answer,
        Err(why) => return Opening::Unknown(why),
    };
    let other_order = answer.scalar("request_id").is_some_and(|id| id != order.external_id.as_str());
    let opened = match answer.success() {
        Some(false) if !other_order => return Opening::Refused(answer.message()),
        Some(true) => match account.deposit_by {
            DepositBy::Form => page(account, &answer),
            DepositBy::Invoice => answer
                .is_about(account, &order.external_id, &order.login, order.amount)
                .map(|()| invoice(account, &answer)),
        },
        Some(false) | None => Err(format!("neither a clear yes nor a clear no: {}", answer.shown())),
    };
    opened.map_or_else(Opening::Unknown, Opening::Open)
}

/// Where the form is. Its address comes with the key, depending on the site's settings at the platform.
fn page(account: &Account, answer: &Answer<'_>) -> Result<Opened, String> {
    let url = match answer.scalar("redirect_url") {
        Some(url) => good_url(account, url).ok_or("the answer has a redirect_url that no browser may be sent to")?,
        None => {
            let key = answer.scalar("key").filter(|key| is_key(key)).ok_or("the answer has no key")?;
            account.page(key).to_string()
        }
    };
    Ok(Opened { redirect_url: Some(url), ..Opened::default() })
}

fn is_key(key: &str) -> bool {
    key.len() <= LONGEST_KEY && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn good_url(account: &Account, text: &str) -> Option<String> {
    let url = web_page(text)?;
    account.rules().check_url(&url).is_ok().then(|| text.to_owned())
}

/// What to pay to: unknown members, and those of unknown objects, that are plain values.
fn invoice(account: &Account, answer: &Answer<'_>) -> Opened {
    let mut requisites = Texts::new();
    for (name, value) in answer.0.iter().filter(|(name, _)| !NAMED.contains(name)) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| put(&mut requisites, name, value)),
            value => put(&mut requisites, name, value),
        }
    }
    let redirect_url = answer.scalar("redirect_url").and_then(|url| good_url(account, url));
    Opened { redirect_url, requisites, facts: answer.facts() }
}

fn put(requisites: &mut Texts, name: &str, value: &Value<'_>) {
    let (Value::Text(text) | Value::Number(text)) = value else { return };
    let plain = |text: &str, longest: usize| text.chars().count() <= longest && !text.chars().any(char::is_control);
    if requisites.len() < MOST && plain(name, LONGEST_NAME) && plain(text, LONGEST_TEXT) && !is_blank(text) {
        requisites.insert(name.to_owned(), text.clone().into_owned());
    }
}
