//! Everything that happened to an order, in order of time: what was asked, decided, booked, sent and told.

use serde_json::{Map, Value, json};

use super::moments::{Event, Moment, Posting, Standing, moment};
use super::show::time;
use crate::clock::Micros;
use crate::db::DbConn;
use crate::deposits::Deposit;
use crate::error::Error;
use crate::ledger::lookup::{self, Shown};
use crate::orders::transitions::{self, Transition};
use crate::orders::{Status, reviews};
use crate::payouts::Payout;
use crate::payouts::outbox::{self, AttemptRow};
use crate::providers::purse;
use crate::staff::approvals::{self, Approval};
use crate::webhooks::{self, Webhook};

/// Fields of a sent body that are shown; of all others only the names. They say what was asked of the Cashier, not who the
/// player is.
const SHOWN: [&str; 8] =
    ["action", "amount", "currency", "customer_purse", "external_id", "invoice_id", "site_id", "site_login"];

/// A moment beside its time, which sorts it.
type Dated = (Micros, Moment);

/// The time line of a payout.
///
/// # Errors
///
/// What the database says, or `Internal` when a row is damaged.
pub fn of_payout(conn: &mut DbConn, payout: &Payout) -> Result<Vec<Moment>, Error> {
    let mut moments = of_order(conn, &payout.external_id)?;
    let asked = callback(payout.created_at, "request_payout", payout.transaction_id.as_deref(), &payout.details)?;
    moments.insert(0, asked);
    moments.extend(approvals::of_subject(conn, &payout.external_id)?.into_iter().map(approval));
    for attempt in outbox::attempts(conn, &payout.external_id)? {
        moments.extend(sent(&attempt));
    }
    Ok(in_order(moments))
}

/// The time line of a deposit.
///
/// # Errors
///
/// What the database says, or `Internal` when a row is damaged.
pub fn of_deposit(conn: &mut DbConn, deposit: &Deposit) -> Result<Vec<Moment>, Error> {
    let mut moments = of_order(conn, &deposit.external_id)?;
    let asked = callback(deposit.created_at, "check_deposit", deposit.transaction_id.as_deref(), &deposit.details)?;
    moments.insert(0, asked);
    Ok(in_order(moments))
}

/// The fields that came with a question, masked when they were stored.
///
/// # Errors
///
/// `Internal`: the row is damaged.
pub fn details(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|_| Error::Internal("the details of an order are damaged".into()))
}

fn of_order(conn: &mut DbConn, id: &str) -> Result<Vec<Dated>, Error> {
    let mut moments = Vec::new();
    moments.extend(lookup::of_order(conn, id)?.iter().map(booked));
    for webhook in webhooks::of_order(conn, id)? {
        moments.push(notification(&webhook)?);
    }
    for change in transitions::of_order(conn, id)? {
        moments.push(transition(change)?);
    }
    for review in reviews::of_order(conn, id)? {
        let (review_id, kind, note) = (review.id, review.kind, review.note);
        moments.push(moment(review.opened_at, Event::ReviewOpened { review_id, kind, note }));
        if let Some(at) = review.closed_at {
            let (actor, reason) = (review.closed_by, review.close_reason);
            moments.push(moment(at, Event::ReviewClosed { review_id, actor, reason }));
        }
    }
    Ok(moments)
}

/// Sorted by time; what has the same time stays in the order in which it was found.
fn in_order<T>(mut moments: Vec<(Micros, T)>) -> Vec<T> {
    moments.sort_by_key(|(at, _)| *at);
    moments.into_iter().map(|(_, moment)| moment).collect()
}

fn callback(at: Micros, action: &'static str, transaction_id: Option<&str>, fields: &str) -> Result<Dated, Error> {
    let transaction_id = transaction_id.map(str::to_owned);
    Ok(moment(at, Event::Callback { action, transaction_id, fields: details(fields)? }))
}

fn approval(approval: Approval) -> Dated {
    let Approval { act, actor, reason, spent, at, .. } = approval;
    moment(at, Event::Approval { act, actor, reason, waiting: !spent })
}

