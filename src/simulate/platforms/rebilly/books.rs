//! What Rebilly keeps: cashiers, deposit requests, payout requests with their allocations, and the transactions of both.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::clock::Micros;
use crate::simulate::Params;
use crate::simulate::platforms::{End, Taken, Way};

/// How a payout request stands (manual, "Statuses"). `merged` is missing: no operation leads there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Pending,
    Ready,
    Approved,
    InProgress,
    Fulfilled,
    Canceled,
    Split,
}

impl Status {
    /// As on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Ready => "ready",
            Status::Approved => "approved",
            Status::InProgress => "in-progress",
            Status::Fulfilled => "fulfilled",
            Status::Canceled => "canceled",
            Status::Split => "split",
        }
    }

    /// Whether something can still become of it.
    pub fn is_open(self) -> bool {
        match self {
            Status::Pending | Status::Ready | Status::Approved | Status::InProgress => true,
            Status::Fulfilled | Status::Canceled | Status::Split => false,
        }
    }
}

/// Who cancelled a payout request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    Merchant,
    Customer,
    System,
}

/// Why a payout request is cancelled.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancellation {
    pub canceled_by: By,
    pub description: Option<String>,
}

/// A payout request.
#[derive(Debug, Clone)]
pub struct Payout {
    pub id: String,
    pub customer: String,
    pub currency: String,
    /// Minor units.
    pub amount: i64,
    pub instrument: Option<String>,
    pub description: Option<String>,
    pub status: Status,
    pub blocked: bool,
    pub block_reason: Option<String>,
    pub split_reason: Option<String>,
    pub split_from: Option<String>,
    /// What it was split into.
    pub parts: Vec<String>,
    pub allocations: Vec<String>,
    pub cancellation: Option<Cancellation>,
    pub created: Micros,
    pub updated: Micros,
    /// The body of the call that made it; empty when no call of the merchant's did.
    pub params: Params,
}

/// How an allocation stands. `queued` and `waiting-completion` pass too quickly here to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Pending,
    Processing,
    Completed,
    Failed,
    Declined,
    Canceled,
}

impl Part {
    /// As on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Part::Pending => "pending",
            Part::Processing => "processing",
            Part::Completed => "completed",
            Part::Failed => "failed",
            Part::Declined => "declined",
            Part::Canceled => "canceled",
        }
    }

    /// Whether it takes from what is available.
    pub fn counts(self) -> bool {
        match self {
            Part::Pending | Part::Processing | Part::Completed => true,
            Part::Failed | Part::Declined | Part::Canceled => false,
        }
    }
}

/// A part of a payout request that goes one way.
#[derive(Debug, Clone)]
pub struct Allocation {
    pub id: String,
    pub payout: String,
    pub instrument: String,
    pub gateway: String,
    /// Minor units.
    pub amount: i64,
    pub currency: String,
    pub status: Part,
    pub transaction: Option<String>,
    pub created: Micros,
    pub updated: Micros,
}

/// Which way a transaction goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Sale,
    Credit,
}

/// How a transaction stands: status and result of the manual in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Waiting,
    Approved,
    Declined,
    Canceled,
    Abandoned,
    Refunded,
    Disputed,
}

impl Verdict {
    /// What an order's end is for its transaction.
    pub fn of(end: End) -> Self {
        match end {
            End::Pending => Verdict::Waiting,
            End::Paid => Verdict::Approved,
            End::Declined => Verdict::Declined,
            End::Cancelled => Verdict::Canceled,
            End::Expired => Verdict::Abandoned,
        }
    }

    /// `result` on the wire.
    pub fn result(self) -> &'static str {
        match self {
            Verdict::Waiting => "unknown",
            Verdict::Approved | Verdict::Refunded | Verdict::Disputed => "approved",
            Verdict::Declined => "declined",
            Verdict::Canceled => "canceled",
            Verdict::Abandoned => "abandoned",
        }
    }

    /// `status` on the wire.
    pub fn status(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Verdict::Waiting, Kind::Sale) => "offsite",
            (Verdict::Waiting, Kind::Credit) => "waiting-gateway",
            (Verdict::Approved | Verdict::Declined | Verdict::Canceled | Verdict::Abandoned, _) => "completed",
            (Verdict::Refunded, _) => "refunded",
            (Verdict::Disputed, _) => "disputed",
        }
    }
}

