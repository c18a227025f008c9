//! Who decides. The product does; its wrong relatives exist only in the tests.

use croupier::deposits::lifecycle as deposits;
use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::payouts::lifecycle::{self as payouts, AfterAttempt, AfterSilence, Attempt, Decision, Earlier, No};
use croupier::providers::News;
use croupier::settings::OnRefusal;
use croupier::staff::approvals;

#[cfg(test)]
pub use crate::wrong::Wrong;

/// Who decides at each place where something could go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The product's own functions.
    Product,
    /// The same, but for one thing.
    #[cfg(test)]
    Wrong(Wrong),
}

/// Takes what a wrong policy says, if there is one and it has a say here; otherwise what the product says.
macro_rules! or_wrong {
    ($policy:expr, $wrong:ident($($argument:expr),*), $product:expr) => {
        match $policy {
            Policy::Product => $product,
            #[cfg(test)]
            Policy::Wrong(wrong) => wrong.$wrong($($argument),*).unwrap_or_else(|| $product),
        }
    };
}

impl Policy {
    pub fn on_payout_news(
        self,
        (status, stage): (Status, Stage),
        reached: bool,
        news: News,
        said: impl Fn(Earlier) -> bool,
    ) -> Decision {
        let product = || {
            let decided = payouts::on_news(status, stage, reached, news);
            decided.after(|earlier| Ok::<bool, std::convert::Infallible>(said(earlier))).unwrap_or(decided)
        };
        or_wrong!(self, on_payout_news(stage, news), product())
    }

    pub fn on_deposit_news(self, status: Status, news: News) -> deposits::Decision {
        or_wrong!(self, on_deposit_news(news), deposits::decide(status, news))
    }

    pub fn after_attempt(self, outcome: Attempt, reached_before: bool) -> AfterAttempt {
        let product = || payouts::after_attempt(outcome, reached_before, OnRefusal::Release);
        or_wrong!(self, after_attempt(outcome), product())
    }

    pub fn after_silence(self, reached_before: bool, deduplicates: bool) -> AfterSilence {
        or_wrong!(self, after_silence(), payouts::after_silence(false, reached_before, deduplicates))
    }

    pub fn may_approve(self, stage: Stage) -> bool {
        or_wrong!(self, may_approve(stage), payouts::may_approve(stage))
    }

    pub fn may_claim(self, stage: Stage) -> bool {
        or_wrong!(self, may_claim(stage), payouts::may_claim(stage))
    }

    pub fn decline(self, stage: Stage, reached: bool) -> Result<(), No> {
        or_wrong!(self, decline(stage), payouts::decline(stage, reached))
    }

    /// Whether it may happen; `None`: the same person cannot say yes twice.
    pub fn is_agreed(self, before: &[&str], actor: &str, required: usize) -> Option<bool> {
        or_wrong!(self, is_agreed(before, required), approvals::is_agreed(before, actor, required).ok())
    }

    /// Whether time gives held money back. The product has no timer.
    pub fn releases_in_time(self) -> bool {
        or_wrong!(self, releases_in_time(), false)
    }

    /// Whether a refused payout's question is forgotten. The product forgets none.
    pub fn forgets_refused(self) -> bool {
        or_wrong!(self, forgets_refused(), false)
    }

    /// Whether a notification is marked in a commit before its effect. In the product both are one.
    pub fn marks_first(self) -> bool {
        or_wrong!(self, marks_first(), false)
    }

    /// Whether a payout that ends leaves the outbox.
    pub fn clears_outbox(self) -> bool {
        or_wrong!(self, clears_outbox(), true)
    }
}
