//! Messages of the Cashier in every dress, and a client of the wallet API.

use croupier::simulate::caller::{Answer, RawCall, Route};
use croupier::simulate::messages::{self, Notice, Order};
use croupier::simulate::{Encoding, Params, form, sign};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::app::{SALT, SITE, TestApp};

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dress {
    Json,
    Form,
    Query,
}

/// Every way to write a message.
pub const DRESSES: [Dress; 3] = [Dress::Json, Dress::Form, Dress::Query];

/// A JSON object as parameters.
pub fn params(object: Value) -> Params {
    match object {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

/// The message with a right signature under this salt.
pub fn signed_with(params: &Params, salt: &str) -> Params {
    sign::signed(params, salt)
}

/// The message with a right signature of the site of most tests.
pub fn signed(params: &Params) -> Params {
    signed_with(params, SALT)
}

/// An order of this player, with a `transaction_id` that makes it one of a kind.
pub fn order(login: &str, amount: i64, currency: &str) -> Order {
    Order { login: login.into(), amount, currency: currency.into(), transaction_id: next_transaction() }
}

/// A fresh `transaction_id`.
pub fn next_transaction() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1_000_001);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// `check_deposit`, not signed.
pub fn check_deposit(order: &Order) -> Params {
    messages::check_deposit(SITE, order)
}

/// `request_payout`, not signed.
pub fn request_payout(order: &Order) -> Params {
    messages::request_payout(SITE, order)
}

/// A notification, not signed.
pub fn notification(external_id: &str, order: &Order, type_id: i64, status_id: i64) -> Params {
    let notice = Notice { external_id: external_id.into(), order: order.clone(), type_id, status_id };
    messages::notification(SITE, &notice)
}

impl TestApp {
    /// Signs and asks a question, in JSON.
    pub async fn ask(&self, params: &Params) -> Answer {
        self.ask_as_is(&signed(params), Dress::Json).await
    }

    /// Asks without signing.
    pub async fn ask_as_is(&self, params: &Params, dress: Dress) -> Answer {
        self.send(Route::Callback, params, dress, &[]).await
    }

    /// Signs and sends a notification, in JSON.
    pub async fn notify(&self, params: &Params) -> Answer {
        self.notify_as_is(&signed(params), Dress::Json).await
    }

    /// Sends a notification without signing it.
    pub async fn notify_as_is(&self, params: &Params, dress: Dress) -> Answer {
        self.send(Route::Webhook, params, dress, &[]).await
    }

    /// Sends these parameters as they are, with more headers.
    pub async fn send(&self, route: Route, params: &Params, dress: Dress, more: &[(&str, &str)]) -> Answer {
        let (content_type, query, body) = match dress {
            Dress::Json => (Some("application/json"), String::new(), Encoding::Json.write(params).1),
            Dress::Form => (Some("application/x-www-form-urlencoded"), String::new(), form(params).into_bytes()),
            Dress::Query => (None, form(params), Vec::new()),
        };
        let mut headers: Vec<(&str, &str)> = content_type.map(|kind| ("content-type", kind)).into_iter().collect();
        headers.extend(more);
        self.raw(RawCall { route, method: "POST", query: &query, headers: &headers, body }).await
    }

    /// Sends bytes as they are.
    pub async fn raw(&self, call: RawCall<'_>) -> Answer {
        self.caller.raw(call).await.expect("an answer")
    }

    /// POSTs this text as JSON to the callback.
    pub async fn ask_text(&self, body: &str) -> Answer {
        self.raw(RawCall::post(Route::Callback, &[("content-type", "application/json")], body.into())).await
    }
}

/// What the wallet API answered.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub content_type: String,
    /// Whether it says `Idempotent-Replayed: true`.
    pub replayed: bool,
    /// `X-Request-Id`.
    pub request_id: String,
    pub json: Value,
}

impl Reply {
    /// Status and the stable `code` of a problem document.
    pub fn problem(&self) -> (u16, &str) {
        (self.status, self.json["code"].as_str().unwrap_or(""))
    }

    /// Available and held after a transaction.
    pub fn balance(&self) -> (i64, i64) {
        let of = |name: &str| self.json[name].as_i64().unwrap_or_else(|| panic!("no {name} in {self:?}"));
        (of("available"), of("held"))
    }
}

/// A client of the wallet API that can do everything wrong.
#[derive(Clone)]
pub struct Wallet {
    http: reqwest::Client,
    base: String,
    site: String,
    key: String,
}

impl Wallet {
    pub fn new(private: &str, site: i64, key: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { http, base: private.to_owned(), site: site.to_string(), key: key.to_owned() }
    }

    /// The same client with another bearer key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// The same client for another site, however it is written.
    pub fn at_site(&self, site: &str) -> Self {
        Self { site: site.to_owned(), ..self.clone() }
    }

    pub async fn put(&self, login: &str, fields: Value) -> Reply {
        self.call("PUT", &self.player(login), &[], Some(fields)).await
    }

    pub async fn get(&self, login: &str) -> Reply {
        self.call("GET", &self.player(login), &[], None).await
    }

    /// A transaction whose idempotency key is its reference.
    pub async fn play(&self, login: &str, kind: &str, amount: i64, reference: &str) -> Reply {
        let body = json!({"kind": kind, "amount": amount, "currency": "USD", "reference": reference});
        self.post(login, &encoded(&format!("{kind} {reference}")), body).await
    }

    pub async fn post(&self, login: &str, key: &str, body: Value) -> Reply {
        let path = format!("{}/transactions", self.player(login));
        self.call("POST", &path, &[("idempotency-key", key)], Some(body)).await
    }

    pub async fn rollback(&self, login: &str, reference: &str) -> Reply {
        let path = format!("{}/transactions/{}/rollback", self.player(login), encoded(reference));
        self.call("POST", &path, &[], None).await
    }

    pub async fn statement(&self, login: &str, query: &str) -> Reply {
        self.call("GET", &format!("{}/transactions?{query}", self.player(login)), &[], None).await
    }

    /// Available and held in one currency.
    pub async fn balance(&self, login: &str, currency: &str) -> (i64, i64) {
        let reply = self.get(login).await;
        let all = reply.json["balances"].as_array().unwrap_or_else(|| panic!("no balances in {reply:?}"));
        let one = all.iter().find(|one| one["currency"] == currency);
        one.map_or((0, 0), |one| {
            (one["available"].as_i64().expect("an integer"), one["held"].as_i64().expect("an integer"))
        })
    }

    /// The path of a player, encoded.
    pub fn player(&self, login: &str) -> String {
        format!("/wallet/v1/sites/{}/players/{}", self.site, encoded(login))
    }

    /// Any request.
    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !self.key.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.key));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        reply(request.send().await.expect("an answer")).await
    }
}

async fn reply(response: reqwest::Response) -> Reply {
    let header =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let (status, content_type, replayed) =
        (response.status().as_u16(), header("content-type"), header("idempotent-replayed"));
    let request_id = header("x-request-id");
    let text = response.text().await.expect("a whole answer");
    let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Reply { status, content_type, replayed: replayed == "true", request_id, json }
}

/// A path segment with everything encoded that is not a letter or a digit.
pub fn encoded(segment: &str) -> String {
    utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string()
}
