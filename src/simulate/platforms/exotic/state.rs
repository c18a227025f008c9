//! What the platform remembers.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Instant;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::super::{Answerings, End, Telling};
use super::account::{Account, StatusLimit};
use super::order::Order;
use super::sign::{Formula, Signed};
use crate::clock::Micros;

/// With which of the documented errors an order is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No capacity for this amount and rail now.
    Overloading,
    /// The merchant's balance is too small.
    LowBalance,
    /// The rail is not enabled.
    MethodDisabled,
}

impl Refusal {
    /// The text of the manual.
    pub fn text(self) -> &'static str {
        match self {
            Self::Overloading => "overloading requisite",
            Self::LowBalance => "low balance",
            Self::MethodDisabled => "this payment method is disabled for your merchant",
        }
    }
}

/// The platform behind its listener.
pub struct State {
    pub account: Account,
    pub formula: Formula,
    pub address: OnceLock<SocketAddr>,
    pub arrivals: watch::Sender<u64>,
    table: Mutex<Table>,
}

/// Everything that changes.
pub struct Table {
    pub orders: HashMap<String, Order>,
    /// The ids of the orders, oldest first.
    pub sequence: Vec<String>,
    pub answerings: Answerings,
    pub telling: Telling,
    pub refusal: Refusal,
    pub heeds_cancellations: bool,
    /// Where the merchant is, if it is somewhere else than it says.
    pub merchant: Option<String>,
    pub questions: HashMap<String, usize>,
    pub cancellations: HashMap<String, usize>,
    recent: VecDeque<Instant>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("account", &self.account).finish_non_exhaustive()
    }
}

impl State {
    /// A platform without orders.
    pub fn new(account: Account, formula: Formula) -> Self {
        let table = Table {
            orders: HashMap::new(),
            sequence: Vec::new(),
            answerings: Answerings::default(),
            telling: Telling::Truth,
            refusal: Refusal::Overloading,
            heeds_cancellations: true,
            merchant: None,
            questions: HashMap::new(),
            cancellations: HashMap::new(),
            recent: VecDeque::new(),
        };
        let arrivals = watch::Sender::new(0);
        Self { account, formula, address: OnceLock::new(), arrivals, table: Mutex::new(table) }
    }

    /// What changes, for as long as the answer is held.
    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("nobody panics while noting an order")
    }

    /// Says that an order arrived, or arrived again.
    pub fn tick(&self) {
        self.arrivals.send_modify(|count| *count += 1);
    }

    /// The platform's address without a path.
    pub fn base(&self) -> String {
        self.address.get().map(|address| format!("http://{address}")).unwrap_or_default()
    }

    /// `reject_callback_url`.
    pub fn reject_url(&self) -> String {
        let own = || format!("{}/api/merchant/{}/rejected_pay_out/", self.base(), self.account.merchant);
        self.account.reject_callback_url.clone().unwrap_or_else(own)
    }

    /// The `standart_sign` that a cancellation must have. Values that the merchant does not send are those of the order as it stands.
    pub fn standard_sign(&self, order_id: &str, order: Option<&Order>) -> String {
        let key = self.account.sign_key.expose();
        match order {
            Some(order) => order.signed(&self.formula, &order.truth(), key),
            None => self.formula.sign(Signed { order_id, ..Signed::default() }, key),
        }
    }
}

impl Table {
    /// Notes that the call of an order arrived again; says whether there is such an order.
    pub fn arrived_again(&mut self, order_id: &str) -> bool {
        let known = self.orders.get_mut(order_id);
        known.map(|order| order.taken.asked += 1).is_some()
    }

    /// The platform's id for the next order.
    pub fn next_id(&self, merchant: &str) -> String {
        let digest = Sha256::digest(format!("{merchant}/{}", self.sequence.len()).as_bytes());
        hex::encode(&digest[..16])
    }

    /// Keeps a new order.
    pub fn take(&mut self, order: Order) {
        self.sequence.push(order.taken.id.clone());
        self.orders.insert(order.taken.id.clone(), order);
    }

    /// The merchant's balance now, in ten-thousandths of a USDT.
    pub fn balance(&self, account: &Account) -> i128 {
        account.balance + self.orders.values().map(Order::balance).sum::<i128>()
    }

    /// Whether a question is within the limit; one that is counts.
    pub fn may_ask(&mut self, limit: StatusLimit, now: Instant) -> bool {
        while self.recent.front().is_some_and(|asked| now.duration_since(*asked) >= limit.window) {
            self.recent.pop_front();
        }
        let within = self.recent.len() < limit.questions;
        if within {
            self.recent.push_back(now);
        }
        within
    }
}

impl Order {
    /// From now on it stands like this.
    pub fn end(&mut self, end: End, at: Micros) {
        self.taken.end = end;
        self.updated_at = at;
    }
}
