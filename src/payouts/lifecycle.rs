//! The life of a payout as pure functions: what a notification, an answer and a person mean for a payout at each stage.

use crate::events::Kind;
use crate::orders::Status;
use crate::providers::News;
use crate::settings::OnRefusal;

/// How far a payout is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A person must approve it.
    AwaitingApproval,
    /// Approved; no byte of it has reached the provider.
    Queued,
    /// An attempt is on its way.
    Sending,
    /// An attempt may have reached the provider. The hold stays until a notification, a status call or a person says how it ended.
    Unknown,
    /// The provider took it; the outcome comes later.
    Sent,
    /// It ended.
    Done,
}

/// Every stage with its name.
const STAGES: [(Stage, &str); 6] = [
    (Stage::AwaitingApproval, "awaiting_approval"),
    (Stage::Queued, "queued"),
    (Stage::Sending, "sending"),
    (Stage::Unknown, "unknown"),
    (Stage::Sent, "sent"),
    (Stage::Done, "done"),
];

impl Stage {
    /// All of them, in the order of a payout's life.
    pub fn all() -> impl Iterator<Item = Self> {
        STAGES.iter().map(|(stage, _)| *stage)
    }

    /// The name in the `stage` column and on our own APIs.
    pub fn name(self) -> &'static str {
        STAGES.iter().find(|(stage, _)| *stage == self).expect("every stage has a name").1
    }

    /// The stage with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        STAGES.iter().find(|(_, known)| *known == name).map(|(stage, _)| *stage)
    }
}

/// What to do with a notification about a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The player was paid: take the held money.
    Capture,
    /// The player was not paid: give the held money back; the status says why.
    Release(Status),
    /// It is certain now that the provider has it: its final word is to come.
    Sent,
    /// Keep the hold, never send, and ask a person. Carries the review's kind.
    HoldAndReview(&'static str),
    /// Already so, or says nothing about money.
    Record,
    /// Show it to a person, change nothing. Carries the review's kind.
    Review(&'static str),
}

/// What the provider may have said of a payout before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// That it paid it, in the terms of the order.
    Paid,
    /// That another transaction of its own moved the same money.
    MovedByAnother,
}

impl Decision {
    /// The decision in the light of what was said before: what was said to be paid is not given back on a later word, and what moved twice
    /// is shown to a person (threats R6). `said` looks that up, and only where it matters.
    ///
    /// # Errors
    ///
    /// What `said` returns.
    pub fn after<E>(self, said: impl FnOnce(Earlier) -> Result<bool, E>) -> Result<Self, E> {
        let (earlier, contradicted) = match self {
            Decision::Release(_) => (Earlier::Paid, Decision::Review("decline_after_success")),
            Decision::Record => (Earlier::MovedByAnother, Decision::Review("paid_twice")),
            Decision::Capture | Decision::Sent | Decision::HoldAndReview(_) | Decision::Review(_) => return Ok(self),
        };
        Ok(if said(earlier)? { contradicted } else { self })
    }
}

/// Where a new payout stands; `by_itself`: nobody must approve it.
pub fn first_standing(by_itself: bool) -> (Status, Stage) {
    if by_itself { (Status::PendingPayment, Stage::Queued) } else { (Status::ManualReview, Stage::AwaitingApproval) }
}

/// What `news` means for a payout that stands at `status` and `stage`. `reached`: whether an attempt may have reached the provider; a
/// success of a payout that never left us is no success of ours.
pub fn on_news(status: Status, stage: Stage, reached: bool, news: News) -> Decision {
    match news {
        News::PayoutPaid => match stage {
            Stage::Queued | Stage::Sending | Stage::Unknown | Stage::Sent if reached => Decision::Capture,
            Stage::AwaitingApproval | Stage::Queued | Stage::Sending | Stage::Unknown | Stage::Sent => {
                Decision::HoldAndReview("paid_before_sent")
            }
            Stage::Done if status == Status::Credited => Decision::Record,
            Stage::Done => Decision::Review("success_after_end"),
        },
        News::PayoutDeclined | News::PayoutCancelled => match stage {
            Stage::AwaitingApproval | Stage::Queued | Stage::Sending | Stage::Unknown | Stage::Sent => {
                let cancelled = news == News::PayoutCancelled;
                Decision::Release(if cancelled { Status::Cancelled } else { Status::Failed })
            }
            Stage::Done if status == Status::Credited => Decision::Review("decline_after_success"),
            Stage::Done => Decision::Record,
        },
        News::PayoutUnclear => match stage {
            Stage::Queued | Stage::Sending | Stage::Unknown | Stage::Sent => Decision::HoldAndReview("payout_unclear"),
            Stage::AwaitingApproval | Stage::Done => Decision::Review("payout_unclear"),
        },
        News::Dispute => Decision::Review("dispute"),
        News::PayoutPending => match stage {
            Stage::Unknown if reached => Decision::Sent,
            Stage::AwaitingApproval | Stage::Queued | Stage::Sending | Stage::Unknown | Stage::Sent | Stage::Done => {
                Decision::Record
            }
        },
        News::Informative | News::NotKnown => Decision::Record,
        News::DepositPaid
        | News::DepositDeclined
        | News::DepositCancelled
        | News::DepositBroken
        | News::DepositPending
        | News::Refunded
        | News::ChargedBack => Decision::Review("other_direction"),
        // The order has settled before which way it is ([`News::of`]); what still leaves it open is nothing to act on.
        News::Paid | News::Declined | News::Pending => Decision::Review("other_direction"),
    }
}

