//! The played Rebilly, asked as a merchant asks it, over the socket.

mod deposits;
mod doors;
mod notes;
mod payouts;

use serde_json::{Value, json};

use super::*;
use crate::simulate::caller::client;

const CUSTOMER: &str = "cus_alice";

/// What came back.
struct Back {
    status: u16,
    headers: Vec<(String, String)>,
    text: String,
}

impl Back {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The fields that are wrong.
    fn fields(&self) -> Vec<String> {
        let wrong = self.json()["invalidFields"].as_array().cloned().unwrap_or_default();
        wrong.iter().filter_map(|one| one["field"].as_str().map(str::to_owned)).collect()
    }

    fn text_of(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }
}

fn here() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn start() -> Rebilly {
    Rebilly::start(here(), Account::default()).await.expect("a free port")
}

/// A request with this header for its credentials; `None` when there is no answer.
async fn request(rebilly: &Rebilly, method: &str, path: &str, header: (&str, &str), body: &str) -> Option<Back> {
    let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    let request = client().request(method, format!("{}{path}", rebilly.state.root())).header(header.0, header.1);
    let request = request.header("content-type", "application/json").body(body.to_owned());
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    let headers = headers.collect();
    Some(Back { status, headers, text: response.text().await.ok()? })
}

/// The same with the right key.
async fn ask(rebilly: &Rebilly, method: &str, path: &str, body: &str) -> Back {
    let key = rebilly.account().api_key.expose();
    request(rebilly, method, path, ("reb-apikey", key), body).await.expect("an answer")
}

fn payout_body(amount: &str) -> String {
    let website = Account::default().website_id;
    format!(r#"{{"websiteId":"{website}","customerId":"{CUSTOMER}","currency":"USD","amount":{amount}}}"#)
}

fn deposit_body(amount: &str, notification: &str) -> String {
    let website = Account::default().website_id;
    format!(
        r#"{{"websiteId":"{website}","customerId":"{CUSTOMER}","currency":"USD","amounts":[{amount}],"customAmount":null,
        "notificationUrl":"{notification}"}}"#
    )
}

/// A payout request that stands so.
async fn payout(rebilly: &Rebilly, id: &str, path: &[&str]) {
    let made = ask(rebilly, "PUT", &format!("/payout-requests/{id}"), &payout_body("100.00")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    for status in path {
        let moved =
            ask(rebilly, "PATCH", &format!("/payout-requests/{id}"), &json!({"status": status}).to_string()).await;
        assert_eq!(moved.status, 200, "{}", moved.text);
    }
}
