//! What a moment in the life of an order looks like in JSON: when, of which `type`, and what belongs to that type.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock::{Micros, rfc3339};

/// A moment in the life of an order.
#[derive(Serialize, ToSchema)]
pub struct Moment {
    /// RFC 3339.
    at: String,
    #[serde(flatten)]
    event: Event,
}

/// What happened; `type` says which.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = MomentEvent)]
pub enum Event {
    /// The Cashier asked.
    Callback {
        /// `check_deposit` or `request_payout`.
        action: &'static str,
        transaction_id: Option<String>,
        /// The other fields of the question by name, masked.
        #[schema(value_type = Object)]
        fields: Value,
    },
    /// A person agreed to something that may need two.
    Approval {
        /// `approve`, `resolve:succeeded` or `resolve:failed`.
        act: String,
        actor: String,
        reason: String,
        /// Whether it still waits for another person.
        waiting: bool,
    },
    /// Money was booked.
    LedgerEntry {
        entry_id: i64,
        /// `hold`, `capture`, `release`, `payout_correction`, `deposit`, `deposit_refund` or `chargeback`.
        kind: String,
        cause: String,
        currency: String,
        /// The debit, then the credit; they add up to zero.
        postings: [Posting; 2],
    },
    /// It went to another status or stage.
    Transition {
        from: Standing,
        to: Standing,
        /// `webhook 17`, `approve`, `answer`, …
        cause: String,
        /// A name of staff, or `croupier`.
        actor: String,
        /// May be empty.
        reason: String,
    },
    /// The Cashier told us something.
    Notification {
        webhook_id: i64,
        provider: String,
        /// Whether a signature vouches for it.
        signed: bool,
        /// What it says, in our words.
        news: String,
        /// What it says, in the provider's codes.
        codes: String,
        /// What became of it: `applied`, `recorded`, `review`, `unknown_order` or `before_payment`.
        verdict: String,
        /// What came by name, masked.
        #[schema(value_type = Object)]
        fields: Value,
    },
    /// It began to need a person.
    ReviewOpened {
        review_id: i64,
        /// A stable word.
        kind: String,
        note: String,
    },
    /// A person closed a review of it.
    ReviewClosed { review_id: i64, actor: Option<String>, reason: Option<String> },
    /// We asked the Cashier to pay.
    RequestSent {
        /// 1 for the first one.
        attempt: i64,
        /// `accepted`, `refused`, `not_sent` or `unknown`; null while it is under way.
        outcome: Option<String>,
        /// RFC 3339; null while it is under way.
        finished_at: Option<String>,
        /// What was sent by name; secrets and personal data are `***`. `bytes` alone: how many of something unreadable.
        #[schema(value_type = Object)]
        body: Value,
    },
    /// The Cashier answered, or did not.
    RequestAnswered {
        /// The number of the request it answers.
        attempt: i64,
        /// `accepted`, `refused`, `not_sent` or `unknown`.
        outcome: Option<String>,
        /// What the Cashier said, for people.
        note: String,
    },
}

/// One side of an entry.
#[derive(Serialize, ToSchema)]
pub struct Posting {
    /// The account's code.
    #[schema(example = "player:7:USD")]
    pub account: String,
    /// `available` or `held`.
    #[schema(example = "held")]
    pub part: &'static str,
    /// Minor units: positive is a credit, so a player is owed more.
    #[schema(example = 10000)]
    pub change: i64,
}

/// Where an order stands.
#[derive(Serialize, ToSchema)]
pub struct Standing {
    /// 0 to 9.
    #[schema(example = 1)]
    pub status: i64,
    /// The name of the status.
    #[schema(example = "pending_payment")]
    pub status_name: &'static str,
    /// Only payouts have one.
    #[schema(example = "queued")]
    pub stage: Option<String>,
}

/// An event with its time: for the order of a time line, and for people.
pub fn moment(at: Micros, event: Event) -> (Micros, Moment) {
    (at, Moment { at: rfc3339(at), event })
}