/// What an attempt to send came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// The provider took it.
    Accepted,
    /// The provider definitely did not take it.
    Refused,
    /// No byte of it reached the provider.
    NotSent,
    /// It may have reached the provider.
    Unknown,
}

impl Attempt {
    /// The name in the `outcome` column.
    pub fn name(self) -> &'static str {
        match self {
            Attempt::Accepted => "accepted",
            Attempt::Refused => "refused",
            Attempt::NotSent => "not_sent",
            Attempt::Unknown => "unknown",
        }
    }
}

/// What an attempt's outcome does to a payout that is still `Sending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAttempt {
    /// Wait for the notification.
    Sent,
    /// Put it back, to be sent later.
    QueueAgain,
    /// Give the held money back.
    Release,
    /// Keep the hold and ask a person. Carries the review's kind.
    Unknown(&'static str),
}

/// What follows from an attempt. `reached_before`: whether an earlier attempt may have reached the provider, so that a refusal of
/// this one proves nothing (threats OUT-6).
pub fn after_attempt(outcome: Attempt, reached_before: bool, on_refusal: OnRefusal) -> AfterAttempt {
    match (outcome, reached_before, on_refusal) {
        (Attempt::Accepted, _, _) => AfterAttempt::Sent,
        (Attempt::NotSent, false, _) => AfterAttempt::QueueAgain,
        (Attempt::Refused, false, OnRefusal::Release) => AfterAttempt::Release,
        (Attempt::Refused, false, OnRefusal::Review) => AfterAttempt::Unknown("payout_refused"),
        (Attempt::Refused | Attempt::NotSent, true, _) => AfterAttempt::Unknown("payout_unknown"),
        (Attempt::Unknown, _, _) => AfterAttempt::Unknown("payout_unknown"),
    }
}

/// What follows from an attempt that nobody waits for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterSilence {
    /// Put it back, to be sent again.
    QueueAgain,
    /// Keep the hold and ask a person. Carries the review's kind.
    Unknown(&'static str),
}

/// What follows from an attempt that nobody waits for any more, for a payout that is still `Sending`. `prepared_only`: no byte that could
/// make an order has gone out. Only where the provider pays a repeated id once (`deduplicates`) is it sent again (threats OUT-3).
pub fn after_silence(prepared_only: bool, reached_before: bool, deduplicates: bool) -> AfterSilence {
    let not_sent = prepared_only && !reached_before;
    if not_sent || deduplicates { AfterSilence::QueueAgain } else { AfterSilence::Unknown("payout_unknown") }
}

/// The status of a payout that was `status` and whose outcome nobody knows, after a review of this kind.
pub fn status_of_unknown(status: Status, review: &str) -> Status {
    if review == "payout_unknown" { status } else { Status::ManualReview }
}

/// What a payout's move is told as; `None`: nothing that a game server must know.
pub fn told_as(from: (Status, Stage), to: (Status, Stage)) -> Option<Kind> {
    match to {
        (Status::Credited, Stage::Done) => Some(Kind::PayoutSucceeded),
        (Status::Cancelled, Stage::Done) => Some(Kind::PayoutCancelled),
        (_, Stage::Done) => Some(Kind::PayoutFailed),
        (_, Stage::Queued) if from.1 == Stage::AwaitingApproval => Some(Kind::PayoutApproved),
        (_, Stage::Sent) => Some(Kind::PayoutSent),
        // Sending and waiting are ours; what is unknown is told as the review it opens.
        (_, Stage::AwaitingApproval | Stage::Queued | Stage::Sending | Stage::Unknown) => None,
    }
}

