//! What the platform remembers: its orders, the amounts it keeps free for one of them, and how it was told to behave.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::calls::{Call, PAGE};
use super::check::Wanted;
use super::{Account, Manners};
use crate::clock::{self, Micros};
use crate::simulate::Params;
use crate::simulate::platforms::{Answerings, End, Taken, Telling, Way};

/// How long a reserved amount is kept (manual, "Amount reservation": typically).
pub(super) const RESERVED_SECONDS: u64 = 30;

/// The number before the first invoice's.
const INVOICES_FROM: i64 = 905_910;

/// Everything, as the listener and the one who plays share it.
pub(super) struct State {
    pub(super) account: Account,
    /// The platform's own address, known once it listens.
    pub(super) base: OnceLock<String>,
    pub(super) count: watch::Sender<usize>,
    desk: Mutex<Desk>,
}

/// What changes.
pub(super) struct Desk {
    /// The merchant's public listener.
    pub(super) merchant: String,
    pub(super) answerings: Answerings,
    pub(super) telling: Telling,
    pub(super) manners: Manners,
    /// How often the status of an order was asked for.
    pub(super) asked_about: HashMap<String, usize>,
    pub(super) reserved: Vec<Reserved>,
    orders: Vec<Order>,
    of_request: HashMap<String, usize>,
    invoices: i64,
}

/// An order, with what only the platform knows of it.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) taken: Taken,
    pub(super) invoice_id: i64,
    /// The key of its page, if it has one.
    pub(super) key: Option<String>,
    /// The answer it got first, not yet signed. It gets no other.
    pub(super) answer: Params,
    /// What the merchant changed afterwards of a cash order.
    pub(super) edited: Params,
    pub(super) created: Micros,
    pub(super) modified: Micros,
    call: Call,
}

/// An amount kept for one order.
#[derive(Debug, Clone)]
pub(super) struct Reserved {
    pub(super) params: Params,
    pub(super) id: String,
    /// Whose open amounts must differ: method, currency and bank.
    pub(super) requisites: (String, String, String),
    pub(super) amount: i64,
    pub(super) until: Instant,
}

impl Order {
    /// `received_amount` when it stands like this: minor units, 0 unless it is paid.
    pub(super) fn received(&self, end: End) -> i64 {
        if end == End::Paid { self.taken.amount } else { 0 }
    }
}

/// `status` on the wire (manual, "Callbacks"): 2 processing, 3 success, 4 fail.
pub(super) fn status(end: End) -> i64 {
    match end {
        End::Pending => 2,
        End::Paid => 3,
        End::Declined | End::Cancelled | End::Expired => 4,
    }
}

impl State {
    pub(super) fn new(account: Account, manners: Manners) -> Self {
        let desk = Desk {
            merchant: String::new(),
            answerings: Answerings::default(),
            telling: Telling::Truth,
            manners,
            asked_about: HashMap::new(),
            reserved: Vec::new(),
            orders: Vec::new(),
            of_request: HashMap::new(),
            invoices: INVOICES_FROM,
        };
        Self { account, base: OnceLock::new(), count: watch::Sender::new(0), desk: Mutex::new(desk) }
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("nobody panics at the desk")
    }

    /// Whether there is such a call at all.
    pub(super) fn serves(&self, call: Call) -> bool {
        call != Call::Status || self.desk().manners.tells_status
    }

    /// The members of the answer to a call that makes an order. A repetition gets the first answer again, even when the order has
    /// ended since; another call, or another content, under the same `request_id` is refused.
    pub(super) fn take(&self, call: Call, wanted: Wanted, mut params: Params) -> Result<Params, String> {
        params.remove("signature");
        let mut desk = self.desk();
        if let Some(order) = desk.arrived(&wanted.id) {
            let same = order.call == call && order.taken.params == params;
            return if same { Ok(order.answer.clone()) } else { Err(OTHER_CONTENT.to_owned()) };
        }
        desk.use_reservation(&wanted)?;
        let invoice_id = desk.next_invoice();
        let key = (call == Call::Form).then(|| self.key(&wanted.id, invoice_id));
        let answer = self.first_answer(call, &wanted, invoice_id, key.as_deref(), desk.manners);
        let taken = Taken {
            id: wanted.id,
            own_id: invoice_id.to_string(),
            way: call.way(),
            login: wanted.login,
            method: wanted.method.to_owned(),
            amount: wanted.amount,
            currency: wanted.currency,
            asked: 1,
            end: End::Pending,
            params,
        };
        let now = clock::now();
        desk.add(Order {
            taken,
            invoice_id,
            key,
            answer: answer.clone(),
            edited: Params::new(),
            created: now,
            modified: now,
            call,
        });
        self.count.send_replace(desk.orders.len());
        Ok(answer)
    }

