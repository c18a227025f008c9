//! Many requests to one service, with what it answered: to compare two services that must answer alike.
//!
//! What is different by nature is replaced: an id that we make gets a name by its first appearance, so that it is still seen where the
//! same one comes again; a time, a token and the address of a listener become a word.

use std::net::SocketAddr;

use croupier::simulate::{Params, sign};
use serde_json::{Value, json};

use super::app::{SALT, SITE, TestApp, WALLET_KEY};
use crate::raw::{self, Answer, Request};

/// Headers that are another in every answer, or depend on how much of a refused body had come by then.
const BY_NATURE: [&str; 3] = ["date", "x-request-id", "connection"];

/// A service, what it was asked, and what it answered.
pub struct Script<'a> {
    pub app: &'a TestApp,
    /// The bearer token of a staff member, or nothing.
    pub staff: String,
    /// The bearer token of a player, or nothing.
    pub player: String,
    public: SocketAddr,
    private: SocketAddr,
    names: Names,
    told: Vec<(String, String)>,
}

impl<'a> Script<'a> {
    pub fn of(app: &'a TestApp) -> Self {
        let address = |base: &str| base.trim_start_matches("http://").parse().expect("an address");
        let (public, private) = (address(&app.public), address(&app.private));
        Self {
            app,
            staff: String::new(),
            player: String::new(),
            public,
            private,
            names: Names::default(),
            told: Vec::new(),
        }
    }

    /// Every request with its answer, as they can be compared.
    pub fn told(self) -> Vec<(String, String)> {
        self.told
    }

    /// What the Cashier says, signed: a question or a notification.
    pub async fn signed(&mut self, path: &str, params: &Value) -> Answer {
        let params: &Params = params.as_object().expect("parameters are an object");
        let body = Value::Object(sign::signed(params, SALT)).to_string();
        self.send(self.public, "POST", path, &[("content-type", "application/json")], body).await
    }

    /// Anything to the public side.
    pub async fn public(
        &mut self,
        method: &'static str,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Answer {
        self.send(self.public, method, path, headers, body.to_owned()).await
    }

    /// A player's request with their token.
    pub async fn player(&mut self, method: &'static str, path: &str, body: &Value) -> Answer {
        let bearer = self.player.clone();
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.send(self.public, method, &format!("/cashier/{path}"), &headers, text(body)).await
    }

    /// The game server's request about a player; the key is the `Idempotency-Key`, when there is one.
    pub async fn wallet(&mut self, method: &'static str, path: &str, key: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {WALLET_KEY}");
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
        if !key.is_empty() {
            headers.push(("idempotency-key", key));
        }
        let path =
            if path.starts_with('/') { path.to_owned() } else { format!("/wallet/v1/sites/{SITE}/players/{path}") };
        self.send(self.private, method, &path, &headers, text(body)).await
    }

    /// A request of staff.
    pub async fn staff(&mut self, method: &'static str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.staff);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.send(self.private, method, &format!("/admin/api/v1/{path}"), &headers, text(body)).await
    }

    /// Anything to the private side.
    pub async fn private(
        &mut self,
        method: &'static str,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Answer {
        self.send(self.private, method, path, headers, body.to_owned()).await
    }