/// Whether a worker may take it on.
pub fn may_claim(stage: Stage) -> bool {
    stage == Stage::Queued
}

/// Whether it waits for the answer to an attempt: only then may the request go out, and only then does the answer change anything.
pub fn awaits_answer(stage: Stage) -> bool {
    stage == Stage::Sending
}

/// Why staff may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
    /// Not at this stage.
    NotNow,
    /// It ended so already.
    AlreadySo,
    /// For this reason.
    Because(&'static str),
}

/// Whether staff may still approve.
pub fn may_approve(stage: Stage) -> bool {
    stage == Stage::AwaitingApproval
}

/// Whether staff, or its player, may still decline: nothing of it has left. `reached`: whether an attempt may have reached the provider.
///
/// # Errors
///
/// Why not.
pub fn decline(stage: Stage, reached: bool) -> Result<(), No> {
    const REACHED: &str = "an earlier attempt may have reached the Cashier: find out how it ended and resolve it";
    match stage {
        Stage::AwaitingApproval | Stage::Queued if reached => Err(No::Because(REACHED)),
        Stage::AwaitingApproval | Stage::Queued => Ok(()),
        Stage::Sending | Stage::Unknown | Stage::Sent | Stage::Done => Err(No::NotNow),
    }
}

/// What a wish to send again leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    /// It goes out again.
    Queued,
    /// Sending again could pay twice; its provider can be asked what became of it.
    Ask,
}

/// What is known of a payout that somebody wants to send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// It was sent, or may have been.
    pub ever: bool,
    /// An attempt has no outcome yet.
    pub under_way: bool,
    /// Its provider pays a repeated id once.
    pub deduplicates: bool,
    /// Its provider tells a status.
    pub tells_status: bool,
}

/// Whether a payout may be sent again. One that waits after tries that never reached the provider goes at once; an unknown one goes again
/// only where the provider pays a repeated id once, and is asked about where it tells a status.
///
/// # Errors
///
/// Why not.
pub fn retry(stage: Stage, tried: Tried) -> Result<Retried, No> {
    match stage {
        Stage::Queued => Ok(Retried::Queued),
        Stage::Unknown if !tried.ever => {
            Err(No::Because("nothing of it was ever sent: find out how it ended and resolve it"))
        }
        Stage::Unknown if tried.under_way => Err(No::Because("an attempt is still under way")),
        Stage::Unknown if tried.deduplicates => Ok(Retried::Queued),
        Stage::Unknown if tried.tells_status => Ok(Retried::Ask),
        Stage::Unknown => Err(No::Because(
            "the outcome is unknown and sending again could pay twice: find out how it ended and resolve it",
        )),
        Stage::AwaitingApproval | Stage::Sending | Stage::Sent | Stage::Done => Err(No::NotNow),
    }
}

/// How a person says a payout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The player has the money.
    Succeeded,
    /// The player does not have the money.
    Failed,
}

impl Ending {
    /// The word of the back-office API.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Succeeded => "succeeded",
            Ending::Failed => "failed",
        }
    }
}

/// What a person's word about the end of a payout does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Take the held money.
    Capture,
    /// Give the held money back.
    Release,
    /// It ended the other way: move the money after all.
    Correct,
}

/// What a person's word does to a payout that stands at `status` and `stage`.
///
/// # Errors
///
/// Why it does nothing.
pub fn resolve(status: Status, stage: Stage, sending_held: bool, ending: Ending) -> Result<Resolution, No> {
    if !may_resolve(stage, sending_held) {
        return Err(No::NotNow);
    }
    let ended = if status == Status::Credited { Ending::Succeeded } else { Ending::Failed };
    match (stage == Stage::Done, ending) {
        (true, _) if ended == ending => Err(No::AlreadySo),
        (true, _) => Ok(Resolution::Correct),
        (false, Ending::Succeeded) => Ok(Resolution::Capture),
        (false, Ending::Failed) => Ok(Resolution::Release),
    }
}

/// Whether a person may say how it ended: it was sent or may have been, or it ended. While sending is held, this is an older copy or
/// another one of the books, which cannot know whether one that waits was sent.
pub fn may_resolve(stage: Stage, sending_held: bool) -> bool {
    match stage {
        Stage::Unknown | Stage::Sent | Stage::Done => true,
        Stage::AwaitingApproval | Stage::Queued => sending_held,
        Stage::Sending => false,
    }
}

#[cfg(test)]
mod tests;
