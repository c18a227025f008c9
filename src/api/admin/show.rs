//! How rows look in JSON. Pages have their items and the cursor of the next page.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use crate::clock::{Micros, rfc3339};
use crate::error::Error;
use crate::orders::Status;
use crate::orders::reviews::Review;
use crate::staff::audit::AuditRow;
use crate::{deposits, payouts};

/// A payout in lists and at the top of its own page.
pub fn payout(listed: &payouts::list::Listed) -> Result<Value, Error> {
    let payouts::list::Listed { order, login } = listed;
    Ok(json!({
        "external_id": order.external_id,
        "provider": order.provider,
        "site_id": order.site_id,
        "site_login": login,
        "amount": order.amount,
        "currency": order.currency,
        "status": order.status,
        "status_name": Status::from_code(order.status)?.name(),
        "stage": order.stage,
        "purse": order.purse,
        "transaction_id": order.transaction_id,
        "created_at": rfc3339(order.created_at),
        "updated_at": rfc3339(order.updated_at),
    }))
}

/// A deposit in lists and at the top of its own page.
pub fn deposit(listed: &deposits::list::Listed) -> Result<Value, Error> {
    let deposits::list::Listed { order, login } = listed;
    Ok(json!({
        "external_id": order.external_id,
        "provider": order.provider,
        "site_id": order.site_id,
        "site_login": login,
        "amount": order.amount,
        "currency": order.currency,
        "status": order.status,
        "status_name": Status::from_code(order.status)?.name(),
        "transaction_id": order.transaction_id,
        "created_at": rfc3339(order.created_at),
        "updated_at": rfc3339(order.updated_at),
    }))
}

/// A review.
pub fn review(review: &Review) -> Value {
    json!({
        "id": review.id,
        "kind": review.kind,
        "site_id": review.site_id,
        "external_id": review.external_id,
        "webhook_id": review.webhook_id,
        "note": review.note,
        "opened_at": rfc3339(review.opened_at),
        "closed_at": time(review.closed_at),
        "closed_by": review.closed_by,
        "close_reason": review.close_reason,
    })
}

/// A row of the audit.
pub fn audit(row: &AuditRow) -> Value {
    json!({
        "id": row.id,
        "at": rfc3339(row.at),
        "actor": row.actor,
        "act": row.act,
        "subject": row.subject,
        "detail": row.detail,
        "hash": hex::encode(&row.hash),
    })
}

/// A time that may not have come yet.
pub fn time(at: Option<Micros>) -> Option<String> {
    at.map(rfc3339)
}

/// A page of at most `limit` rows, of which one more was asked for: its presence means that there is a next page.
pub fn page<T>(
    mut rows: Vec<T>,
    limit: usize,
    cursor: impl Fn(&T) -> String,
    item: impl Fn(&T) -> Result<Value, Error>,
) -> Result<HttpResponse, Error> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(cursor);
    let items: Vec<Value> = rows.iter().map(item).collect::<Result<_, _>>()?;
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": next })))
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;

    use super::*;

    fn shown(rows: Vec<i64>, limit: usize) -> Value {
        let answer = page(rows, limit, i64::to_string, |row| Ok(json!(row))).unwrap();
        serde_json::from_slice(&answer.into_body().try_into_bytes().unwrap()).unwrap()
    }

    #[test]
    fn there_is_a_cursor_only_when_there_is_more() {
        assert_eq!(shown(vec![], 2), json!({"items": [], "next": null}));
        assert_eq!(shown(vec![7, 8], 2), json!({"items": [7, 8], "next": null}));
        assert_eq!(shown(vec![7, 8, 9], 2), json!({"items": [7, 8], "next": "8"}));
    }
}
