//! Whole deposits and payouts as the Cashier lives them, each with at most one fault.

mod deposit;
mod payout;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::caller::{Answer, Caller};
use super::faults::Dice;
use super::ladder::Ladder;
use super::messages::{self, Notice, Order};
use super::notifier;
use super::server::{Behaviour, CashierServer, Initiation};
use super::{Brand, Encoding, Params};

pub use deposit::DepositEnd;
pub use payout::PayoutEnd;

/// How many copies a duplicated message has.
const COPIES: usize = 4;

/// The Cashier: calls the merchant, takes its initiations, notifies.
#[derive(Debug)]
pub struct Cashier {
    caller: Caller,
    server: CashierServer,
    ladder: Ladder,
    plans: Arc<Mutex<HashMap<String, Behaviour>>>,
    late: Mutex<Vec<(Params, Encoding)>>,
    claimed: Mutex<HashSet<String>>,
    patience: Duration,
}

impl Cashier {
    /// Starts to take initiations at `bind`.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn start(bind: SocketAddr, brand: Brand) -> std::io::Result<CashierBeforeCalls> {
        let plans: Arc<Mutex<HashMap<String, Behaviour>>> = Arc::default();
        let planned = plans.clone();
        let choose = move |initiation: &Initiation| {
            let plans = planned.lock().expect("nobody panics while planning");
            plans.get(&initiation.login).cloned().unwrap_or(Behaviour::Accept)
        };
        let server = CashierServer::start(bind, brand, choose).await?;
        Ok(CashierBeforeCalls { server, plans })
    }

    /// The address where initiations come, with its record.
    pub fn server(&self) -> &CashierServer {
        &self.server
    }

    /// Who calls the merchant.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Sends the notifications that were kept back to come late. Returns those the merchant did not acknowledge.
    pub async fn deliver_late(&self) -> Vec<String> {
        let late = std::mem::take(&mut *self.late.lock().expect("nobody panics while keeping back"));
        let mut failed = Vec::new();
        for (params, encoding) in late {
            failed.extend(self.deliver(&params, encoding).await.err());
        }
        failed
    }

    /// Whether nobody has taken charge of this payout before.
    fn claim(&self, external_id: &str) -> bool {
        self.claimed.lock().expect("nobody panics while claiming").insert(external_id.to_owned())
    }

    fn keep_back(&self, params: Params, encoding: Encoding) {
        self.late.lock().expect("nobody panics while keeping back").push((params, encoding));
    }

    fn plan(&self, login: &str, behaviour: Behaviour) {
        self.plans.lock().expect("nobody panics while planning").insert(login.to_owned(), behaviour);
    }

    fn notification(&self, external_id: &str, order: &Order, type_id: i64, status_id: i64) -> Params {
        let notice = Notice { external_id: external_id.to_owned(), order: order.clone(), type_id, status_id };
        messages::notification(self.caller.brand().site_id, &notice)
    }

    /// Delivers on the ladder until it is acknowledged.
    async fn deliver(&self, params: &Params, encoding: Encoding) -> Result<(), String> {
        notifier::deliver(&self.caller, &self.ladder, params, encoding).await.done()
    }

    /// Delivers several copies at once; all must be acknowledged.
    async fn deliver_copies(&self, params: &Params, encoding: Encoding) -> Result<(), String> {
        let copies = (0..COPIES).map(|_| self.deliver(params, encoding));
        futures_util::future::join_all(copies).await.into_iter().collect()
    }

    /// Asks several times at once; all answers must be equal.
    async fn ask_copies(&self, params: &Params, encoding: Encoding) -> Result<Answer, String> {
        let copies = (0..COPIES).map(|_| self.caller.ask(params, encoding));
        let mut answers = Vec::new();
        for answer in futures_util::future::join_all(copies).await {
            answers.push(answer.map_err(|error| error.to_string())?);
        }
        let first = answers[0].clone();
        match answers.iter().find(|one| one.json != first.json) {
            Some(other) => Err(format!(
                "copies of one question got different answers: {} and {}",
                String::from_utf8_lossy(&first.body),
                String::from_utf8_lossy(&other.body)
            )),
            None => Ok(first),
        }
    }

    /// A notification about an order that does not exist; the merchant keeps it and acknowledges.
    async fn deliver_unsolicited(&self, order: &Order, type_id: i64, dice: &mut Dice) -> Result<(), String> {
        let nobody = format!("nobody-{:016x}", dice.roll());
        let unsolicited = Order { transaction_id: dice.transaction_id(), ..order.clone() };
        self.deliver(&self.notification(&nobody, &unsolicited, type_id, messages::SUCCESS), Encoding::Json).await
    }
}

/// A Cashier that takes initiations but does not know yet where the merchant is: the merchant needs its address first.
#[derive(Debug)]
pub struct CashierBeforeCalls {
    server: CashierServer,
    plans: Arc<Mutex<HashMap<String, Behaviour>>>,
}

impl CashierBeforeCalls {
    /// The merchant's `payout_url`.
    pub fn payout_url(&self) -> String {
        self.server.payout_url()
    }

    /// The merchant's `authlink_url`.
    pub fn authlink_url(&self) -> String {
        self.server.authlink_url()
    }

    /// The Cashier, complete. `patience` is how long the merchant may take from its answer to the initiation.
    pub fn with(self, caller: Caller, ladder: Ladder, patience: Duration) -> Cashier {
        let Self { server, plans } = self;
        Cashier { caller, server, ladder, plans, late: Mutex::default(), claimed: Mutex::default(), patience }
    }
}
