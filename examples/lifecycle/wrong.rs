//! Policies that are wrong on purpose, each in one thing. Compiled for the tests alone: there is no way to switch one on.

use croupier::deposits::lifecycle::Decision as OnDeposit;
use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::payouts::lifecycle::{AfterAttempt, AfterSilence, Attempt, Decision, No};
use croupier::providers::News;

/// One mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A payout that nobody has heard of for long enough is given back.
    ReleaseOnTimeout,
    /// What may have been sent is sent again.
    ResendOnUnknown,
    /// The same after a restart: an attempt that was under way is taken for one that was not sent.
    ResendAfterRestart,
    /// The newest word moves the money, whatever came before.
    BelieveTheLaterWord,
    /// Every message that says "paid" credits.
    CreditPerNotification,
    /// A payout that the Cashier refused may be asked for again under its id.
    ForgetTheKeyOnRefusal,
    /// A notification is marked as seen in one commit and applied in the next.
    MarkBeforeEffect,
    /// What is approved can be approved again.
    ApproveTwice,
    /// One person counts as two.
    SamePersonTwice,
    /// A declined payout stays in the outbox, and its stage is not looked at.
    SendAfterDecline,
    /// Staff may decline what is on its way.
    DeclineOnTheWay,
}

/// All of them.
pub const ALL: [Wrong; 11] = [
    Wrong::ReleaseOnTimeout,
    Wrong::ResendOnUnknown,
    Wrong::ResendAfterRestart,
    Wrong::BelieveTheLaterWord,
    Wrong::CreditPerNotification,
    Wrong::ForgetTheKeyOnRefusal,
    Wrong::MarkBeforeEffect,
    Wrong::ApproveTwice,
    Wrong::SamePersonTwice,
    Wrong::SendAfterDecline,
    Wrong::DeclineOnTheWay,
];

/// Where each has its say; `None` leaves the decision to the product.
impl Wrong {
    pub fn on_payout_news(self, stage: Stage, news: News) -> Option<Decision> {
        match (self, stage, news) {
            (Wrong::BelieveTheLaterWord, Stage::Done, News::PayoutPaid) => Some(Decision::Capture),
            (Wrong::BelieveTheLaterWord, Stage::Done, News::PayoutDeclined) => Some(Decision::Release(Status::Failed)),
            _ => None,
        }
    }

    pub fn on_deposit_news(self, news: News) -> Option<OnDeposit> {
        (self == Wrong::CreditPerNotification && news == News::DepositPaid).then_some(OnDeposit::Credit)
    }

    pub fn after_attempt(self, outcome: Attempt) -> Option<AfterAttempt> {
        let resends = self == Wrong::ResendOnUnknown && outcome == Attempt::Unknown;
        resends.then_some(AfterAttempt::QueueAgain)
    }

    pub fn after_silence(self) -> Option<AfterSilence> {
        (self == Wrong::ResendAfterRestart).then_some(AfterSilence::QueueAgain)
    }

    pub fn may_approve(self, stage: Stage) -> Option<bool> {
        (self == Wrong::ApproveTwice).then_some(stage != Stage::Done)
    }

    pub fn may_claim(self, stage: Stage) -> Option<bool> {
        (self == Wrong::SendAfterDecline).then_some(matches!(stage, Stage::Queued | Stage::Done))
    }

    pub fn decline(self, stage: Stage) -> Option<Result<(), No>> {
        (self == Wrong::DeclineOnTheWay && stage != Stage::Done).then_some(Ok(()))
    }

    pub fn is_agreed(self, before: &[&str], required: usize) -> Option<Option<bool>> {
        (self == Wrong::SamePersonTwice).then_some(Some(before.len() + 1 >= required))
    }

    pub fn releases_in_time(self) -> Option<bool> {
        (self == Wrong::ReleaseOnTimeout).then_some(true)
    }

    pub fn forgets_refused(self) -> Option<bool> {
        (self == Wrong::ForgetTheKeyOnRefusal).then_some(true)
    }

    pub fn marks_first(self) -> Option<bool> {
        (self == Wrong::MarkBeforeEffect).then_some(true)
    }

    pub fn clears_outbox(self) -> Option<bool> {
        (self == Wrong::SendAfterDecline).then_some(false)
    }
}
