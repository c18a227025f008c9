//! Asking how an order stands. The manual has no such call; where the platform has given an address for one, its answer reads like a
//! callback.

use super::account::Account;
use super::wire::{self, Answer, Proof};
use super::{Cactus, PROVIDER, notice};
use crate::error::Error;
use crate::outgoing::Reply;
use crate::providers::signed::fields::plain_number;
use crate::providers::signed::signature::Reading;
use crate::providers::{Inquired, Notification, OpenOrder, Step};

/// How long not to ask after "too many", in seconds: the manual gives no number.
const REST: u64 = 60;

impl Cactus {
    pub(super) fn next_of_question(&self, order: &OpenOrder, replies: &[Reply]) -> Result<Step<Inquired>, Error> {
        let account = self.account(order.site)?;
        if let Some(reply) = replies.first() {
            return Ok(Step::Done(said(account, order, reply)));
        }
        let url = account.status_url.clone();
        let url = url.ok_or_else(|| Error::Conflict("the site has no status_url".into()))?;
        let mut members = wire::asker(account);
        members.push(("request_id".into(), wire::text("request_id", order.external_id.as_str())?));
        wire::post(account, url, members).map(Step::call)
    }
}

fn said(account: &Account, order: &OpenOrder, reply: &Reply) -> Inquired {
    if reply.status == 429 {
        return Inquired::Later(REST);
    }
    let answer = match wire::read(account, reply, Proof::Needed) {
        Ok(answer) => answer,
        Err(why) => return Inquired::Unclear(why),
    };
    match answer.success() {
        Some(true) => match statement(account, order, &answer) {
            Ok(notification) => Inquired::Says(Box::new(notification), answer.facts()),
            Err(why) => Inquired::Unclear(why),
        },
        Some(false) if answer.message().to_lowercase().contains("not found") => Inquired::NotFound(answer.message()),
        Some(false) | None => Inquired::Unclear(answer.message()),
    }
}

/// What the answer says of the order. What it leaves out is the order's: we asked about that one.
fn statement(account: &Account, order: &OpenOrder, answer: &Answer<'_>) -> Result<Notification, String> {
    if answer.scalar("request_id") != Some(order.external_id.as_str()) {
        return Err("the answer is about another order: request_id".to_owned());
    }
    if answer.scalar("site_id").is_some_and(|site| site != account.site.0.to_string()) {
        return Err("the answer is about another order: site_id".to_owned());
    }
    let odd = |name: &str| format!("the answer's {name} cannot be read");
    let number = |name: &str| match answer.scalar(name) {
        Some(text) => plain_number(text).map(Some).ok_or_else(|| odd(name)),
        None => Ok(None),
    };
    let currency = |name: &'static str| match answer.scalar(name) {
        Some(text) => notice::currency(text, name).map(Some).map_err(|_| odd(name)),
        None => Ok(None),
    };
    let status = number("status")?.ok_or_else(|| odd("status"))?;
    // What is not said cannot be compared with the order (threats R7).
    let ordered = currency("currency")?.ok_or_else(|| odd("currency"))?;
    let amount = number("amount")?.ok_or_else(|| odd("amount"))?;
    let received_in = currency("received_currency")?.unwrap_or_else(|| ordered.clone());
    let received = number("received_amount")?;
    let content = notice::content(&answer.0, Reading::REFERENCE);
    Ok(Notification {
        provider: PROVIDER,
        site: account.site,
        signed: true,
        external_id: order.external_id.as_str().to_owned(),
        login: answer.scalar("site_login").unwrap_or(order.login.as_str()).to_owned(),
        amount_minor: amount,
        currency: notice::stated(&ordered, &received_in, status, received.unwrap_or(0)),
        real: received.map(|received| (received, received_in)),
        transaction_id: answer.scalar("invoice_id").unwrap_or_default().to_owned(),
        news: notice::news(status, notice::is_payout(&answer.0).map_err(|_| odd("is_payout"))?).of(order.direction),
        codes: format!("status {status}"),
        digest: notice::digest("status", &content),
        content,
    })
}
