//! A player's front end and the back office, played: clients of the players' API and of the API of staff, as far as whole orders need them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::caller::{self, Answer, CallError};
use super::gameserver::JsonBody;
use super::meter::Meter;
use super::platforms::Way;
use crate::secret::Secret;

/// What a player wants.
#[derive(Debug, Clone)]
pub struct Wish {
    /// To pay in, or to be paid out.
    pub way: Way,
    /// Minor units of a currency with two decimals.
    pub amount: i64,
    /// Alphabetic code.
    pub currency: String,
    /// The method, by its name in the merchant's settings.
    pub method: &'static str,
    /// What the method needs.
    pub details: Vec<(&'static str, &'static str)>,
    /// What makes a repetition recognisable.
    pub key: String,
}

impl Wish {
    fn path(&self) -> &'static str {
        match self.way {
            Way::Deposit => "/cashier/deposit",
            Way::Payout => "/cashier/withdrawal",
        }
    }

    fn name(&self) -> &'static str {
        match self.way {
            Way::Deposit => "deposit",
            Way::Payout => "withdrawal",
        }
    }

    fn body(&self) -> Value {
        let details: serde_json::Map<String, Value> =
            self.details.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let mut body = json!({"amount": format!("{}.{:02}", self.amount / 100, self.amount % 100),
            "currency": self.currency, "method": self.method, "idempotency_key": self.key});
        if !details.is_empty() {
            body["details"] = details.into();
        }
        body
    }
}

/// A client of the players' API and of the back office.
#[derive(Debug, Clone)]
pub struct Front {
    http: reqwest::Client,
    public: String,
    private: String,
    staff: Secret,
    meter: Arc<Meter>,
}

impl Front {
    /// Talks to the listeners at these base addresses; `staff` is the token of somebody who may approve.
    pub fn new(public: &str, private: &str, staff: Secret, meter: Arc<Meter>) -> Self {
        let base = |address: &str| address.trim_end_matches('/').to_owned();
        Self { http: caller::client(), public: base(public), private: base(private), staff, meter }
    }

    /// Asks for a deposit or a withdrawal, with the token of a session.
    ///
    /// # Errors
    ///
    /// No answer.
    pub async fn ask(&self, token: &Secret, wish: &Wish) -> Result<Answer, CallError> {
        let request = self.http.post(format!("{}{}", self.public, wish.path())).json_body(&wish.body());
        caller::measured(&self.meter, wish.name(), request.header("authorization", token.expose())).await
    }

    /// The same in pieces with pauses between them, slowly but in time.
    ///
    /// # Errors
    ///
    /// No answer.
    pub async fn ask_slowly(&self, token: &Secret, wish: &Wish, pause: Duration) -> Result<Answer, CallError> {
        let body = caller::slow(wish.body().to_string().as_bytes(), pause);
        let request =
            self.http.post(format!("{}{}", self.public, wish.path())).header("content-type", "application/json");
        caller::measured(&self.meter, "slow request", request.header("authorization", token.expose()).body(body)).await
    }

    /// The same without waiting for the answer: it may or may not be acted on.
    pub async fn ask_and_hang_up(&self, token: &Secret, wish: &Wish) {
        let headers = [("content-type", "application/json"), ("authorization", token.expose())];
        let body = wish.body().to_string().into_bytes();
        caller::post_and_hang_up(&format!("{}{}", self.public, wish.path()), &headers, body).await;
    }

    /// A member of the staff approves a payout.
    ///
    /// # Errors
    ///
    /// No answer.
    pub async fn approve(&self, id: &str) -> Result<Answer, CallError> {
        let url = format!("{}/admin/api/v1/payouts/{id}/approve", self.private);
        let request = self.http.post(url).json_body(&json!({"reason": "looked at"}));
        let request = request.header("authorization", format!("Bearer {}", self.staff.expose()));
        caller::measured(&self.meter, "approval", request).await
    }
}
