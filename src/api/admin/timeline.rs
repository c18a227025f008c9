//! Everything that happened to an order, in order of time: what was asked, decided, booked, sent and told.

use serde_json::{Map, Value, json};

use super::show::time;
use crate::clock::{Micros, rfc3339};
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

type Moment = (Micros, Value);

/// The time line of a payout.
///
/// # Errors
///
/// What the database says, or `Internal` when a row is damaged.
pub fn of_payout(conn: &mut DbConn, payout: &Payout) -> Result<Vec<Value>, Error> {
    let mut moments = of_order(conn, &payout.external_id)?;
    let asked = callback(payout.created_at, "request_payout", payout.transaction_id.as_deref(), &payout.details)?;
    moments.insert(0, asked);
    moments.extend(approvals::of_subject(conn, &payout.external_id)?.iter().map(approval));
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
pub fn of_deposit(conn: &mut DbConn, deposit: &Deposit) -> Result<Vec<Value>, Error> {
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

fn of_order(conn: &mut DbConn, id: &str) -> Result<Vec<Moment>, Error> {
    let mut moments = Vec::new();
    moments.extend(lookup::of_order(conn, id)?.iter().map(posting));
    for webhook in webhooks::of_order(conn, id)? {
        moments.push(notification(&webhook)?);
    }
    for change in transitions::of_order(conn, id)? {
        moments.push(transition(&change)?);
    }
    for review in reviews::of_order(conn, id)? {
        let about = json!({"type": "review_opened", "review_id": review.id, "kind": review.kind, "note": review.note});
        moments.push((review.opened_at, about));
        if let Some(at) = review.closed_at {
            let (actor, reason) = (&review.closed_by, &review.close_reason);
            moments
                .push((at, json!({"type": "review_closed", "review_id": review.id, "actor": actor, "reason": reason})));
        }
    }
    Ok(moments)
}

/// Sorted by time; what has the same time stays in the order in which it was found.
fn in_order(mut moments: Vec<Moment>) -> Vec<Value> {
    moments.sort_by_key(|(at, _)| *at);
    let dated = |(at, mut value): Moment| {
        value["at"] = json!(rfc3339(at));
        value
    };
    moments.into_iter().map(dated).collect()
}

fn callback(at: Micros, action: &str, transaction_id: Option<&str>, fields: &str) -> Result<Moment, Error> {
    let fields = details(fields)?;
    Ok((at, json!({"type": "callback", "action": action, "transaction_id": transaction_id, "fields": fields})))
}

fn approval(approval: &Approval) -> Moment {
    let Approval { act, actor, reason, spent, .. } = approval;
    (approval.at, json!({"type": "approval", "act": act, "actor": actor, "reason": reason, "waiting": !spent}))
}

fn posting(entry: &Shown) -> Moment {
    let postings = entry.postings.each_ref().map(|posting| {
        let part = if posting.held { "held" } else { "available" };
        json!({"account": posting.account, "part": part, "change": posting.change})
    });
    let Shown { id, kind, cause, currency, .. } = entry;
    let value = json!({"type": "ledger_entry", "entry_id": id, "kind": kind, "cause": cause, "currency": currency,
        "postings": postings});
    (entry.at, value)
}

fn transition(change: &Transition) -> Result<Moment, Error> {
    let name = |code| Status::from_code(code).map(Status::name);
    let from =
        json!({"status": change.from_status, "status_name": name(change.from_status)?, "stage": change.from_stage});
    let to = json!({"status": change.to_status, "status_name": name(change.to_status)?, "stage": change.to_stage});
    let Transition { cause, actor, reason, .. } = change;
    Ok((
        change.at,
        json!({"type": "transition", "from": from, "to": to, "cause": cause, "actor": actor, "reason": reason}),
    ))
}

fn notification(webhook: &Webhook) -> Result<Moment, Error> {
    let fields: Map<String, Value> =
        webhook.fields()?.into_iter().map(|(name, text)| (name, purse::mask(&text).into())).collect();
    let Webhook { id, provider, signed, news, codes, verdict, .. } = webhook;
    let value = json!({"type": "notification", "webhook_id": id, "provider": provider, "signed": signed, "news": news,
        "codes": codes, "verdict": verdict, "fields": fields});
    Ok((webhook.received_at, value))
}

/// An attempt is two moments: it was sent, and it came back.
fn sent(attempt: &AttemptRow) -> Vec<Moment> {
    let AttemptRow { number, outcome, note, .. } = attempt;
    let body = shown_body(&attempt.body);
    let request = json!({"type": "request_sent", "attempt": number, "outcome": outcome,
        "finished_at": time(attempt.finished_at), "body": body});
    let mut moments = vec![(attempt.started_at, request)];
    if let Some(at) = attempt.finished_at {
        let answer =
            json!({"type": "request_answered", "attempt": number, "outcome": outcome, "note": purse::mask(note)});
        moments.push((at, answer));
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
