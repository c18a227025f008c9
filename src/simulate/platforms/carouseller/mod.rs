//! The whole of the main platform, played: its Cashier (keys, questions, plain payouts) and Payment API 1.0, which share the site, the
//! salt and the notifications.
//!
//! What the manual leaves open is decided in `front` and `direct`. The signature is the simulator's own, in
//! [`crate::simulate::sign`], and so are the texts of questions and notifications, in [`crate::simulate::messages`].

mod amount;
mod direct;
mod front;
mod notes;
mod reading;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::host::{Host, Incoming, Reply};
use super::shelf::{Draft, Shelf};
use super::{Answering, End, Note, Platform, Taken, Telling, Way};
use crate::simulate::caller::{Answer, CallError, Caller};
use crate::simulate::messages::{self, Order};
use crate::simulate::{Brand, Encoding, Params, sign};
use reading::{Player, Refusal};

const AUTHLINK: &str = "/api/authlink/obtain/";
const OPEN: &str = "/api/open/";
const ROTATION: &str = "/api/clear/rotation/";
const INITIATION: &str = "/api/payout/";
const SESSION: &str = "/v1/get_session_key/";
/// As tables elsewhere in the manual write it.
const SESSION_TOO: &str = "/api/v1/get_session_key/";
const DEPOSIT: &str = "/v1/payments/deposit/";
const PAYOUT: &str = "/v1/payments/payout/";
const STATUS: &str = "/v1/payments/status/";
/// Where a player is sent to pay by card.
const PAGE: &str = "/3ds/";

/// Payment groups of cards, as far as samples show.
const CARD_GROUPS: [i64; 2] = [501, 1019];
/// The payment group of Korean virtual accounts.
const KOREAN_GROUP: i64 = 1207;
/// The payment group of orders made through the Cashier.
const CASHIER_GROUP: i64 = 6;

/// What a player gives for a payout through the Cashier.
const PURSE: [(&str, &str); 1] = [("customer_purse", "DE89370400440532013000")];
/// What a player gives for a payout to a card.
const CARD: [(&str, &str); 4] = [
    ("card_number", "4111111111111111"),
    ("valid_thru_month", "02"),
    ("valid_thru_year", "2027"),
    ("card_holder", "Good Fella"),
];

/// A merchant as the platform knows it.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its `site_id`, which the site in croupier's settings has to have too, and its salt.
    pub brand: Brand,
    /// What a session key is called in the answer that gives it: the manual does not say. `session_key`, as in the calls that use it,
    /// or `key`, as in the answer of the Cashier.
    pub session_key_member: &'static str,
}

impl Default for Account {
    /// For demos.
    fn default() -> Self {
        Self { brand: Brand::new(332, "carouseller salt of the demo, not for use"), session_key_member: "session_key" }
    }
}

/// The platform. It stops when it is dropped.
#[derive(Debug)]
pub struct Carouseller {
    desk: Arc<Desk>,
    host: Host,
    caller: RwLock<Option<Caller>>,
}

/// What answers calls.
#[derive(Debug)]
struct Desk {
    account: Account,
    shelf: Shelf,
    keys: Mutex<Keys>,
    address: OnceLock<SocketAddr>,
}

/// Keys that were given out, for the Cashier's page and for sessions alike. They do not end: the manual names no time.
#[derive(Debug, Default)]
struct Keys(HashMap<String, Player>);

impl Keys {
    /// A long dotted text that nobody had before.
    fn issue(&mut self, player: Player) -> String {
        let seed = format!("{} {} {}", self.0.len(), player.login, player.currency);
        let part = |name: &str| sign::signature(&Params::new(), &format!("{name} {seed}"));
        let key = format!("{}.{}.{}", part("head"), part("body"), part("tail"));
        self.0.insert(key.clone(), player);
        key
    }

    fn find(&self, key: &str) -> Option<Player> {
        self.0.get(key).cloned()
    }
}

impl Desk {
    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().expect("nobody panics while giving out a key")
    }

    fn serve(&self, incoming: &Incoming) -> Reply {
        let path = incoming.path.as_str();
        let needed = match path {
            AUTHLINK | OPEN => "GET",
            ROTATION | INITIATION | SESSION | SESSION_TOO | DEPOSIT | PAYOUT | STATUS => "POST",
            path if path.starts_with(PAGE) => "GET",
            _ => return Refusal::new(404, "Not found").into(),
        };
        if incoming.method != needed {
            return Refusal::new(405, "Method not allowed").into();
        }
        let answered = match path {
            AUTHLINK => self.authlink(incoming),
            OPEN => self.open(incoming),
            ROTATION => self.rotation(incoming),
            INITIATION => self.initiation(incoming),
            SESSION | SESSION_TOO => self.session(incoming),
            DEPOSIT => self.deposit(incoming),
            PAYOUT => self.payout(incoming),
            STATUS => self.status(incoming),
            page => self.page(page.strip_prefix(PAGE).unwrap_or_default()),
        };
        answered.unwrap_or_else(Reply::from)
    }

    fn page(&self, own_id: &str) -> Result<Reply, Refusal> {
        let order = self.shelf.by_own_id(own_id).ok_or_else(|| Refusal::new(404, "Not found"))?;
        let page = format!("<html><body>The player pays order {} here.</body></html>", order.own_id);
        Ok(Reply::Raw(200, "text/html", page.into_bytes()))
    }
}

/// `order_id` of an order with this number: 30 digits, so that no integer holds it.
fn own_id(number: usize) -> String {
    format!("217742619264065507927{number:09}")
}

