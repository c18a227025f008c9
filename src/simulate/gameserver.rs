//! The casino's game server, played: a small client of the private wallet API.

use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::book::Expected;
use super::caller::{self, Answer, CallError};
use super::meter::Meter;
use crate::secret::Secret;

/// A movement of play.
#[derive(Debug, Clone)]
pub struct Movement<'a> {
    /// `bet`, `win`, `refund`, `bonus` or `adjustment`.
    pub kind: &'a str,
    /// Minor units.
    pub amount: i64,
    /// Alphabetic code.
    pub currency: &'a str,
    /// The game's own name for it; also the idempotency key.
    pub reference: &'a str,
}

/// A client of the wallet API for one site.
#[derive(Debug, Clone)]
pub struct GameServer {
    http: reqwest::Client,
    base: String,
    site_id: i64,
    key: Secret,
    meter: Arc<Meter>,
}

impl GameServer {
    /// Talks to the private listener at this base address with this bearer key.
    pub fn new(private: &str, site_id: i64, key: Secret, meter: Arc<Meter>) -> Self {
        Self { http: caller::client(), base: private.trim_end_matches('/').to_owned(), site_id, key, meter }
    }

    /// Creates or changes a player.
    ///
    /// # Errors
    ///
    /// No answer.
    pub async fn put_player(&self, login: &str, fields: &Value) -> Result<Answer, CallError> {
        let request = self.http.put(self.player(login)).json_body(fields);
        self.send("player", request).await
    }

    /// What the player has in this currency; zero when it does not appear.
    ///
    /// # Errors
    ///
    /// No answer, or one without balances.
    pub async fn balance(&self, login: &str, currency: &str) -> Result<Expected, CallError> {
        let answer = self.send("balance", self.http.get(self.player(login))).await?;
        let balances = answer.json.as_ref().and_then(|json| json.get("balances")).and_then(Value::as_array);
        let Some(balances) = balances else {
            return Err(CallError::NoAnswer(format!("no balances of {login}: {}", answer.summary())));
        };
        let found = balances.iter().find(|one| one.get("currency").and_then(Value::as_str) == Some(currency));
        let Some(found) = found else { return Ok(Expected::default()) };
        match (found.get("available").and_then(Value::as_i64), found.get("held").and_then(Value::as_i64)) {
            (Some(available), Some(held)) => Ok(Expected { available, held }),
            (_, _) => Err(CallError::NoAnswer(format!("the balance of {login} is not in integers"))),
        }
    }

    /// Opens a session of the player for the players' API; gives its token.
    ///
    /// # Errors
    ///
    /// No answer, or one without a token.
    pub async fn session(&self, login: &str) -> Result<Secret, CallError> {
        let answer = self.send("session", self.http.post(format!("{}/session", self.player(login)))).await?;
        let token = answer.json.as_ref().and_then(|json| json.get("token")).and_then(Value::as_str);
        token
            .map(Secret::new)
            .ok_or_else(|| CallError::NoAnswer(format!("no session of {login}: {}", answer.summary())))
    }

    /// Moves money of play, once per reference.
    ///
    /// # Errors
    ///
    /// No answer.
    pub async fn play(&self, login: &str, movement: &Movement<'_>) -> Result<Answer, CallError> {
        let body = json!({"kind": movement.kind, "amount": movement.amount, "currency": movement.currency,
            "reference": movement.reference});
        let url = format!("{}/transactions", self.player(login));
        let request = self.http.post(url).header("idempotency-key", movement.reference).json_body(&body);
        self.send(movement.kind, request).await
    }

    /// Undoes a bet.
    ///
    /// # Errors
    ///
    /// No answer.
    pub async fn rollback(&self, login: &str, reference: &str) -> Result<Answer, CallError> {
        let url = format!("{}/transactions/{}/rollback", self.player(login), encoded(reference));
        self.send("rollback", self.http.post(url)).await
    }

    fn player(&self, login: &str) -> String {
        format!("{}/wallet/v1/sites/{}/players/{}", self.base, self.site_id, encoded(login))
    }

    async fn send(&self, asked: &str, request: reqwest::RequestBuilder) -> Result<Answer, CallError> {
        let request = request.header("authorization", format!("Bearer {}", self.key.expose()));
        caller::measured(&self.meter, asked, request).await
    }
}

pub(super) trait JsonBody {
    fn json_body(self, body: &Value) -> Self;
}

impl JsonBody for reqwest::RequestBuilder {
    fn json_body(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }
}

fn encoded(segment: &str) -> String {
    utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string()
}
