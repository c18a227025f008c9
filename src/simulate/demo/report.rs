//! What a demo found, as numbers and as one JSON document.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::Plan;
use crate::simulate::book::{Book, End, Entry};
use crate::simulate::meter::{Latency, Meter};

/// How many differences are named; the rest is only counted.
const NAMED: usize = 20;

/// The result of a demo.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was played.
    pub plan: Plan,
    /// From the first request to the last late notification.
    pub took: Duration,
    /// Requests by what was asked and answered.
    pub answers: Vec<(String, String, u64)>,
    /// How long requests took.
    pub latency: Latency,
    /// Deposits by how they ended.
    pub deposits: BTreeMap<End, u64>,
    /// Payouts by how they ended.
    pub payouts: BTreeMap<End, u64>,
    /// Initiations that arrived.
    pub initiations: usize,
    /// Orders that were initiated more than once.
    pub doubles: usize,
    /// Money by currency.
    pub money: BTreeMap<String, Flow>,
    /// Everything that is not as the book says.
    pub differences: Vec<String>,
    /// The merchant's own check of its ledger, once it was made.
    pub ledger: Option<LedgerCheck>,
}

/// Money of one currency in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Paid in.
    pub deposited: i64,
    /// Paid out.
    pub paid_out: i64,
    /// What play gave the players; negative when the house won.
    pub play: i64,
    /// What the players have left.
    pub left: i64,
}

/// The merchant's own check of its ledger.
#[derive(Debug, Clone, Default)]
pub struct LedgerCheck {
    /// Journal entries.
    pub entries: u64,
    /// Postings.
    pub postings: u64,
    /// Players.
    pub players: u64,
    /// What does not hold.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether everything is as it must be: the books balance, every payout ended as the simulator's own book says,
    /// and nothing was double.
    pub fn holds(&self) -> bool {
        let ledger = self.ledger.as_ref().is_some_and(|ledger| ledger.problems.is_empty());
        ledger && self.differences.is_empty() && self.doubles == 0
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.answers.iter().map(|(_, _, count)| count).sum()
    }

    /// Requests per second, rounded down.
    pub fn per_second(&self) -> u64 {
        let micros = self.took.as_micros().max(1);
        u64::try_from(u128::from(self.requests()) * 1_000_000 / micros).unwrap_or(u64::MAX)
    }

    /// The differences that are named.
    pub fn named_differences(&self) -> &[String] {
        &self.differences[..self.differences.len().min(NAMED)]
    }

    /// One document with everything.
    pub fn to_json(&self) -> Value {
        let by_answer = self
            .answers
            .iter()
            .map(|(request, answer, count)| json!({"request": request, "answer": answer, "count": count}));
        let money = self.money.iter().map(|(currency, flow)| {
            json!({"currency": currency, "in": flow.deposited, "out": flow.paid_out, "play": flow.play,
                "left": flow.left})
        });
        let ended = |orders: &BTreeMap<End, u64>| {
            let count = |end| orders.get(&end).copied().unwrap_or_default();
            json!({"paid": count(End::Paid), "declined": count(End::Declined), "open": count(End::Open)})
        };
        let ledger = self.ledger.as_ref().map(|ledger| {
            json!({"ok": ledger.problems.is_empty(), "entries": ledger.entries, "postings": ledger.postings,
                "players": ledger.players, "problems": ledger.problems})
        });
        let latency = json!({"p50": self.latency.p50, "p95": self.latency.p95, "p99": self.latency.p99,
            "max": self.latency.max});
        let mut document = json!({
            "ok": self.holds(), "seed": self.plan.seed, "players": self.plan.players, "rounds": self.plan.rounds,
            "faults": self.plan.faults, "milliseconds": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "requests": {"total": self.requests(), "per_second": self.per_second(),
                "by_answer": by_answer.collect::<Vec<_>>()},
            "latency_microseconds": latency, "deposits": ended(&self.deposits), "payouts": ended(&self.payouts),
            "initiations": self.initiations, "double_initiations": self.doubles,
            "money_minor": money.collect::<Vec<_>>(), "ledger": ledger,
            "differences": self.named_differences(), "differences_total": self.differences.len(),
        });
        if let Some(provider) = self.plan.provider {
            document["provider"] = provider.into();
        }
        document
    }
}

pub(super) fn make(
    plan: Plan,
    took: Duration,
    meter: &Meter,
    book: &Book,
    (initiations, doubles): (usize, usize),
    differences: Vec<String>,
) -> Report {
    Report {
        plan,
        took,
        answers: meter.answers(),
        latency: meter.latency(),
        deposits: by_end(book.deposits()),
        payouts: by_end(book.payouts()),
        initiations,
        doubles,
        money: money(book),
        differences,
        ledger: None,
    }
}

fn by_end(orders: &BTreeMap<String, Entry>) -> BTreeMap<End, u64> {
    let mut counts = BTreeMap::new();
    for entry in orders.values() {
        *counts.entry(entry.end).or_default() += 1;
    }
    counts
}

fn money(book: &Book) -> BTreeMap<String, Flow> {
    let mut flows = BTreeMap::<String, Flow>::new();
    let paid = |orders: &BTreeMap<String, Entry>| {
        orders.values().filter(|entry| entry.end == End::Paid).cloned().collect::<Vec<_>>()
    };
    for entry in paid(book.deposits()) {
        flows.entry(entry.account.1).or_default().deposited += entry.amount;
    }
    for entry in paid(book.payouts()) {
        flows.entry(entry.account.1).or_default().paid_out += entry.amount;
    }
    for account in book.accounts() {
        let has = book.expected(account);
        flows.entry(account.1.clone()).or_default().left += has.available + has.held;
    }
    for flow in flows.values_mut() {
        flow.play = flow.left + flow.paid_out - flow.deposited;
    }
    flows
}