/// Money that moves, or tried to.
#[derive(Debug, Clone)]
pub struct Transaction {
    pub id: String,
    pub kind: Kind,
    pub verdict: Verdict,
    /// Minor units.
    pub amount: i64,
    pub currency: String,
    pub customer: String,
    pub deposit: Option<String>,
    pub payout: Option<String>,
    /// Grows with each change.
    pub revision: u32,
    pub created: Micros,
    pub processed: Option<Micros>,
}

/// How a deposit request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    Created,
    Pending,
    Initiated,
    Attempted,
    Completed,
    Expired,
}

impl Asked {
    /// As on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Asked::Created => "created",
            Asked::Pending => "pending",
            Asked::Initiated => "initiated",
            Asked::Attempted => "attempted",
            Asked::Completed => "completed",
            Asked::Expired => "expired",
        }
    }
}

/// A deposit request.
#[derive(Debug, Clone)]
pub struct Deposit {
    pub id: String,
    pub customer: String,
    pub currency: String,
    /// What the player pays, minor units: the first offered amount until they choose another.
    pub amount: i64,
    /// Minor units.
    pub offered: Vec<i64>,
    pub limits: Option<Box<RawValue>>,
    pub custom: Option<Box<RawValue>>,
    pub strategy: Option<String>,
    pub properties: Option<String>,
    pub redirect: Option<String>,
    pub notification: Option<String>,
    pub status: Asked,
    pub end: End,
    pub transactions: Vec<String>,
    /// What the merchant recognises it by; `None` for the request behind a cashier until the player pays.
    pub order: Option<String>,
    /// The customer's JWT.
    pub token: String,
    pub expires: Micros,
    pub created: Micros,
    pub updated: Micros,
    pub params: Params,
}

/// A cashier: one per customer, website and currency.
#[derive(Debug, Clone)]
pub struct Cashier {
    pub id: String,
    pub customer: String,
    pub currency: String,
    pub redirect: Option<String>,
    pub notification: Option<String>,
    /// Smallest and largest deposit, minor units.
    pub limits: (Option<i64>, Option<i64>),
    /// Cash, bonus and open payouts as the merchant told them, minor units: the older edition only.
    pub balances: [Option<i64>; 3],
    pub deposit: String,
    pub expires: Micros,
    pub created: Micros,
    pub params: Params,
}

/// Things by id, in the order in which they came.
#[derive(Debug, Clone)]
pub struct Shelf<T> {
    items: Vec<T>,
    at: HashMap<String, usize>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { items: Vec::new(), at: HashMap::new() }
    }
}

impl<T> Shelf<T> {
    /// Puts something there under an id that nothing has yet.
    pub fn add(&mut self, id: &str, item: T) {
        self.at.insert(id.to_owned(), self.items.len());
        self.items.push(item);
    }

    /// What has this id.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.at.get(id).map(|at| &self.items[*at])
    }

    /// What has this id, to be changed.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.at.get(id).map(|at| &mut self.items[*at])
    }

    /// Everything, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter()
    }

    /// Everything, oldest first, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut()
    }
}

/// An order of the merchant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Its payout request.
    Payout(String),
    /// Its deposit request, by the id that Rebilly gave.
    Deposit(String),
}

/// Everything.
#[derive(Debug, Default)]
pub struct Books {
    pub cashiers: Shelf<Cashier>,
    pub deposits: Shelf<Deposit>,
    pub payouts: Shelf<Payout>,
    pub allocations: Shelf<Allocation>,
    pub transactions: Shelf<Transaction>,
    /// The merchant's ids of orders as they were first taken.
    pub taken: Vec<(Way, String)>,
    known: HashSet<(Way, String)>,
    /// The latest deposit request of each order.
    pub latest: HashMap<String, String>,
    /// How often the call that makes an order arrived.
    pub arrivals: HashMap<String, usize>,
    /// How often an order was asked about.
    pub questions: HashMap<String, usize>,
    /// Customers by their JWT.
    pub customers: HashMap<String, String>,
    /// Customers by a token that is to be exchanged for a JWT.
    pub passes: HashMap<String, String>,
}

/// A new id: 32 hex digits behind the prefix.
pub fn fresh(prefix: &str) -> String {
    format!("{prefix}{:X}", uuid::Uuid::now_v7().simple())
}

impl Books {
    /// A JWT for a customer. A text of that form; nothing in it can be read.
    pub fn jwt(&mut self, customer: &str) -> String {
        let token = format!("{}.{}.{}", fresh("eyJ"), fresh("eyJ"), fresh(""));
        self.customers.insert(token.clone(), customer.to_owned());
        token
    }

