//! A payout request and its allocations as Rebilly shows them (manual, "Payout requests", "Allocations").

use super::wire::{Thing, for_people};
use crate::money::Money;

/// Where a payout request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// In its waiting period.
    Pending,
    /// To be reviewed.
    Ready,
    /// Reviewed.
    Approved,
    /// Has allocations.
    InProgress,
    /// Fully paid.
    Fulfilled,
    /// Cancelled.
    Canceled,
    /// Replaced by parts.
    Split,
    /// Absorbed by another one.
    Merged,
    /// A word that we do not know.
    Other,
}

impl Status {
    /// Today's eight words, and those of earlier editions (manual, "Statuses").
    pub(super) fn of(word: &str) -> Self {
        match word {
            "pending" | "accepted" | "instrument-selected" => Self::Pending,
            "ready" => Self::Ready,
            "approved" => Self::Approved,
            "in-progress" | "partially-fulfilled" => Self::InProgress,
            "fulfilled" => Self::Fulfilled,
            "canceled" | "rejected" | "customer-reversed" | "system-reversed" | "admin-reversed" => Self::Canceled,
            "split" => Self::Split,
            "merged" => Self::Merged,
            _ => Self::Other,
        }
    }
}

/// Where an allocation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Made, and not started.
    Pending,
    /// On its way.
    UnderWay,
    /// Paid.
    Completed,
    /// Failed or declined.
    Dead,
    /// Stopped before it began.
    Canceled,
    /// A word that we do not know.
    Other,
}

impl Part {
    /// The words of today (manual, "Allocations").
    pub(super) fn of(word: &str) -> Self {
        match word {
            "pending" => Self::Pending,
            "queued" | "processing" | "waiting-completion" => Self::UnderWay,
            "completed" => Self::Completed,
            "failed" | "declined" => Self::Dead,
            "canceled" => Self::Canceled,
            _ => Self::Other,
        }
    }

    /// Whether money may have moved or may still move by it.
    pub(super) fn may_move(self) -> bool {
        match self {
            Part::UnderWay | Part::Completed | Part::Other => true,
            Part::Pending | Part::Dead | Part::Canceled => false,
        }
    }
}

/// A part of a payout request that goes by one instrument.
#[derive(Debug, Clone)]
pub(super) struct Allocation {
    pub(super) id: String,
    pub(super) part: Part,
    pub(super) word: String,
    pub(super) amount: Option<Money>,
    pub(super) transaction: Option<String>,
}

/// A payout request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) website: Option<String>,
    pub(super) customer: Option<String>,
    pub(super) amount: Money,
    pub(super) status: Status,
    pub(super) word: String,
    /// Why it is blocked; `None`: it is not.
    pub(super) blocked: Option<String>,
    pub(super) canceled_by: Option<String>,
    pub(super) split_from: Option<String>,
    pub(super) allocations: Vec<Allocation>,
}

impl Request {
    /// Reads one; what everything hangs on has to be there.
    pub(super) fn read(thing: Thing<'_>) -> Result<Self, &'static str> {
        let owned = |name: &str| thing.text(name).map(str::to_owned);
        let word = thing.text("status").ok_or("it has no status")?;
        let allocation = |one: Thing<'_>| {
            let word = one.text("status").unwrap_or_default();
            Some(Allocation {
                id: one.text("id")?.to_owned(),
                part: Part::of(word),
                word: for_people(word),
                amount: one.money(),
                transaction: one.text("transactionId").map(str::to_owned),
            })
        };
        Ok(Self {
            id: owned("id").ok_or("it has no id")?,
            website: owned("websiteId"),
            customer: owned("customerId"),
            amount: thing.money().ok_or("its amount or currency cannot be read")?,
            status: Status::of(word),
            word: for_people(word),
            blocked: thing.is("blocked").then(|| for_people(thing.text("blockReason").unwrap_or("no reason given"))),
            canceled_by: thing.within("cancellationReason").and_then(|why| why.text("canceledBy")).map(str::to_owned),
            split_from: owned("splitFromPayoutRequestId"),
            allocations: thing.things("allocations").into_iter().filter_map(allocation).collect(),
        })
    }

    /// The allocations that wait for their start.
    pub(super) fn waiting(&self) -> Vec<&str> {
        let waiting = self.allocations.iter().filter(|one| one.part == Part::Pending);
        waiting.map(|one| one.id.as_str()).collect()
    }

    /// Whether an allocation is on its way, done, or to be started.
    pub(super) fn is_allocated(&self) -> bool {
        self.allocations.iter().any(|one| one.part == Part::Pending || one.part.may_move())
    }
}