/// `transaction_id` of an order: that of the question it began with, or one of its own.
fn transaction_of(order: &Taken) -> u64 {
    let asked = order.params.get("transaction_id").map(sign::text).and_then(|text| text.parse().ok());
    asked.unwrap_or_else(|| {
        let digits = &order.own_id[order.own_id.len() - 9..];
        117_580_000_000 + digits.parse::<u64>().expect("own_id writes nine digits at the end")
    })
}

/// `payment_group_id` of an order.
fn group_of(order: &Taken) -> i64 {
    order.method.parse().unwrap_or(CASHIER_GROUP)
}

/// The answer that takes an order.
fn accepted(order: &Taken) -> Value {
    json!({"success": true, "errors": null, "transaction": null, "code": 0, "message_for_user": "Success",
        "transaction_id": transaction_of(order), "order_id": order.own_id})
}

impl Carouseller {
    /// Listens on `bind` (port 0: any free one) and takes orders of this merchant.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn start(bind: SocketAddr, account: Account) -> io::Result<Self> {
        let desk = Desk { account, shelf: Shelf::default(), keys: Mutex::default(), address: OnceLock::new() };
        let desk = Arc::new(desk);
        let serving = desk.clone();
        let handler = move |incoming: Incoming| -> BoxFuture<'static, Reply> {
            let desk = serving.clone();
            Box::pin(async move { desk.serve(&incoming) })
        };
        let host = Host::start(bind, Arc::new(handler)).await?;
        desk.address.get_or_init(|| host.address());
        Ok(Self { desk, host, caller: RwLock::default() })
    }

    /// The base address of its calls.
    pub fn url(&self) -> String {
        format!("http://{}", self.host.address())
    }

    /// Asks whether a player may deposit, as if they had chosen to on the Cashier's page. With code 0 the deposit is on the record
    /// under the merchant's `external_id`. The same `transaction_id` again is a repetition.
    ///
    /// # Errors
    ///
    /// No answer.
    pub async fn check_deposit(&self, order: &Order) -> Result<Answer, CallError> {
        let question = messages::check_deposit(self.desk.account.brand.site_id, order);
        let answer = self.caller()?.ask(&question, Encoding::Json).await?;
        if let (Some(0), Some(id)) = (answer.code(), answer.external_id()) {
            let draft = Draft {
                id: id.to_owned(),
                way: Way::Deposit,
                login: order.login.clone(),
                method: String::new(),
                amount: order.amount,
                currency: order.currency.clone(),
                params: question,
            };
            // What is wrong with an id that comes twice, the record shows: the order was asked for twice.
            self.desk.shelf.take(draft, &own_id);
        }
        Ok(answer)
    }

    /// Asks whether a player may withdraw, as if they had chosen to on the Cashier's page. The order is made by the merchant's
    /// initiation, later.
    ///
    /// # Errors
    ///
    /// No answer.
    pub async fn request_payout(&self, order: &Order) -> Result<Answer, CallError> {
        let question = messages::request_payout(self.desk.account.brand.site_id, order);
        self.caller()?.ask(&question, Encoding::Json).await
    }

    fn caller(&self) -> Result<Caller, CallError> {
        let caller = self.caller.read().expect("nobody panics while reading an address").clone();
        caller.ok_or_else(|| CallError::NoAnswer("nobody said where the merchant is".to_owned()))
    }
}

impl Platform for Carouseller {
    fn name(&self) -> &'static str {
        "carouseller"
    }

    fn settings(&self, site: &str) -> String {
        let url = self.url();
        format!(
            "[sites.{site}.carouseller]\nsalts = [\"{}\"]\npayout_url = \"{url}{INITIATION}\"\n\
             authlink_url = \"{url}{AUTHLINK}\"\nsession_url = \"{url}{SESSION}\"\ndeposit_url = \"{url}{DEPOSIT}\"\n\
             direct_payout_url = \"{url}{PAYOUT}\"\nstatus_url = \"{url}{STATUS}\"\n\n\
             [sites.{site}.methods.carouseller_cashier]\nprovider = \"carouseller\"\ndeposits = true\npayouts = true\n\n\
             [sites.{site}.methods.carouseller_card]\nprovider = \"carouseller\"\nprovider_method = \"501\"\n\
             deposits = true\npayouts = true\n",
            self.desk.account.brand.salt.expose()
        )
    }

    fn method(&self) -> &'static str {
        "carouseller_card"
    }

    /// Nothing for a deposit through the Cashier.
    fn deposit_details(&self, method: &str) -> Vec<(&'static str, &'static str)> {
        let is_card = method == "carouseller_card" || CARD_GROUPS.iter().any(|group| group.to_string() == method);
        if is_card { CARD.into_iter().chain([("cvv", "123")]).collect() } else { Vec::new() }
    }

    fn details(&self, method: &str) -> Vec<(&'static str, &'static str)> {
        if self.deposit_details(method).is_empty() { PURSE.to_vec() } else { CARD.to_vec() }
    }

    fn set_merchant(&self, public: &str) {
        let caller = Caller::new(public, self.desk.account.brand.clone(), Arc::default());
        *self.caller.write().expect("nobody panics while reading an address") = Some(caller);
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
            let order = self.desk.shelf.order(id);
            let order = order.ok_or_else(|| CallError::NoAnswer(format!("there is no order {id}")))?;
            let body = notes::body(&self.desk.account, &order, note);
            self.caller()?.notify_as_is(&body, Encoding::Json).await
        })
    }

    fn is_acknowledged(&self, answer: &Answer) -> bool {
        answer.acknowledges()
    }

    fn ladder(&self) -> (Vec<u64>, u32) {
        (vec![45, 120, 300, 600, 1800, 3600], 24)
    }
}
