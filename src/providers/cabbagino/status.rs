//! The status call.
//!
//! Source: protocol, "Status" of API 2.0. This brand asks by its own `order_id` alone; the Carouseller brand wants `site_id`, and knows an
//! order by `external_id` too. Which of the two the platform is, the settings say with `site_id`.

use super::account::Account;
use super::answer::{self, is_own_id};
use super::order::{ORDER_ID, authorised};
use super::pairs::{Members, Pairs, Value};
use super::signature::Reading;
use super::statement::{Source, statement};
use super::writing::{as_json, signed};
use super::{Call, Inquired, OpenOrder, Step, Texts, Verb};
use crate::error::Error;
use crate::outgoing::Reply;

/// The least pause after the platform said that it is asked too often, and the longest that it may ask for, in seconds.
const TOO_OFTEN: u64 = 600;
const LONGEST_PAUSE: u64 = 86_400;

/// The next question, or what was said.
pub(super) fn ask(account: &Account, order: &OpenOrder, replies: &[Reply]) -> Result<Step<Inquired>, Error> {
    if let Some(reply) = replies.last() {
        return Ok(Step::Done(read(account, order, reply)));
    }
    let own = order.facts.get(ORDER_ID).filter(|id| is_own_id(id));
    let mut members: Members<'_> = match (own, account.site_id) {
        (Some(id), _) => vec![("order_id".into(), Value::Text(id.as_str().into()))],
        (None, Some(_)) => vec![("external_id".into(), Value::Text(order.external_id.as_str().into()))],
        (None, None) => {
            let why = "its order_id was never told, and the platform knows no other id; site_id in the settings says otherwise";
            return Ok(Step::Done(Inquired::Unclear(why.to_owned())));
        }
    };
    members.extend(account.site_id.map(|site| ("site_id".into(), Value::Number(site.to_string().into()))));
    let body = as_json(&signed(members, &account.salts)?).into_bytes();
    Ok(Step::call(authorised(account, Call::json(Verb::Post, account.address("/status/")?, body))))
}

fn read(account: &Account, order: &OpenOrder, reply: &Reply) -> Inquired {
    match reply.status {
        404 => return Inquired::NotFound("HTTP status 404".to_owned()),
        429 => {
            let wanted = reply.header("retry-after").and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            return Inquired::Later(wanted.clamp(TOO_OFTEN, LONGEST_PAUSE));
        }
        _ => {}
    }
    let answer = match answer::object(account, reply) {
        Ok(answer) => answer,
        Err(why) => return Inquired::Unclear(why),
    };
    let source = Source::Answer(order.login.as_str());
    let said =
        match without_nulls(&answer).and_then(|answer| statement(order.site, source, &answer, Reading::REFERENCE)) {
            Ok(said) => said,
            Err(error) => return Inquired::Unclear(format!("the answer cannot be used: {error}")),
        };
    let other_id = order.facts.get(ORDER_ID).is_some_and(|known| *known != said.transaction_id);
    if said.external_id != order.external_id.as_str() || other_id {
        return Inquired::Unclear("the answer is about another order".to_owned());
    }
    let facts = Texts::from([(ORDER_ID.to_owned(), said.transaction_id.clone())]);
    Inquired::Says(Box::new(said), facts)
}

/// Whether the signature holds has been settled; from here on `null` is what has not come.
fn without_nulls<'a>(answer: &Pairs<'a>) -> Result<Pairs<'a>, Error> {
    let members = answer.members().iter().filter(|(_, value)| *value != Value::Null).cloned().collect();
    Pairs::new(members).map_err(|_| Error::Internal("an answer with a member twice".to_owned()))
}
