//! What is copied, and in what order: a row comes after the rows that it refers to.

/// A column of a primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Number(&'static str),
    Text(&'static str),
    Bytes(&'static str),
}

impl Key {
    pub(super) fn name(self) -> &'static str {
        match self {
            Key::Number(name) | Key::Text(name) | Key::Bytes(name) => name,
        }
    }
}

/// A table or view that is read in the order of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    pub name: &'static str,
    pub key: &'static [Key],
    /// Whether the books differ when its rows differ. Where pushes stand is no part of the books: they may come twice anyway.
    pub books: bool,
    /// Whether each row is sealed with the one before it, so that not one character may change.
    pub chained: bool,
}

const fn table(name: &'static str, key: &'static [Key]) -> Table {
    Table { name, key, books: true, chained: false }
}

const fn chained(name: &'static str, key: &'static [Key]) -> Table {
    Table { name, key, books: true, chained: true }
}

const fn delivery(name: &'static str, key: &'static [Key]) -> Table {
    Table { name, key, books: false, chained: false }
}

const ID: &[Key] = &[Key::Number("id")];
const ORDER: &[Key] = &[Key::Text("external_id")];
const NUMBERED: &[Key] = &[Key::Text("external_id"), Key::Number("number")];

/// The journal itself.
pub(super) const ENTRIES: Table = chained("journal_entries", ID);

/// The journal as both databases show it, with numbers and hashes.
pub(super) const CHAIN: Table = chained("sealed_entries", &[Key::Number("number")]);

/// Everything that is on both databases, besides `meta` and what only running instances need.
pub(super) const TABLES: [Table; 30] = [
    table("players", ID),
    table("accounts", ID),
    ENTRIES,
    table("question_keys", &[Key::Text("provider"), Key::Number("site_id"), Key::Text("key")]),
    table("deposits", ORDER),
    table("payouts", ORDER),
    table("outbox", ORDER),
    table("payout_attempts", NUMBERED),
    table("transitions", NUMBERED),
    table("webhooks", ID),
    table("reviews", ID),
    table("wallet_transactions", &[Key::Text("id")]),
    table("rollbacks", &[Key::Number("player_id"), Key::Text("reference")]),
    table("staff", ID),
    table("staff_tokens", &[Key::Bytes("digest")]),
    table("approvals", ID),
    chained("audit", ID),
    chained("events", ID),
    delivery("event_endpoint", ID),
    delivery("event_queue", &[Key::Number("event_id")]),
    delivery("event_turns", &[Key::Number("player")]),
    delivery("event_attempts", ID),
    table("player_limits", &[Key::Number("player_id"), Key::Text("currency"), Key::Text("period")]),
    table("protection_log", ID),
    table("method_overrides", &[Key::Number("player_id"), Key::Text("method"), Key::Text("currency")]),
    table("cashier_requests", ORDER),
    table("deposit_intents", &[Key::Number("player_id"), Key::Text("external_id")]),
    table("order_facts", ORDER),
    table("order_secrets", &[Key::Text("external_id"), Key::Text("name")]),
    table("inquiries", ORDER),
];

/// What a backup of PostgreSQL has besides: the chain, and what waits for it.
pub(super) const ON_A_SERVER: [Table; 3] = [
    chained("seals", &[Key::Number("number")]),
    table("unsealed_entries", &[Key::Number("entry_id")]),
    table("unsealed_events", ID),
];

/// Tables that are neither copied nor kept in a backup: the marks are written apart, the rest belongs to running instances.
pub(super) const APART: [&str; 4] = ["meta", "leases", "lanes", "turns"];

/// Tables whose numbers come from a sequence on PostgreSQL, named `<table>_ids`.
pub(super) const COUNTED: [&str; 9] = [
    "players",
    "accounts",
    ENTRIES.name,
    "webhooks",
    "reviews",
    "staff",
    "approvals",
    "event_attempts",
    "protection_log",
];

/// The table with this name, in a backup.
pub(super) fn named(name: &str) -> Option<Table> {
    TABLES.into_iter().chain(ON_A_SERVER).find(|table| table.name == name)
}
