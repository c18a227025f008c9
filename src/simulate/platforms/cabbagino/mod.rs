//! API 2.0 of the family, as the Cabbagino brand publishes it: deposits and payouts host to host, played.
//!
//! What its manual leaves open is decided in `calls` (how calls are refused) and `methods` (names of payment systems).

mod calls;
mod methods;
mod notes;
mod sign;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::host::{Host, Incoming};
use super::shelf::Shelf;
use super::{Answering, End, Note, Platform, Taken, Telling, Way};
use crate::secret::Secret;
use crate::simulate::Params;
use crate::simulate::caller::{self, Answer, CallError};
use calls::Desk;

/// A merchant as the platform knows it.
#[derive(Debug, Clone)]
pub struct Account {
    /// What the header `MERCHANT_KEY` holds.
    pub merchant_key: Secret,
    /// What both sides sign with.
    pub salt: Secret,
    /// Whether the status call knows an order by `external_id` too, as that of the Carouseller brand does. This brand's manual has
    /// `order_id` only, so that a merchant who lost the answer cannot ask.
    pub status_by_external_id: bool,
}

impl Default for Account {
    /// For demos.
    fn default() -> Self {
        Self {
            merchant_key: Secret::new("cabbagino-merchant-key-of-the-demo"),
            salt: Secret::new("cabbagino salt of the demo, not for use"),
            status_by_external_id: false,
        }
    }
}

/// The platform. It stops when it is dropped.
#[derive(Debug)]
pub struct Cabbagino {
    desk: Arc<Desk>,
    host: Host,
    merchant: RwLock<String>,
    http: reqwest::Client,
}

impl Cabbagino {
    /// Listens on `bind` (port 0: any free one) and takes orders of this merchant.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn start(bind: SocketAddr, account: Account) -> io::Result<Self> {
        let desk = Arc::new(Desk { account, shelf: Shelf::default(), address: OnceLock::new() });
        let serving = desk.clone();
        let handler = move |incoming: Incoming| -> BoxFuture<'static, _> {
            let desk = serving.clone();
            Box::pin(async move { desk.serve(&incoming) })
        };
        let host = Host::start(bind, Arc::new(handler)).await?;
        desk.address.get_or_init(|| host.address());
        Ok(Self { desk, host, merchant: RwLock::default(), http: caller::client() })
    }

    /// The base address of its calls: the merchant's `url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.host.address())
    }

    /// Sends a notification in which some members are other than the order's, rightly signed: `status` 6 or 7, `type` 3, whatever
    /// the enumerations have and an [`End`] does not say.
    ///
    /// # Errors
    ///
    /// There is no such order, or no answer.
    pub async fn notify_with(&self, id: &str, changes: &[(&str, Value)]) -> Result<Answer, CallError> {
        let order = self.known(id)?;
        let mut params: Params = notes::body(&self.desk.account, &order, Note::PLAIN);
        for (name, value) in changes {
            params.insert((*name).to_owned(), value.clone());
        }
        let sealed = sign::sealed(params, self.desk.account.salt.expose());
        notes::send(&self.http, &self.merchant(), sealed).await
    }

    fn known(&self, id: &str) -> Result<Taken, CallError> {
        self.desk.shelf.order(id).ok_or_else(|| CallError::NoAnswer(format!("there is no order {id}")))
    }

    fn merchant(&self) -> String {
        self.merchant.read().expect("nobody panics while reading an address").clone()
    }
}

impl Platform for Cabbagino {
    fn name(&self) -> &'static str {
        "cabbagino"
    }

    fn settings(&self, site: &str) -> String {
        let account = &self.desk.account;
        let mut text = format!(
            "[sites.{site}.cabbagino]\nmerchant_key = \"{}\"\nsalts = [\"{}\"]\nurl = \"{}\"\n",
            account.merchant_key.expose(),
            account.salt.expose(),
            self.url()
        );
        for method in methods::all() {
            text.push_str(&format!(
                "\n[sites.{site}.methods.{}]\nprovider = \"cabbagino\"\nprovider_method = \"{}\"\ndeposits = {}\n\
                 payouts = true\n",
                method.label, method.wire, method.offers_deposits
            ));
        }
        text
    }

    fn method(&self) -> &'static str {
        "cabbagino_p2p"
    }

    fn deposit_details(&self, method: &str) -> Vec<(&'static str, &'static str)> {
        methods::find(method).and_then(|method| method.sample(Way::Deposit)).unwrap_or_default()
    }

    fn details(&self, method: &str) -> Vec<(&'static str, &'static str)> {
        methods::find(method).and_then(|method| method.sample(Way::Payout)).unwrap_or_default()
    }

    fn set_merchant(&self, public: &str) {
        let mut merchant = self.merchant.write().expect("nobody panics while reading an address");
        *merchant = public.trim_end_matches('/').to_owned();
    }

    fn answer_with(&self, answering: Answering) {
        self.desk.shelf.answer_with(answering);
    }

    fn answer_order_with(&self, id: &str, answering: Answering) {
        self.desk.shelf.answer_order_with(id, answering);
    }

    fn pays_once(&self) -> bool {
        false
    }

    fn unpaid(&self) -> End {
        End::Declined
    }

    fn tell_with(&self, telling: Telling) {
        self.desk.shelf.tell_with(telling);
    }

    fn orders(&self) -> Vec<Taken> {
        self.desk.shelf.orders()
    }

    fn asked_about(&self, id: &str) -> usize {
        self.desk.shelf.asked_about(id)
    }

    fn wait_for<'a>(&'a self, id: &'a str, patience: Duration) -> BoxFuture<'a, Option<Taken>> {
        Box::pin(self.desk.shelf.wait_for(id, patience))
    }

    fn set(&self, id: &str, end: End) {
        self.desk.shelf.set(id, end);
    }

    fn notify<'a>(&'a self, id: &'a str, note: Note) -> BoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(async move {
            let body = notes::body(&self.desk.account, &self.known(id)?, note);
            notes::send(&self.http, &self.merchant(), body).await
        })
    }

    /// HTTP 200 and `result` ok; nothing else will do.
    fn is_acknowledged(&self, answer: &Answer) -> bool {
        let result = answer.json.as_ref().and_then(|json| json.get("result")).and_then(Value::as_str);
        answer.status == 200 && result == Some("ok")
    }

    fn ladder(&self) -> (Vec<u64>, u32) {
        (vec![45, 120, 300, 600, 1800, 3600], 24)
    }
}
