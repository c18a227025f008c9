//! A transaction as Rebilly shows it: the one word about money that counts (manual, "Confirmation").

use super::wire::{Doc, Thing, for_people};
use crate::money::Money;
use crate::outgoing::Reply;

/// What a transaction comes to (manual, "Decision table").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// The money moved.
    Approved,
    /// It did not and will not.
    Failed,
    /// Nobody knows yet.
    Open,
    /// It moved and went back.
    Returned,
    /// It moved, and a part went back.
    PartlyReturned,
    /// It moved, and the player's bank disputes it.
    Disputed,
    /// It moved, and the dispute is lost.
    ChargedBack,
    /// It is not about moving money: an authorization, a setup, a refund of another one.
    Beside,
}

/// A transaction.
#[derive(Debug, Clone)]
pub(super) struct Transaction {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) result: String,
    pub(super) amount: Option<Money>,
    pub(super) customer: Option<String>,
    pub(super) website: Option<String>,
    pub(super) deposit_request: Option<String>,
    pub(super) payout_request: Option<String>,
    pub(super) is_adjusted: bool,
    is_disputed: bool,
    dispute: Option<String>,
}

impl Transaction {
    pub(super) fn read(reply: &Reply) -> Result<Self, &'static str> {
        let doc = Doc::read(&reply.body)?;
        Self::of(doc.thing().ok_or("the answer is no object")?)
    }

    fn of(thing: Thing<'_>) -> Result<Self, &'static str> {
        let owned = |name: &str| thing.text(name).map(str::to_owned);
        let word = |name: &str| thing.text(name).map(for_people);
        Ok(Self {
            id: owned("id").ok_or("the transaction has no id")?,
            kind: word("type").ok_or("the transaction has no type")?,
            status: word("status").ok_or("the transaction has no status")?,
            result: word("result").ok_or("the transaction has no result")?,
            amount: thing.money(),
            customer: owned("customerId"),
            website: owned("websiteId"),
            deposit_request: owned("depositRequestId"),
            payout_request: owned("payoutRequestId"),
            is_adjusted: thing.is("hasAmountAdjustment"),
            is_disputed: thing.is("isDisputed"),
            dispute: word("disputeStatus"),
        })
    }

    /// What it comes to for a deposit. What the table does not name is open.
    pub(super) fn of_deposit(&self) -> Came {
        if !matches!(self.kind.as_str(), "sale" | "capture") {
            return Came::Beside;
        }
        match (self.status.as_str(), self.result.as_str()) {
            ("completed" | "disputed", "approved") if self.is_disputed || self.status == "disputed" => self.dispute(),
            ("completed", "approved") => Came::Approved,
            ("completed", "declined" | "canceled" | "abandoned") => Came::Failed,
            ("refunded" | "voided", "approved") => Came::Returned,
            ("partially-refunded", "approved") => Came::PartlyReturned,
            _ => Came::Open,
        }
    }

    fn dispute(&self) -> Came {
        match self.dispute.as_deref() {
            Some("won") => Came::Approved,
            Some("lost" | "forfeited") => Came::ChargedBack,
            Some(_) | None => Came::Disputed,
        }
    }

    /// Whether it paid a part of a payout.
    pub(super) fn is_paid_credit(&self) -> bool {
        self.kind == "credit" && self.status == "completed" && self.result == "approved"
    }

    /// In Rebilly's words, for people.
    pub(super) fn words(&self) -> String {
        format!("{} {} {}", self.kind, self.status, self.result)
    }

    /// What identifies it as it stands; its revision does not: the same words again say nothing new.
    pub(super) fn content(&self) -> Vec<(String, String)> {
        let amount = self.amount.map_or_else(|| "unreadable".to_owned(), |amount| amount.to_string());
        let dispute = self.dispute.clone().unwrap_or_default();
        let fields = [
            ("transaction", self.id.clone()),
            ("transaction_said", self.words()),
            ("transaction_amount", amount),
            ("transaction_customer", self.customer.clone().unwrap_or_default()),
            ("transaction_adjusted", self.is_adjusted.to_string()),
            ("transaction_dispute", format!("{} {dispute}", self.is_disputed)),
        ];
        fields.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
    }
}
