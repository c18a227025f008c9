//! Which columns the check may overlook, and why. Everything else is money data: whatever changes there must be found. A column that is
//! neither found nor named here is a problem, so that a new one cannot be forgotten.

/// Where nothing about money is kept.
const NO_MONEY: &str = "no money data";
/// A time, a count or a text that nothing is decided by.
const FOR_PEOPLE: &str = "nothing is decided by it";
/// When something is done next; a wrong time makes it early or late.
const A_TIME: &str = "when it is done, not what";
/// Nothing else in the books knows it, so that no check can compare it: see docs, "What no check can see".
const KEPT_ONCE: &str = "kept once";

/// A table, a column or `*` for all, and why the check may overlook a change of it. `(row)`: the row itself.
const OVERLOOKED: &[(&str, &str, &str)] = &[
    // A yes that is gone must be given again.
    ("approvals", "(row)", FOR_PEOPLE),
    ("approvals", "id", FOR_PEOPLE),
    // One that counts again is of no use, the payout has moved on; one that counts no more must be given again.
    ("approvals", "spent", FOR_PEOPLE),
    ("cashier_requests", "(row)", KEPT_ONCE),
    ("cashier_requests", "idempotency_key", KEPT_ONCE),
    ("cashier_requests", "fingerprint", KEPT_ONCE),
    ("cashier_requests", "method", KEPT_ONCE),
    // Of a deposit that the Cashier has taken over, which is younger than its request.
    ("cashier_requests", "created_at", FOR_PEOPLE),
    ("cashier_requests", "comment", FOR_PEOPLE),
    ("cashier_requests", "metadata", KEPT_ONCE),
    ("cashier_requests", "redirect_url", KEPT_ONCE),
    ("cashier_requests", "failure_reason", FOR_PEOPLE),
    // Without it the Cashier's question makes an order of its own.
    ("deposit_intents", "(row)", A_TIME),
    ("deposit_intents", "created_at", A_TIME),
    ("deposits", "created_at", FOR_PEOPLE),
    ("deposits", "details", KEPT_ONCE),
    ("deposits", "updated_at", FOR_PEOPLE),
    ("event_attempts", "*", NO_MONEY),
    ("event_endpoint", "*", NO_MONEY),
    ("event_queue", "*", NO_MONEY),
    ("event_turns", "*", NO_MONEY),
    // A reader whose cursor has another token is told so.
    ("events", "token", FOR_PEOPLE),
    // Of the beginning of an order; otherwise it is that of the change.
    ("events", "at", FOR_PEOPLE),
    // A payout's is found; without a deposit's its end is what its provider says by itself.
    ("inquiries", "(row)", A_TIME),
    ("inquiries", "since", A_TIME),
    ("inquiries", "due_at", A_TIME),
    ("inquiries", "asked", A_TIME),
    ("inquiries", "last_asked_at", A_TIME),
    ("inquiries", "last_answer", FOR_PEOPLE),
    ("inquiries", "about", KEPT_ONCE),
    ("inquiries", "alarmed", FOR_PEOPLE),
    ("leases", "*", NO_MONEY),
    ("meta", "*", KEPT_ONCE),
    ("method_overrides", "*", NO_MONEY),
    ("order_facts", "*", KEPT_ONCE),
    // Sealed with a key that is not in the books: what was changed does not open.
    ("order_secrets", "*", NO_MONEY),
    ("outbox", "attempts", A_TIME),
    ("outbox", "due_at", A_TIME),
    ("payout_attempts", "(row)", KEPT_ONCE),
    ("payout_attempts", "body", KEPT_ONCE),
    ("payout_attempts", "started_at", FOR_PEOPLE),
    ("payout_attempts", "finished_at", FOR_PEOPLE),
    ("payout_attempts", "outcome", KEPT_ONCE),
    ("payout_attempts", "note", FOR_PEOPLE),
    ("payout_attempts", "owner", A_TIME),
    // Of a withdrawal that a player asked for; one that the Cashier asked for has its question.
    ("payouts", "provider", KEPT_ONCE),
    ("payouts", "purse", KEPT_ONCE),
    ("payouts", "created_at", FOR_PEOPLE),
    ("payouts", "details", KEPT_ONCE),
    ("payouts", "updated_at", FOR_PEOPLE),
    ("player_limits", "*", KEPT_ONCE),
    ("players", "(row)", KEPT_ONCE),
    ("players", "login", KEPT_ONCE),
    // Of a player who has no order and no transaction yet.
    ("players", "site_id", KEPT_ONCE),
    ("players", "status", KEPT_ONCE),
    ("players", "deposit_allowed", KEPT_ONCE),
    ("players", "withdrawal_allowed", KEPT_ONCE),
    ("players", "country", NO_MONEY),
    ("players", "profile", NO_MONEY),
    ("players", "created_at", FOR_PEOPLE),
    ("players", "updated_at", FOR_PEOPLE),
    ("players", "excluded_until", KEPT_ONCE),
    ("players", "limited", KEPT_ONCE),
    ("protection_log", "*", KEPT_ONCE),
    ("question_keys", "fingerprint", KEPT_ONCE),
    ("question_keys", "asked_at", A_TIME),
    ("reviews", "id", FOR_PEOPLE),
    ("reviews", "webhook_id", FOR_PEOPLE),
    ("reviews", "note", FOR_PEOPLE),
    ("reviews", "closed_at", FOR_PEOPLE),
    ("reviews", "closed_by", FOR_PEOPLE),
    ("reviews", "close_reason", FOR_PEOPLE),
    // One that undid something is found; one that came before its bet is known nowhere else.
    ("rollbacks", "(row)", KEPT_ONCE),
    ("rollbacks", "player_id", KEPT_ONCE),
    ("rollbacks", "reference", KEPT_ONCE),
    ("rollbacks", "answer", KEPT_ONCE),
    ("rollbacks", "created_at", FOR_PEOPLE),
    ("staff", "*", NO_MONEY),
    ("staff_tokens", "*", NO_MONEY),
    // Of changes that the game server is not told of.
    ("transitions", "from_stage", FOR_PEOPLE),
    ("transitions", "to_stage", FOR_PEOPLE),
    ("transitions", "cause", FOR_PEOPLE),
    ("transitions", "actor", FOR_PEOPLE),
    ("transitions", "reason", FOR_PEOPLE),
    ("transitions", "at", FOR_PEOPLE),
    ("wallet_transactions", "key", KEPT_ONCE),
    ("wallet_transactions", "available", KEPT_ONCE),
    ("wallet_transactions", "held", KEPT_ONCE),
    ("wallet_transactions", "created_at", FOR_PEOPLE),
    // Of those that moved no money; what moved some is compared with its order, and so is one that is applied later.
    ("webhooks", "digest", KEPT_ONCE),
    ("webhooks", "provider", KEPT_ONCE),
    ("webhooks", "site_id", KEPT_ONCE),
    ("webhooks", "external_id", KEPT_ONCE),
    ("webhooks", "signed", KEPT_ONCE),
    ("webhooks", "verdict", KEPT_ONCE),
    ("webhooks", "content", KEPT_ONCE),
    ("webhooks", "codes", FOR_PEOPLE),
    ("webhooks", "received_at", FOR_PEOPLE),
];

/// Why a change of this column may be overlooked.
pub fn why_not(table: &str, column: &str) -> Option<&'static str> {
    let named = OVERLOOKED.iter().find(|(named, which, _)| *named == table && (*which == "*" || *which == column));
    named.map(|(_, _, why)| *why)
}