fn booked(entry: &Shown) -> Dated {
    let postings = entry.postings.each_ref().map(|posting| Posting {
        account: posting.account.clone(),
        part: if posting.held { "held" } else { "available" },
        change: posting.change,
    });
    let (kind, cause, currency) = (entry.kind.clone(), entry.cause.clone(), entry.currency.clone());
    moment(entry.at, Event::LedgerEntry { entry_id: entry.id, kind, cause, currency, postings })
}

fn transition(change: Transition) -> Result<Dated, Error> {
    let standing = |status, stage| {
        let status_name = Status::from_code(status)?.name();
        Ok::<_, Error>(Standing { status, status_name, stage })
    };
    let from = standing(change.from_status, change.from_stage)?;
    let to = standing(change.to_status, change.to_stage)?;
    let (cause, actor, reason) = (change.cause, change.actor, change.reason);
    Ok(moment(change.at, Event::Transition { from, to, cause, actor, reason }))
}

fn notification(webhook: &Webhook) -> Result<Dated, Error> {
    let fields: Map<String, Value> =
        webhook.fields()?.into_iter().map(|(name, text)| (name, purse::mask(&text).into())).collect();
    let event = Event::Notification {
        webhook_id: webhook.id,
        provider: webhook.provider.clone(),
        signed: webhook.signed,
        news: webhook.news.clone(),
        codes: webhook.codes.clone(),
        verdict: webhook.verdict.clone(),
        fields: Value::Object(fields),
    };
    Ok(moment(webhook.received_at, event))
}

/// An attempt is two moments: it was sent, and it came back.
fn sent(attempt: &AttemptRow) -> Vec<Dated> {
    let request = Event::RequestSent {
        attempt: attempt.number,
        outcome: attempt.outcome.clone(),
        finished_at: time(attempt.finished_at),
        body: shown_body(&attempt.body),
    };
    let mut moments = vec![moment(attempt.started_at, request)];
    if let Some(at) = attempt.finished_at {
        let (outcome, note) = (attempt.outcome.clone(), purse::mask(&attempt.note).into_owned());
        moments.push(moment(at, Event::RequestAnswered { attempt: attempt.number, outcome, note }));
    }
    moments
}

/// A sent body as far as people need it: no signature, no personal data, no whole card number.
fn shown_body(body: &[u8]) -> Value {
    let fields: Option<Vec<(String, Value)>> = match serde_json::from_slice::<Map<String, Value>>(body) {
        Ok(object) => Some(object.into_iter().collect()),
        Err(_) => std::str::from_utf8(body)
            .ok()
            .and_then(|text| serde_urlencoded::from_str::<Vec<(String, String)>>(text).ok())
            .map(|pairs| pairs.into_iter().map(|(name, text)| (name, text.into())).collect()),
    };
    let Some(fields) = fields else { return json!({"bytes": body.len()}) };
    let shown = |(name, value): (String, Value)| {
        let value = match &value {
            _ if !SHOWN.contains(&name.as_str()) => json!("***"),
            Value::String(text) => purse::mask(text).into(),
            Value::Number(_) => value,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => json!("***"),
        };
        (name, value)
    };
    Value::Object(fields.into_iter().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sent_body_shows_no_secret_and_no_person() {
        let json = br#"{"action":"payout","amount":500,"customer_purse":"4111111111111111","first_name":"Ann","signature":"ab12"}"#;
        let form = b"action=payout&amount=500&customer_purse=4111111111111111&first_name=Ann&signature=ab12";
        let expected = |amount: Value| {
            json!({"action": "payout", "amount": amount, "customer_purse": "411111...1111", "first_name": "***",
                "signature": "***"})
        };

        assert_eq!(shown_body(json), expected(json!(500)));
        assert_eq!(shown_body(form), expected(json!("500")));
        assert_eq!(shown_body(&[0xff, 0xfe]), json!({"bytes": 2}));
    }

    #[test]
    fn moments_are_sorted_by_time_and_stable() {
        let moments = vec![(2, json!({"n": 1})), (1, json!({"n": 2})), (2, json!({"n": 3}))];

        let order: Vec<_> = in_order(moments).iter().map(|value| value["n"].clone()).collect();

        assert_eq!(order, [json!(2), json!(1), json!(3)]);
    }
}