    /// 64 hex digits that nobody can guess who does not know the salt.
    fn key(&self, id: &str, invoice_id: i64) -> String {
        hex::encode(Sha256::digest(format!("{id} {invoice_id} {}", self.account.salt.expose())))
    }

    /// As the manual's samples, plus the requisites of an invoice, which they do not show.
    fn first_answer(
        &self,
        call: Call,
        wanted: &Wanted,
        invoice_id: i64,
        key: Option<&str>,
        manners: Manners,
    ) -> Params {
        let mut answer = Params::new();
        let mut say = |name: &str, value: Value| answer.insert(name.to_owned(), value);
        if let Some(key) = key {
            say("key", key.into());
            if manners.redirects {
                let base = self.base.get().map_or("", String::as_str);
                say("redirect_url", format!("{base}{PAGE}{key}/").into());
            }
            return answer;
        }
        // The manual's words for both calls.
        say("message", "Payout initialized".into());
        say("request_id", wanted.id.as_str().into());
        say("status", manners.first_status.into());
        say("amount", wanted.amount.into());
        say("site_login", wanted.login.as_str().into());
        say("site_id", self.account.site_id.into());
        if call == Call::Payout {
            say("invoice_id", invoice_id.to_string().into());
            say("currency", wanted.currency.as_str().into());
        } else {
            say("invoice_id", invoice_id.into());
            answer.extend(requisites(wanted));
        }
        answer
    }
}

/// What a refusal of another content under a known id says. The manual has no word for it.
pub(super) const OTHER_CONTENT: &str = "request_id was used with other parameters";

/// Where the player is to send the money: top-level members with the names of the payout's fields, which is our choice. None for
/// cash, where somebody comes, and for binance, where the manual does not even name what a requisite would be.
fn requisites(wanted: &Wanted) -> Params {
    let asked = wanted.fields.get("bank_name").or_else(|| wanted.fields.get("bank_app"));
    let number = match wanted.method {
        "cash" | "binance" => return Params::new(),
        "card" | "Tbank_card" | "localbanks" => ("card_number", Value::from("4242424242424242")),
        _ => ("phone_number", Value::from("79990001122")),
    };
    let bank = asked.cloned().unwrap_or_else(|| "Testbank".into());
    let members = [number, ("bank_name", bank), ("card_holder", "John Wick".into())];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Desk {
    /// Every order, oldest first.
    pub(super) fn orders(&self) -> &[Order] {
        &self.orders
    }

    pub(super) fn order(&self, id: &str) -> Option<&Order> {
        self.of_request.get(id).map(|at| &self.orders[*at])
    }

    /// Counts one more arrival of the call that made this order, if there is one.
    pub(super) fn arrived(&mut self, id: &str) -> Option<&Order> {
        let at = *self.of_request.get(id)?;
        self.orders[at].taken.asked += 1;
        Some(&self.orders[at])
    }

    /// Changes an order, if there is one.
    pub(super) fn change(&mut self, id: &str, change: impl FnOnce(&mut Order)) {
        if let Some(at) = self.of_request.get(id) {
            let order = &mut self.orders[*at];
            change(order);
            order.modified = clock::now();
        }
    }

    /// A number that no invoice has.
    pub(super) fn next_invoice(&mut self) -> i64 {
        self.invoices += 1;
        self.invoices
    }

    fn add(&mut self, order: Order) {
        self.of_request.insert(order.taken.id.clone(), self.orders.len());
        self.orders.push(order);
    }

    /// An order for which an amount was reserved is made with exactly that amount.
    fn use_reservation(&mut self, wanted: &Wanted) -> Result<(), String> {
        self.forget_old_reservations();
        match self.reserved.iter().position(|one| one.id == wanted.id) {
            Some(at) if self.reserved[at].amount == wanted.amount => drop(self.reserved.remove(at)),
            Some(_) => return Err("Invalid amount".to_owned()),
            None => {}
        }
        Ok(())
    }

    pub(super) fn forget_old_reservations(&mut self) {
        let now = Instant::now();
        self.reserved.retain(|one| one.until > now);
    }

    /// Whether no open deposit and no reservation of these requisites has the amount.
    pub(super) fn is_free(&self, requisites: &(String, String, String), amount: i64) -> bool {
        let (method, currency, _) = requisites;
        let open = |order: &&Order| order.taken.way == Way::Deposit && order.taken.end == End::Pending;
        let mut same = self.orders.iter().filter(open).map(|order| &order.taken);
        let is_open = same.any(|one| (&one.method, &one.currency, one.amount) == (method, currency, amount));
        !is_open && !self.reserved.iter().any(|one| &one.requisites == requisites && one.amount == amount)
    }

    /// Keeps an amount.
    pub(super) fn reserve(&mut self, id: String, requisites: (String, String, String), amount: i64, params: Params) {
        let until = Instant::now() + Duration::from_secs(RESERVED_SECONDS);
        self.reserved.push(Reserved { params, id, requisites, amount, until });
    }
}
