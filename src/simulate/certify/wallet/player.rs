//! The player of one scenario: play in one word each.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::super::Stop;
use super::bench::{Bench, encoded};
use super::reply::Reply;
use super::{COPIES, PURSE};

/// A player that was made for one scenario.
#[derive(Debug, Clone)]
pub(super) struct Player<'a> {
    bench: &'a Bench,
    login: String,
}

impl<'a> Player<'a> {
    /// A player by name, whether the wallet knows them or not.
    pub(super) fn new(bench: &'a Bench, login: String) -> Self {
        Self { bench, login }
    }

    pub(super) fn bench(&self) -> &'a Bench {
        self.bench
    }

    pub(super) fn login(&self) -> &str {
        &self.login
    }

    /// One movement in minor units.
    pub(super) fn unit(&self) -> i64 {
        self.bench.subject().amount
    }

    /// Somebody else, whom nobody has made yet: the login of this player with more at its end.
    pub(super) fn beside(&self, more: &str) -> Self {
        Self { bench: self.bench, login: format!("{}{more}", self.login) }
    }

    /// Creates or changes the player.
    pub(super) async fn put(&self, fields: &Value) -> Result<Reply, Stop> {
        let request = self.bench.request(Method::PUT, &self.path("")).header("content-type", "application/json");
        self.send(request.body(fields.to_string())).await
    }

    /// The player as the wallet shows them.
    pub(super) async fn shown(&self) -> Result<Reply, Stop> {
        self.send(self.bench.request(Method::GET, &self.path(""))).await
    }

    /// The body of a movement.
    pub(super) fn movement(&self, kind: &str, amount: i64, reference: &str) -> Value {
        let (reference, currency) = (self.reference(reference), &self.bench.subject().currency);
        json!({"kind": kind, "amount": amount, "currency": currency, "reference": reference})
    }

    /// A reference of this run, of this player, for a name that a scenario uses.
    pub(super) fn reference(&self, name: &str) -> String {
        format!("{}-{name}", self.login)
    }

    /// A movement whose key comes from its kind and its reference.
    pub(super) async fn play(&self, kind: &str, amount: i64, reference: &str) -> Result<Reply, Stop> {
        self.post(&format!("{kind}-{reference}"), &self.movement(kind, amount, reference)).await
    }

    /// A movement that must be made.
    pub(super) async fn made(&self, kind: &str, amount: i64, reference: &str) -> Result<Reply, Stop> {
        let reply = self.play(kind, amount, reference).await?;
        reply.ok(&format!("a {kind} of {amount} to be made"))?;
        Ok(reply)
    }

    /// A body under a key of this run.
    pub(super) async fn post(&self, key: &str, body: &Value) -> Result<Reply, Stop> {
        self.post_text(key, &body.to_string()).await
    }

    /// Any text as JSON under a key of this run.
    pub(super) async fn post_text(&self, key: &str, body: &str) -> Result<Reply, Stop> {
        // The login may be in any script; a header may not.
        let key = format!("{}-{key}", encoded(&self.login));
        self.send(self.unsent().header("idempotency-key", key).body(body.to_owned())).await
    }

    /// A transaction as JSON, without a key and without a body.
    pub(super) fn unsent(&self) -> RequestBuilder {
        let request = self.bench.request(Method::POST, &self.path("/transactions"));
        request.header("content-type", "application/json")
    }

    /// The same body under the same key several times at once.
    pub(super) async fn post_copies(&self, key: &str, body: &Value) -> Result<Vec<Reply>, Stop> {
        let copies = (0..COPIES).map(|_| self.post(key, body));
        futures_util::future::join_all(copies).await.into_iter().collect()
    }

    /// Undoes the bets of a reference.
    pub(super) async fn rollback(&self, reference: &str) -> Result<Reply, Stop> {
        self.rollback_exactly(&self.reference(reference)).await
    }

    /// Undoes the bets of a reference as it is written.
    pub(super) async fn rollback_exactly(&self, reference: &str) -> Result<Reply, Stop> {
        let path = self.path(&format!("/transactions/{}/rollback", encoded(reference)));
        self.send(self.bench.request(Method::POST, &path)).await
    }

    /// A rollback that must be answered with this `applied`.
    pub(super) async fn rolled_back(&self, reference: &str, applied: bool) -> Result<Reply, Stop> {
        let reply = self.rollback(reference).await?;
        let right = reply.status() == 200 && *reply.get("applied") == applied;
        reply.check(right, &format!("HTTP 200 with applied {applied}"))?;
        Ok(reply)
    }

    /// The lines of a page of the statement, and the cursor of the next one.
    pub(super) async fn page(&self, query: &str) -> Result<(Vec<Value>, Option<String>), Stop> {
        let path = self.path(&format!("/transactions?{query}"));
        let reply = self.send(self.bench.request(Method::GET, &path)).await?;
        let expected = "HTTP 200 with a list of items and next";
        let items = reply.get("items").as_array().filter(|_| reply.status() == 200);
        let items = items.cloned().ok_or_else(|| reply.failed(expected))?;
        let next = match reply.get("next") {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => other.as_i64().map(|number| number.to_string()),
        };
        Ok((items, next))
    }

    /// What the player has in a currency; zero when it is not shown.
    pub(super) async fn available_in(&self, currency: &str) -> Result<i64, Stop> {
        let reply = self.shown().await?;
        let expected = "HTTP 200 with balances";
        let balances = reply.get("balances").as_array().ok_or_else(|| reply.failed(expected))?;
        let Some(one) = balances.iter().find(|one| one.get("currency").is_some_and(|code| code == currency)) else {
            return Ok(0);
        };
        one.get("available").and_then(Value::as_i64).ok_or_else(|| reply.failed("an integer available"))
    }

    /// The player must have this much, in minor units.
    pub(super) async fn has(&self, expected: i64) -> Result<(), Stop> {
        let available = self.available_in(&self.bench.subject().currency).await?;
        if available == expected {
            return Ok(());
        }
        Err(Stop::Failed(format!("expected {expected} available, the wallet shows {available}")))
    }

    /// The player must have what a new one gets.
    pub(super) async fn untouched(&self) -> Result<(), Stop> {
        self.has(PURSE * self.unit()).await
    }

    pub(super) fn path(&self, more: &str) -> String {
        format!("{}{more}", self.bench.path_of(&self.login))
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Reply, Stop> {
        Ok(self.bench.send(request).await?)
    }
}
