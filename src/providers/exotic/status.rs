//! The status call: what an order came to, vouched for by our own authenticated question.
//!
//! Source: protocol, "Payout status". The call for payments is inferred. Which id stands in the path is not said: the configured one is
//! tried first, the other one when the platform knows no such order, and which one it knew is kept with the order.

use sha2::{Digest, Sha256};

use super::account::{Account, StatusBy};
use super::answer::{Answer, cut};
use super::create::{ENDS_WITH, INTERNAL_ID, SETTLED, ending};
use super::notice::stated;
use super::pairs::{Pairs, Value};
use super::rails::Rail;
use super::wire::{Fields, LONGEST_ORDER};
use super::{Call, Direction, Inquired, Notification, OpenOrder, PROVIDER, Step, Texts, news};
use crate::error::Error;
use crate::outgoing::Reply;

/// Which id the platform knew the order by, among the facts.
const STATUS_BY: &str = "status_by";
/// The receipts of a payout, among the facts.
const RECEIPTS: &str = "cheque_urls";
/// The least pause after the platform said that it is asked too often, in seconds: double the usual one.
const TOO_OFTEN: u64 = 600;
/// The longest pause that we let it ask for, in seconds.
const LONGEST_PAUSE: u64 = 86_400;
/// The longest of the protocol's own words, and of its ids.
const LONGEST_WORD: usize = 72;

/// The next question, or what was said.
pub(super) fn ask(account: &Account, order: &OpenOrder, replies: &[Reply]) -> Result<Step<Inquired>, Error> {
    let ids = ids(account, order);
    let Some(reply) = replies.last() else { return question(account, order, ids[0].1) };
    let (by, _) = ids[(replies.len() - 1).min(ids.len() - 1)];
    match (read(order, by, reply), ids.get(replies.len())) {
        (Inquired::NotFound(_), Some((_, other))) => question(account, order, other),
        (said, _) => Ok(Step::Done(said)),
    }
}

/// What the platform may know the order by, the likeliest first.
fn ids<'o>(account: &Account, order: &'o OpenOrder) -> Vec<(StatusBy, &'o str)> {
    let known = order.facts.get(STATUS_BY).and_then(|name| StatusBy::NAMES.iter().find(|(known, _)| known == name));
    let first = known.map_or(account.status_by, |(_, by)| *by);
    let plain = |id: &&String| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let theirs = order.facts.get(INTERNAL_ID).filter(plain).map(String::as_str);
    let mut ids = vec![(StatusBy::OrderId, order.external_id.as_str())];
    ids.extend(theirs.map(|id| (StatusBy::InternalTransactionId, id)));
    ids.sort_by_key(|(by, _)| *by != first);
    ids
}

fn question(account: &Account, order: &OpenOrder, id: &str) -> Result<Step<Inquired>, Error> {
    let url = account.address(&format!("status_{}/{id}/", news::kind(order.direction)))?;
    // The manual wants the header on every call, also where there is no body.
    let call = Call { content_type: Some("application/json"), ..Call::get(url) };
    Ok(Step::call(call.with("x-api-key", account.api_key.clone())))
}

fn read(order: &OpenOrder, by: StatusBy, reply: &Reply) -> Inquired {
    match reply.status {
        404 => return Inquired::NotFound("HTTP status 404".to_owned()),
        429 => {
            let wanted = reply.header("retry-after").and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            return Inquired::Later(wanted.clamp(TOO_OFTEN, LONGEST_PAUSE));
        }
        _ => {}
    }
    match Answer::read(reply, Some("status")) {
        Answer::Yes(answer) => said(order, by, &answer)
            .unwrap_or_else(|error| Inquired::Unclear(format!("the answer cannot be used: {error}"))),
        Answer::No(error) if error.to_lowercase().contains("not found") => Inquired::NotFound(error),
        Answer::No(error) => Inquired::Unclear(format!("HTTP status {}: {error}", reply.status)),
        Answer::Unclear(why) => Inquired::Unclear(why),
    }
}