    async fn send(
        &mut self,
        address: SocketAddr,
        method: &'static str,
        path: &str,
        headers: &[(&'static str, &str)],
        body: String,
    ) -> Answer {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let request = Request { method, path: path.to_owned(), headers, body };
        let asked = self.names.plain(&format!("{method} {path} {}", request.body));
        let answer = tokio::task::spawn_blocking(move || raw::once(address, &request)).await.expect("it is asked");
        let answer = answer.expect("an answer");
        let mut headers: Vec<String> = answer
            .headers
            .iter()
            .filter(|(name, _)| !BY_NATURE.contains(&name.as_str()))
            .filter(|(name, _)| name != "content-length")
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        headers.sort();
        let shown = format!("{}\n{}\n{}", answer.status, headers.join("\n"), String::from_utf8_lossy(&answer.body));
        self.told.push((asked, self.names.plain(&shown)));
        answer
    }
}

fn text(body: &Value) -> String {
    if body.is_null() { String::new() } else { body.to_string() }
}

/// A question of the Cashier about an order.
pub fn question(action: &str, login: &str, amount: i64, transaction: &str) -> Value {
    let own = if action == "request_payout" { "remember_customer_purse" } else { "source_type" };
    json!({"action": action, own: 0, "site_id": SITE, "site_login": login, "amount": amount, "currency": "USD",
        "payment_group_id": 6, "payment_type_id": 18, "customer_purse": "555555...4444", "customer_ip": "127.0.0.1",
        "transaction_id": transaction})
}

/// A notification of the Cashier about an order.
pub fn notice(
    external_id: &str,
    login: &str,
    amount: i64,
    (type_id, status_id): (i64, i64),
    transaction: &str,
) -> Value {
    json!({"site_id": SITE, "amount": amount, "currency": "USD", "real_amount": amount, "real_currency": "USD",
        "extended_info_enabled": 0, "processor_id": "89151432", "processor_message": "as the processor says",
        "customer_purse": "555555...4444", "completed_at": "2026-02-12T15:19:21+00:00", "site_login": login,
        "payment_group_id": 6, "display_payment_group_id": 6, "payment_type_id": 18, "customer_ip": "127.0.0.1",
        "source_type": 4, "type_id": type_id, "status_id": status_id, "transaction_id": transaction,
        "external_id": external_id})
}

/// The names that ids got, by their first appearance.
#[derive(Default)]
struct Names {
    known: Vec<String>,
}

impl Names {
    /// The text without what is another every time.
    fn plain(&mut self, text: &str) -> String {
        // What the simulator calls the order stands in its words about it, masked where it happens to look like a card.
        let known = ["transaction_id: ", "order_id: "].iter().fold(text.to_owned(), |text, before| {
            let parts = text.split(before).enumerate();
            let digits = |part: &str| part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned();
            parts
                .map(|(nth, part)| if nth == 0 { part.to_owned() } else { digits(part) })
                .collect::<Vec<_>>()
                .join(before)
        });
        // The same among the facts of an order; what we call a transaction is short.
        let known = ["\"transaction_id\":\"", "\"order_id\":\""].iter().fold(known, |text, before| {
            let parts = text.split(before).map(|part| {
                let digits = part.bytes().take_while(u8::is_ascii_digit).count();
                if digits >= 9 { part[digits..].to_owned() } else { part.to_owned() }
            });
            parts.collect::<Vec<_>>().join(before)
        });
        let in_a_word = |c: char| c.is_ascii_alphanumeric() || "_-.:+".contains(c);
        let (mut plain, mut rest) = (String::with_capacity(known.len()), known.as_str());
        while !rest.is_empty() {
            let end = rest.find(|c| !in_a_word(c)).unwrap_or(rest.len());
            plain.push_str(&self.word(&rest[..end]));
            let after = rest[end..].find(in_a_word).map_or(rest.len(), |at| end + at);
            plain.push_str(&rest[end..after]);
            rest = &rest[after..];
        }
        plain
    }

    fn word(&mut self, word: &str) -> String {
        let inner = word.trim_matches([':', '.', '+', '-']);
        if inner.len() < word.len() && !inner.is_empty() {
            let (before, after) = word.split_once(inner).expect("it is in the middle");
            return format!("{before}{}{after}", self.word(inner));
        }
        let bytes = word.as_bytes();
        let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        let digits =
            |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
        if word.len() == 32 && is_hex(word) || word.len() >= 40 {
            return self.name(word);
        }
        if let Some((number, token)) = word.strip_prefix("evt_").and_then(|name| name.split_once('_'))
            && token.len() == 12
        {
            return format!("evt_{number}_token");
        }
        let is_day = digits(0..4) && digits(5..7) && word.len() >= 19 && word.contains('T');
        let is_instant = matches!(word.len(), 10 | 13 | 16)
            && digits(0..word.len())
            && word.starts_with('1')
            && !word.ends_with("000");
        match word {
            _ if is_day => "TIME".to_owned(),
            _ if is_instant => "INSTANT".to_owned(),
            _ if word.starts_with("127.0.0.1:") => "ADDRESS".to_owned(),
            _ if word.contains(':') => word.split(':').map(|part| self.word(part)).collect::<Vec<_>>().join(":"),
            _ => word.to_owned(),
        }
    }

    fn name(&mut self, word: &str) -> String {
        let at = self.known.iter().position(|known| known == word).unwrap_or_else(|| {
            self.known.push(word.to_owned());
            self.known.len() - 1
        });
        format!("ID{at}")
    }
}
