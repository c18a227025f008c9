//! The requests of the load: what a Cashier and a game server send, signed, as bytes for the wire.

use std::io::Write;

use sha1::{Digest, Sha1};

use crate::load::{Request, Wanted};

/// The site of the load.
pub const SITE: i64 = 332;
/// Its salt.
pub const SALT: &str = "a_salt_for_benchmarks_only_0123456789";
/// The key of the game server.
pub const KEY: &str = "a_key_for_benchmarks_only_01234567890123456789";
/// Players the load is spread over: `player0`, `player1`, …
pub const PLAYERS: u64 = 1000;
/// What each has at the beginning, in minor units: more than any run takes.
pub const FUNDS: i64 = 900_000_000_000_000;

/// The door of the Cashier.
pub const PUBLIC: usize = 0;
/// The door of the game server.
pub const PRIVATE: usize = 1;

/// The player of request `number`.
pub fn player(number: u64) -> String {
    format!("player{}", number % PLAYERS)
}

/// The amount of request `number`, in minor units.
pub fn amount(number: u64) -> u64 {
    100 + number % 900
}

/// The two questions of the Cashier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    CheckDeposit,
    RequestPayout,
}

impl Question {
    /// The `action` on the wire.
    pub fn action(self) -> &'static str {
        match self {
            Question::CheckDeposit => "check_deposit",
            Question::RequestPayout => "request_payout",
        }
    }

    /// The answer that accepts.
    pub fn accepted(self) -> Wanted {
        let body = match self {
            Question::CheckDeposit => "\"code\":0,",
            Question::RequestPayout => "\"code\":50,",
        };
        Wanted { status: 200, body }
    }
}

/// A signed question with 12 parameters, as a form.
pub fn question(question: Question, number: u64) -> Request {
    asked(question, number, amount(number), SALT, question.accepted())
}

/// A question with an amount, a salt and an answer of its own.
pub fn asked(question: Question, number: u64, amount: u64, salt: &str, wanted: Wanted) -> Request {
    let mut fields = vec![
        ("action", question.action().to_owned()),
        ("amount", amount.to_string()),
        ("currency", "USD".into()),
        ("customer_ip", "127.0.0.1".into()),
        ("customer_purse", "555555...4444".into()),
        ("payment_group_id", "6".into()),
        ("payment_type_id", "18".into()),
        ("remember_customer_purse", "0".into()),
        ("site_id", SITE.to_string()),
        ("site_login", player(number)),
        ("source_type", "4".into()),
        ("transaction_id", transaction(number)),
    ];
    sign(&mut fields, salt);
    Request { door: PUBLIC, bytes: form("/cashier/callback/carouseller", &fields), wanted }
}

/// A signed notification: the deposit that question `number` asked about was paid.
pub fn success(number: u64, external_id: &str) -> Request {
    let amount = amount(number).to_string();
    let mut fields = vec![
        ("amount", amount.clone()),
        ("completed_at", "2026-02-12T15:19:21+00:00".into()),
        ("currency", "USD".into()),
        ("customer_ip", "127.0.0.1".into()),
        ("customer_purse", "555555...4444".into()),
        ("display_payment_group_id", "6".into()),
        ("extended_info_enabled", "0".into()),
        ("external_id", external_id.to_owned()),
        ("payment_group_id", "6".into()),
        ("payment_type_id", "18".into()),
        ("processor_id", transaction(number)),
        ("processor_message", "Success".into()),
        ("real_amount", amount),
        ("real_currency", "USD".into()),
        ("site_id", SITE.to_string()),
        ("site_login", player(number)),
        ("source_type", "4".into()),
        ("status_id", "4".into()),
        ("transaction_id", transaction(number)),
        ("type_id", "3".into()),
    ];
    sign(&mut fields, SALT);
    let wanted = Wanted { status: 200, body: "\"code\":0" };
    Request { door: PUBLIC, bytes: form("/cashier/webhook/carouseller", &fields), wanted }
}

/// What the game server does to a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Bet,
    Win,
}

/// A bet or a win of the game server.
pub fn turn(turn: Turn, number: u64) -> Request {
    let kind = match turn {
        Turn::Bet => "bet",
        Turn::Win => "win",
    };
    moved(kind, number, i64::try_from(amount(number)).expect("a small amount"), &format!("{kind}-{number}"))
}

/// The money a player begins with.
pub fn funds(number: u64) -> Request {
    moved("bonus", number, FUNDS, &format!("funds-{number}"))
}

fn moved(kind: &str, number: u64, amount: i64, key: &str) -> Request {
    let path = format!("/wallet/v1/sites/{SITE}/players/{}/transactions", player(number));
    let body = format!(r#"{{"kind":"{kind}","amount":{amount},"currency":"USD","reference":"round-{number}"}}"#);
    let headers = format!("authorization: Bearer {KEY}\r\nidempotency-key: {key}\r\n");
    let wanted = Wanted { status: 201, body: "\"available\":" };
    Request { door: PRIVATE, bytes: message("POST", &path, "application/json", &headers, &body), wanted }
}

/// Creates a player.
pub fn put(number: u64) -> Request {
    let path = format!("/wallet/v1/sites/{SITE}/players/{}", player(number));
    let headers = format!("authorization: Bearer {KEY}\r\n");
    let wanted = Wanted { status: 201, body: "\"balances\":" };
    Request { door: PRIVATE, bytes: message("PUT", &path, "application/json", &headers, "{}"), wanted }
}

fn transaction(number: u64) -> String {
    (70_000_000_000 + number).to_string()
}

/// Appends the signature of fields that stand in the order of their names and are not blank.
fn sign(fields: &mut Vec<(&str, String)>, salt: &str) {
    let mut hash = Sha1::new();
    for (name, value) in fields.iter() {
        hash.update(format!("{name}:{value};"));
    }
    hash.update(salt);
    fields.push(("signature", hex::encode(hash.finalize())));
}

fn form(path: &str, fields: &[(&str, String)]) -> Vec<u8> {
    let body = serde_urlencoded::to_string(fields).expect("pairs of texts");
    message("POST", path, "application/x-www-form-urlencoded", "", &body)
}

fn message(method: &str, path: &str, content_type: &str, headers: &str, body: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 256);
    let written = write!(
        bytes,
        "{method} {path} HTTP/1.1\r\nhost: bench\r\n{headers}content-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    written.expect("memory takes everything");
    bytes
}
