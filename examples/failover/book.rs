//! The book outside the processes: everything that was acknowledged, as the lines that a player's statement must have.
//!
//! It shares nothing with croupier's ledger. A line is known by its cause: the game server's own reference, or the order's id with what
//! was done to it, so that an effect that is missing and one that nobody asked for are both seen, and not only a sum that differs.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::door::Call;
use crate::house::Purse;

/// What a line does to a player's available and held money.
pub type Change = (i64, i64);

/// A deposit that was answered 0.
#[derive(Debug, Clone)]
pub struct Deposit {
    pub purse: Purse,
    pub amount: i64,
    /// The notification that it was paid was acknowledged.
    pub paid: bool,
    /// One that it was declined was acknowledged, and none before that it was paid.
    pub declined: bool,
    /// One that it was taken back was acknowledged, after the payment.
    pub reversed: bool,
}

/// What staff have decided about a payout, as it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Approved,
    Declined,
    /// A person has said that it was paid, or that it was not.
    Resolved {
        paid: bool,
    },
}

/// A payout that was answered 50.
#[derive(Debug, Clone)]
pub struct Payout {
    pub purse: Purse,
    pub amount: i64,
    /// Whether staff must approve it.
    pub waits: bool,
    /// What the Cashier's first notification said, once it was acknowledged. What contradicts it later changes nothing.
    pub told: Option<bool>,
    pub decision: Option<Decision>,
}

/// A request whose answer is known, to be asked again.
#[derive(Debug, Clone)]
pub struct Answered {
    pub at: Instant,
    pub call: Call,
    pub body: String,
}

/// The book.
#[derive(Debug, Default)]
pub struct Book {
    /// By purse, then by cause. Ends of payouts are not here: they follow from what was told.
    lines: BTreeMap<Purse, BTreeMap<String, Change>>,
    pub deposits: BTreeMap<String, Deposit>,
    pub payouts: BTreeMap<String, Payout>,
    pub answers: Vec<Answered>,
    pub problems: Vec<String>,
    pub acknowledged: u64,
}

impl Book {
    pub fn player(&mut self, purse: &Purse) {
        self.lines.entry(purse.clone()).or_default();
    }

    pub fn problem(&mut self, text: String) {
        self.problems.push(text);
    }

    /// Everything that was acknowledged is counted, and may be asked again.
    pub fn answered(&mut self, call: &Call, body: &str) {
        self.acknowledged += 1;
        self.answers.push(Answered { at: Instant::now(), call: call.clone(), body: body.to_owned() });
    }

    /// Play took or gave money.
    pub fn played(&mut self, purse: &Purse, reference: &str, change: i64) {
        self.line(purse, reference.to_owned(), (change, 0));
    }

    /// A bet was undone.
    pub fn undone(&mut self, purse: &Purse, reference: &str, amount: i64) {
        self.line(purse, format!("{reference}:rollback"), (amount, 0));
    }

    pub fn deposit_opened(&mut self, external_id: &str, purse: &Purse, amount: i64) {
        let deposit = Deposit { purse: purse.clone(), amount, paid: false, declined: false, reversed: false };
        if self.deposits.insert(external_id.to_owned(), deposit).is_some() {
            self.problem(format!("deposit {external_id} was opened for two questions"));
        }
    }

    pub fn deposit_paid(&mut self, external_id: &str) {
        let Some(deposit) = self.deposits.get_mut(external_id) else { return };
        if !deposit.paid {
            deposit.paid = true;
            let (purse, amount) = (deposit.purse.clone(), deposit.amount);
            self.line(&purse, format!("{external_id}:credit"), (amount, 0));
        }
    }

    pub fn deposit_declined(&mut self, external_id: &str) {
        if let Some(deposit) = self.deposits.get_mut(external_id) {
            deposit.declined |= !deposit.paid;
        }
    }

    /// The payer's bank took a paid deposit back.
    pub fn deposit_reversed(&mut self, external_id: &str) {
        let Some(deposit) = self.deposits.get_mut(external_id) else { return };
        if deposit.paid && !deposit.reversed {
            deposit.reversed = true;
            let (purse, amount) = (deposit.purse.clone(), deposit.amount);
            self.line(&purse, format!("{external_id}:reversal"), (-amount, 0));
        }
    }

    pub fn payout_held(&mut self, external_id: &str, purse: &Purse, amount: i64, waits: bool) {
        let payout = Payout { purse: purse.clone(), amount, waits, told: None, decision: None };
        if self.payouts.insert(external_id.to_owned(), payout).is_some() {
            self.problem(format!("payout {external_id} was opened for two questions"));
        }
        self.line(purse, format!("{external_id}:hold"), (-amount, amount));
    }

    /// The Cashier's word on a payout was acknowledged.
    pub fn payout_told(&mut self, external_id: &str, paid: bool) {
        if let Some(payout) = self.payouts.get_mut(external_id) {
            payout.told.get_or_insert(paid);
        }
    }

    pub fn decided(&mut self, external_id: &str, decision: Decision) {
        if let Some(payout) = self.payouts.get_mut(external_id) {
            payout.decision = Some(decision);
        }
    }

    /// The lines of every purse, without the ends of payouts.
    pub fn lines(&self) -> &BTreeMap<Purse, BTreeMap<String, Change>> {
        &self.lines
    }

    /// Forgets the newest line of play: sabotage, to see that it is missed.
    pub fn forget_one(&mut self) {
        for lines in self.lines.values_mut() {
            if lines.pop_last().is_some() {
                return;
            }
        }
    }

    fn line(&mut self, purse: &Purse, cause: String, change: Change) {
        let lines = self.lines.entry(purse.clone()).or_default();
        if lines.insert(cause.clone(), change).is_some_and(|before| before != change) {
            self.problem(format!("{purse}: {cause} was booked in two ways"));
        }
    }
}