    /// What an id is: of a payout request, of a deposit request, or the merchant's own of a deposit.
    pub fn order(&self, id: &str) -> Option<Order> {
        if self.payouts.get(id).is_some() {
            return Some(Order::Payout(id.to_owned()));
        }
        let own = if self.deposits.get(id).is_some() { Some(id) } else { self.latest.get(id).map(String::as_str) };
        own.map(|own| Order::Deposit(own.to_owned()))
    }

    /// The id under which the merchant knows what this id of Rebilly's belongs to.
    pub fn known_as(&self, id: &str) -> String {
        let deposit = match self.transactions.get(id) {
            Some(transaction) => match (&transaction.payout, &transaction.deposit) {
                (Some(payout), _) => return payout.clone(),
                (None, deposit) => deposit.as_deref().unwrap_or(id),
            },
            None => id,
        };
        self.deposits.get(deposit).and_then(|deposit| deposit.order.clone()).unwrap_or_else(|| deposit.to_owned())
    }

    /// What of a payout request is not allocated, minor units.
    pub fn available(&self, payout: &Payout) -> i64 {
        payout.amount - self.allocated(payout, Part::counts)
    }

    /// The sum of its allocations that stand so, minor units.
    pub fn allocated(&self, payout: &Payout, stands: impl Fn(Part) -> bool) -> i64 {
        let all = payout.allocations.iter().filter_map(|id| self.allocations.get(id));
        all.filter(|one| stands(one.status)).map(|one| one.amount).sum()
    }

    /// What reached the player of a payout request and its parts, minor units.
    pub fn moved(&self, id: &str) -> i64 {
        let Some(payout) = self.payouts.get(id) else { return 0 };
        let own = self.allocated(payout, |status| status == Part::Completed);
        own + payout.parts.iter().map(|part| self.moved(part)).sum::<i64>()
    }

    /// How a payout request stands. One that was split is paid when all parts are, and did not move when none did; while a part is
    /// open, or when only some were paid, no end says it and it counts as open.
    pub fn end_of(&self, id: &str) -> End {
        let Some(payout) = self.payouts.get(id) else { return End::Pending };
        match payout.status {
            Status::Pending | Status::Ready | Status::Approved | Status::InProgress => End::Pending,
            Status::Fulfilled => End::Paid,
            Status::Canceled if payout.cancellation.as_ref().is_some_and(|c| c.canceled_by == By::System) => {
                End::Declined
            }
            Status::Canceled => End::Cancelled,
            Status::Split => {
                let ends: Vec<End> = payout.parts.iter().map(|part| self.end_of(part)).collect();
                let (paid, open) = (ends.contains(&End::Paid), ends.contains(&End::Pending));
                match (open, paid, ends.contains(&End::Declined)) {
                    (true, _, _) => End::Pending,
                    (false, true, _) if ends.iter().all(|end| *end == End::Paid) => End::Paid,
                    (false, true, _) => End::Pending,
                    (false, false, true) => End::Declined,
                    (false, false, false) => End::Cancelled,
                }
            }
        }
    }

    /// The order with this id of the merchant's.
    pub fn taken(&self, way: Way, id: &str) -> Option<Taken> {
        let asked = self.arrivals.get(id).copied().unwrap_or(1);
        let taken = match way {
            Way::Payout => {
                let payout = self.payouts.get(id)?;
                Taken {
                    id: id.to_owned(),
                    own_id: id.to_owned(),
                    way,
                    login: payout.customer.clone(),
                    method: String::new(),
                    amount: payout.amount,
                    currency: payout.currency.clone(),
                    asked,
                    end: self.end_of(id),
                    params: payout.params.clone(),
                }
            }
            Way::Deposit => {
                let deposit = self.deposits.get(self.latest.get(id)?)?;
                Taken {
                    id: id.to_owned(),
                    own_id: deposit.id.clone(),
                    way,
                    login: deposit.customer.clone(),
                    method: String::new(),
                    amount: deposit.amount,
                    currency: deposit.currency.clone(),
                    asked,
                    end: deposit.end,
                    params: deposit.params.clone(),
                }
            }
        };
        Some(taken)
    }

    /// The same, whichever way it goes.
    pub fn find(&self, id: &str) -> Option<Taken> {
        let known = |way: &Way| self.known.contains(&(*way, id.to_owned()));
        [Way::Payout, Way::Deposit].into_iter().find(known).and_then(|way| self.taken(way, id))
    }

    /// Notes that an order of the merchant's was made, or made again.
    pub fn note_taken(&mut self, way: Way, id: &str) {
        if self.known.insert((way, id.to_owned())) {
            self.taken.push((way, id.to_owned()));
        }
    }
}
