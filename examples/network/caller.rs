//! The Cashier's side of a payout: asks for it until it is decided, takes its initiation, and says how it ended.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use croupier::simulate::Brand;
use croupier::simulate::messages::{self, DECLINED, Notice, Order, PAYOUT, SUCCESS};
use serde_json::Value;

use crate::options::Failure;
use crate::service::Site;
use crate::wire;

/// How long one request is repeated. A machine that is busy with other things is slow, not wrong.
const LONGEST: Duration = Duration::from_secs(120);

const CALLBACK: &str = "/cashier/callback/carouseller";
const WEBHOOK: &str = "/cashier/webhook/carouseller";

/// Who calls the service, by the way of its row.
pub struct Caller {
    pub way: SocketAddr,
    /// Past the proxy, for what is asked again.
    pub straight: SocketAddr,
    pub site: Site,
    pub requests: AtomicU64,
}

/// A payout that the service has accepted.
#[derive(Debug, Clone)]
pub struct Asked {
    pub external_id: String,
    pub order: Order,
    request: Vec<u8>,
    /// The answer's body, as it came first.
    answer: Vec<u8>,
}

impl Caller {
    fn signed(&self, path: &str, params: &croupier::simulate::Params) -> Vec<u8> {
        let body = Value::Object(Brand::new(self.site.id, &self.site.salt).signed(params)).to_string();
        wire::post(path, &body)
    }

    /// Sends the same bytes until an answer with this code comes; other answers and none at all are what the way has made of it.
    async fn insist(&self, request: &[u8], code: i64) -> Result<wire::Message, Failure> {
        let deadline = Instant::now() + LONGEST;
        loop {
            self.requests.fetch_add(1, Ordering::Relaxed);
            let last = match wire::exchange(self.way, request).await {
                Ok(answer) if answer.json().is_some_and(|json| json["code"] == code) => return Ok(answer),
                Ok(answer) => String::from_utf8_lossy(&answer.bytes).into_owned(),
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                return Err(format!("site {}: never answered {code}, at last {last}", self.site.id));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks for a payout until it is accepted.
    pub async fn ask(&self, order: Order) -> Result<Asked, Failure> {
        let request = self.signed(CALLBACK, &messages::request_payout(self.site.id, &order));
        let answer = self.insist(&request, 50).await?;
        let json = answer.json().unwrap_or_default();
        let external_id = json["external_id"].as_str().ok_or_else(|| format!("no external_id in {json}"))?.to_owned();
        Ok(Asked { external_id, order, request, answer: answer.body().to_vec() })
    }

    /// Asks the same again, past the proxy. What is wrong with the answer.
    pub async fn ask_again(&self, asked: &Asked) -> Option<String> {
        let wrong = match wire::exchange(self.straight, &asked.request).await {
            Ok(answer) if answer.body() == asked.answer => return None,
            Ok(answer) => String::from_utf8_lossy(answer.body()).into_owned(),
            Err(error) => error.to_string(),
        };
        let first = String::from_utf8_lossy(&asked.answer);
        Some(format!("payout {}: answered {first}, and when asked again {wrong}", asked.external_id))
    }

    /// Says how a payout ended, until that is acknowledged.
    pub async fn tell(&self, asked: &Asked, paid: bool) -> Result<(), Failure> {
        let status_id = if paid { SUCCESS } else { DECLINED };
        let notice =
            Notice { external_id: asked.external_id.clone(), order: asked.order.clone(), type_id: PAYOUT, status_id };
        let request = self.signed(WEBHOOK, &messages::notification(self.site.id, &notice));
        self.insist(&request, 0).await.map(|_| ())
    }
}