fn said(order: &OpenOrder, by: StatusBy, answer: &Pairs<'_>) -> Result<Inquired, Error> {
    let fields = Fields(answer);
    if fields.required("order_id", LONGEST_ORDER)? != order.external_id.as_str() {
        return Ok(Inquired::Unclear("the answer is about another order".to_owned()));
    }
    let kind = fields.required("type", LONGEST_WORD)?;
    let direction = news::direction(kind).ok_or(Error::Invalid("type"))?;
    let status = fields.required("status", LONGEST_WORD)?;
    let amount = stated(fields)?;
    let doubt = doubt(order, answer)?;
    let plain = news::news(direction, status);
    let codes = cut(&format!("{kind} {status}{}", doubt.map(|what| format!(", {what}")).unwrap_or_default()));
    let currency = amount.currency().code().to_owned();
    let statement = [order.external_id.as_str(), &codes, &amount.minor().to_string(), &currency];
    let notification = Notification {
        provider: PROVIDER,
        site: order.site,
        signed: true,
        external_id: order.external_id.as_str().to_owned(),
        // It does not name the player; the order that we asked about does.
        login: order.login.as_str().to_owned(),
        amount_minor: amount.minor(),
        digest: digest(&statement),
        currency,
        real: None,
        transaction_id: order.facts.get(INTERNAL_ID).map_or(order.external_id.as_str(), String::as_str).to_owned(),
        news: if doubt.is_some() { news::doubted(plain) } else { plain },
        codes,
        content: content(answer),
    };
    Ok(Inquired::Says(Box::new(notification), facts(by, answer)))
}

/// In what the answer names somebody or something else than the order, beyond amount, currency and direction, which are compared by whoever
/// has the order (protocol, section 7).
fn doubt(order: &OpenOrder, answer: &Pairs<'_>) -> Result<Option<&'static str>, Error> {
    let rail = order.rail.as_deref();
    if stated_text(answer, "payment_method")?.is_some_and(|stated| Some(stated) != rail) {
        return Ok(Some("by another payment_method"));
    }
    // Whom a payment goes to is the platform's own choice.
    let (Direction::Payout, Some(rail)) = (order.direction, rail.and_then(Rail::parse)) else { return Ok(None) };
    let paid = stated_text(answer, rail.member())?.map(ending);
    let differs = paid.zip(order.facts.get(ENDS_WITH)).is_some_and(|(paid, wanted)| paid != *wanted);
    Ok(differs.then_some("to another recipient"))
}

/// A text; `null` is written for what is not there.
fn stated_text<'p>(answer: &'p Pairs<'_>, name: &'static str) -> Result<Option<&'p str>, Error> {
    match answer.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => Fields(answer).visible_text(name, LONGEST_WORD),
    }
}

/// What is worth keeping with the order.
fn facts(by: StatusBy, answer: &Pairs<'_>) -> Texts {
    let text = |name: &'static str| Fields(answer).visible_text(name, LONGEST_WORD).ok().flatten();
    let mut facts: Texts =
        SETTLED.into_iter().filter_map(|name| Some((name.to_owned(), text(name)?.to_owned()))).collect();
    facts.insert(STATUS_BY.to_owned(), by.name().to_owned());
    if let Some(Value::List(receipts)) = answer.get(RECEIPTS) {
        let urls = receipts.iter().filter_map(|item| match item {
            Value::Text(url) if !url.chars().any(|c| c.is_control() || c == ' ') => Some(url.as_ref()),
            Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::Null | Value::List(_) | Value::Object(_) => {
                None
            }
        });
        let urls = urls.collect::<Vec<_>>().join(" ");
        facts.extend((!urls.is_empty()).then(|| (RECEIPTS.to_owned(), urls)));
    }
    facts
}

/// What came, by name. The number of a card stands in it in full, and is cut whether its check digit is right or not (open question 18).
fn content(answer: &Pairs<'_>) -> Vec<(String, String)> {
    let text = |name: &str, value: &Value<'_>| match value {
        Value::Text(text) if name == Rail::Card.member() => Some(card(text)),
        Value::Text(text) | Value::Number(text) => Some(cut(text)),
        Value::Bool(bit) => Some(bit.to_string()),
        Value::Null | Value::List(_) | Value::Object(_) => None,
    };
    answer.iter().filter_map(|(name, value)| Some((name.to_owned(), text(name, value)?))).collect()
}

fn card(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        0..=10 => "***".to_owned(),
        length => digits[..6].iter().chain(&['.'; 3]).chain(&digits[length - 4..]).collect(),
    }
}

/// Of what is said of the order, and not of when and how: the same statement has the same digest.
fn digest(statement: &[&str]) -> [u8; 32] {
    let mut sha = Sha256::new();
    for text in statement {
        sha.update(text.len().to_be_bytes());
        sha.update(text.as_bytes());
    }
    sha.finalize().into()
}
