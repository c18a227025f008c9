//! How rows look in JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::{Micros, rfc3339};
use crate::error::Error;
use crate::orders::Status;
use crate::orders::reviews::Review as ReviewRow;
use crate::staff::audit::AuditRow;
use crate::{deposits, payouts};

/// A payout as staff see it.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffPayout)]
pub struct Payout {
    /// Our order id.
    external_id: String,
    /// Through whom it goes out.
    #[schema(example = "carouseller")]
    provider: String,
    site_id: i64,
    site_login: String,
    /// Minor units.
    #[schema(example = 10000)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// 0 to 9.
    #[schema(example = 9)]
    status: i64,
    /// The name of the status: `created`, `pending_payment`, `provider_confirmed`, `credited` (the player has been paid), `failed`,
    /// `cancelled` or `manual_review`.
    #[schema(example = "manual_review")]
    status_name: &'static str,
    /// `awaiting_approval`, `queued`, `sending`, `unknown`, `sent` or `done`. `unknown`: the request may have reached the Cashier.
    #[schema(example = "awaiting_approval")]
    stage: String,
    /// The destination, masked.
    #[schema(example = "411111...1111")]
    purse: Option<String>,
    /// The Cashier's id in its question, when it sent one.
    transaction_id: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

/// A deposit as staff see it.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffDeposit)]
pub struct Deposit {
    /// Our order id.
    external_id: String,
    /// Through whom it comes in.
    #[schema(example = "carouseller")]
    provider: String,
    site_id: i64,
    site_login: String,
    /// Minor units.
    #[schema(example = 10000)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// 0 to 9.
    #[schema(example = 3)]
    status: i64,
    /// The name of the status: `created`, `pending_payment`, `provider_confirmed`, `credited`, `credit_failed`, `failed`, `cancelled`,
    /// `refunded`, `chargeback` or `manual_review`.
    #[schema(example = "credited")]
    status_name: &'static str,
    /// The Cashier's id in its question, when it sent one.
    transaction_id: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    updated_at: String,
}

/// Something that needs a person, or needed one.
#[derive(Serialize, ToSchema)]
pub struct Review {
    /// Its number; also the cursor.
    id: i64,
    /// What it is about, a stable word: `unknown_order`, `payout_unknown`, `amount_differs`, `below_zero`, …
    #[schema(example = "payout_unknown")]
    kind: String,
    site_id: i64,
    /// The order, when there is one.
    external_id: Option<String>,
    /// The notification that caused it, when one did.
    webhook_id: Option<i64>,
    /// What happened, for people.
    note: String,
    /// RFC 3339.
    opened_at: String,
    /// RFC 3339; null while it is open.
    closed_at: Option<String>,
    /// A name of staff.
    closed_by: Option<String>,
    /// In their words.
    close_reason: Option<String>,
}

/// One row of the audit: who did what. Rows are never changed or deleted, and each one's hash covers the one before.
#[derive(Serialize, ToSchema)]
pub struct AuditEntry {
    /// Its number, without gaps; also the cursor.
    id: i64,
    /// RFC 3339.
    at: String,
    /// A name of staff, or `cli`.
    actor: String,
    /// What was done, a stable word.
    #[schema(example = "payout.approve")]
    act: String,
    /// On what.
    subject: String,
    /// Details and reason, in words.
    detail: String,
    /// SHA-256 over the hash before and every column, in hexadecimal.
    hash: String,
}

/// A payout in lists and at the top of its own page.
pub fn payout(listed: &payouts::list::Listed) -> Result<Payout, Error> {
    let payouts::list::Listed { order, login } = listed;
    Ok(Payout {
        external_id: order.external_id.clone(),
        provider: order.provider.clone(),
        site_id: order.site_id,
        site_login: login.clone(),
        amount: order.amount,
        currency: order.currency.clone(),
        status: order.status,
        status_name: Status::from_code(order.status)?.name(),
        stage: order.stage.clone(),
        purse: order.purse.clone(),
        transaction_id: order.transaction_id.clone(),
        created_at: rfc3339(order.created_at),
        updated_at: rfc3339(order.updated_at),
    })
}

/// A deposit in lists and at the top of its own page.
pub fn deposit(listed: &deposits::list::Listed) -> Result<Deposit, Error> {
    let deposits::list::Listed { order, login } = listed;
    Ok(Deposit {
        external_id: order.external_id.clone(),
        provider: order.provider.clone(),
        site_id: order.site_id,
        site_login: login.clone(),
        amount: order.amount,
        currency: order.currency.clone(),
        status: order.status,
        status_name: Status::from_code(order.status)?.name(),
        transaction_id: order.transaction_id.clone(),
        created_at: rfc3339(order.created_at),
        updated_at: rfc3339(order.updated_at),
    })
}

/// A review.
pub fn review(row: &ReviewRow) -> Review {
    Review {
        id: row.id,
        kind: row.kind.clone(),
        site_id: row.site_id,
        external_id: row.external_id.clone(),
        webhook_id: row.webhook_id,
        note: row.note.clone(),
        opened_at: rfc3339(row.opened_at),
        closed_at: time(row.closed_at),
        closed_by: row.closed_by.clone(),
        close_reason: row.close_reason.clone(),
    }
}

/// A row of the audit.
pub fn audit(row: &AuditRow) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at: rfc3339(row.at),
        actor: row.actor.clone(),
        act: row.act.clone(),
        subject: row.subject.clone(),
        detail: row.detail.clone(),
        hash: hex::encode(&row.hash),
    }
}

/// A time that may not have come yet.
pub fn time(at: Option<Micros>) -> Option<String> {
    at.map(rfc3339)
}
