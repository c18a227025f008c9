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

/// Whether staff may still approve.
pub fn may_approve(stage: Stage) -> bool {
    stage == Stage::AwaitingApproval
}

/// Whether staff may still decline: nothing of it has left.
pub fn may_decline(stage: Stage) -> bool {
    matches!(stage, Stage::AwaitingApproval | Stage::Queued)
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
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_ended_only_by_a_final_word_on_an_open_payout() {
        for status in Status::all() {
            for stage in Stage::all() {
                for (news, reached) in News::ALL.into_iter().flat_map(|news| [(news, false), (news, true)]) {
                    let decision = on_news(status, stage, reached, news);
                    if decision == Decision::Capture {
                        assert!(reached && news == News::PayoutPaid);
                        assert!(stage != Stage::AwaitingApproval && stage != Stage::Done);
                    }
                    if let Decision::Release(status) = decision {
                        let why = if status == Status::Failed { News::PayoutDeclined } else { News::PayoutCancelled };
                        assert!(news == why && stage != Stage::Done);
                    }
                    if stage == Stage::Done {
                        assert!(matches!(decision, Decision::Record | Decision::Review(_)), "final stays final");
                    }
                }
            }
        }
    }

    #[test]
    fn what_the_provider_works_on_is_certainly_there_when_something_was_sent() {
        for status in Status::all() {
            for stage in Stage::all() {
                for (news, reached) in News::ALL.into_iter().flat_map(|news| [(news, false), (news, true)]) {
                    let certain = stage == Stage::Unknown && reached && news == News::PayoutPending;
                    assert_eq!(on_news(status, stage, reached, news) == Decision::Sent, certain, "{stage:?} {news:?}");
                }
            }
        }
    }

    #[test]
    fn unknown_never_releases_money_and_never_sends_again() {
        for reached_before in [false, true] {
            for on_refusal in [OnRefusal::Release, OnRefusal::Review] {
                let after = after_attempt(Attempt::Unknown, reached_before, on_refusal);
                assert_eq!(after, AfterAttempt::Unknown("payout_unknown"));
            }
        }
    }

    #[test]
    fn only_the_first_refusal_releases() {
        assert_eq!(after_attempt(Attempt::Refused, false, OnRefusal::Release), AfterAttempt::Release);
        for (reached_before, on_refusal) in
            [(true, OnRefusal::Release), (true, OnRefusal::Review), (false, OnRefusal::Review)]
        {
            assert!(matches!(after_attempt(Attempt::Refused, reached_before, on_refusal), AfterAttempt::Unknown(_)));
        }
    }

    #[test]
    fn what_has_left_can_be_neither_approved_nor_declined() {
        for stage in [Stage::Sending, Stage::Unknown, Stage::Sent, Stage::Done] {
            assert!(!may_approve(stage) && !may_decline(stage), "{stage:?}");
        }
        for stage in [Stage::AwaitingApproval, Stage::Queued, Stage::Sending] {
            assert!(!may_resolve(stage, false), "{stage:?}");
        }
    }

    #[test]
    fn while_sending_is_held_a_person_may_say_how_one_that_waits_ended() {
        let resolvable = |held| Stage::all().filter(|stage| may_resolve(*stage, held)).collect::<Vec<_>>();
        assert_eq!(resolvable(false), [Stage::Unknown, Stage::Sent, Stage::Done]);
        let waits = [Stage::AwaitingApproval, Stage::Queued, Stage::Unknown, Stage::Sent, Stage::Done];
        assert_eq!(resolvable(true), waits);
    }

    #[test]
    fn every_end_of_a_payout_is_told_as_what_it_is() {
        for from in Stage::all().map(|stage| (Status::ManualReview, stage)) {
            assert_eq!(told_as(from, (Status::Credited, Stage::Done)), Some(Kind::PayoutSucceeded));
            assert_eq!(told_as(from, (Status::Failed, Stage::Done)), Some(Kind::PayoutFailed));
            assert_eq!(told_as(from, (Status::Cancelled, Stage::Done)), Some(Kind::PayoutCancelled));
            assert_eq!(told_as(from, (Status::ManualReview, Stage::Unknown)), None);
        }
        let waits = (Status::ManualReview, Stage::AwaitingApproval);
        let queued = (Status::PendingPayment, Stage::Queued);
        assert_eq!(told_as(waits, queued), Some(Kind::PayoutApproved));
        assert_eq!(told_as((Status::ManualReview, Stage::Unknown), queued), None);
    }

    #[test]
    fn stages_and_names_lead_to_each_other() {
        for stage in Stage::all() {
            assert_eq!(Stage::from_name(stage.name()), Some(stage));
        }
        assert_eq!(Stage::from_name("paid"), None);
    }

    fn letter(decision: Decision) -> char {
        match decision {
            Decision::Capture => '$',
            Decision::Release(Status::Failed) => 'f',
            Decision::Release(Status::Cancelled) => 'c',
            Decision::Sent => 's',
            Decision::HoldAndReview("paid_before_sent") => 'h',
            Decision::HoldAndReview("payout_unclear") => 'u',
            Decision::Record => '.',
            Decision::Review("success_after_end") => 'e',
            Decision::Review("decline_after_success") => '!',
            Decision::Review("payout_unclear") => 'U',
            Decision::Review("dispute") => 'd',
            Decision::Review("other_direction") => 'x',
            other => panic!("{other:?} is nothing that a payout does"),
        }
    }

    /// One letter per stage, in the order of a payout's life: when nothing can have reached the provider, and when something may have.
    #[test]
    fn every_word_about_a_payout_does_at_every_stage_exactly_this() {
        for news in News::ALL {
            let expected = match news {
                News::PayoutPaid => ["hhhhhe", "h$$$$e"],
                News::PayoutDeclined => ["fffff."; 2],
                News::PayoutCancelled => ["ccccc."; 2],
                News::PayoutUnclear => ["UuuuuU"; 2],
                News::PayoutPending => ["......", "...s.."],
                News::Dispute => ["dddddd"; 2],
                News::Informative | News::NotKnown => ["......"; 2],
                _ => ["xxxxxx"; 2],
            };
            for status in Status::all() {
                let row = |reached| Stage::all().map(|stage| letter(on_news(status, stage, reached, news))).collect();
                let rows: [String; 2] = [row(false), row(true)];
                let end = match (status, news) {
                    (Status::Credited, News::PayoutPaid) => Some(".".to_owned()),
                    (Status::Credited, News::PayoutDeclined | News::PayoutCancelled) => Some("!".to_owned()),
                    _ => None,
                };
                let paid = |row: &str| end.as_ref().map_or(row.to_owned(), |end| format!("{}{end}", &row[..5]));
                assert_eq!(rows, expected.map(paid), "{news:?} of one that is {status:?}");
            }
        }
    }

    #[test]
    fn what_follows_from_an_attempt_is_known_for_every_outcome() {
        let unknown = AfterAttempt::Unknown("payout_unknown");
        for on_refusal in [OnRefusal::Release, OnRefusal::Review] {
            for reached in [false, true] {
                assert_eq!(after_attempt(Attempt::Accepted, reached, on_refusal), AfterAttempt::Sent);
                assert_eq!(after_attempt(Attempt::Unknown, reached, on_refusal), unknown);
            }
            assert_eq!(after_attempt(Attempt::NotSent, false, on_refusal), AfterAttempt::QueueAgain);
            assert_eq!(after_attempt(Attempt::NotSent, true, on_refusal), unknown);
            assert_eq!(after_attempt(Attempt::Refused, true, on_refusal), unknown);
        }
        let refused = after_attempt(Attempt::Refused, false, OnRefusal::Review);
        assert_eq!(refused, AfterAttempt::Unknown("payout_refused"));
    }

    #[test]
    fn what_waits_may_be_approved_and_what_has_not_left_may_be_declined() {
        let of = |may: fn(Stage) -> bool| Stage::all().filter(|stage| may(*stage)).collect::<Vec<_>>();

        assert_eq!(of(may_approve), [Stage::AwaitingApproval]);
        assert_eq!(of(may_decline), [Stage::AwaitingApproval, Stage::Queued]);
    }

    #[test]
    fn what_is_sent_is_told_from_wherever_it_comes() {
        for from in Stage::all() {
            let told = told_as((Status::PendingPayment, from), (Status::PendingPayment, Stage::Sent));
            assert_eq!(told, Some(Kind::PayoutSent), "{from:?}");
            let again = told_as((Status::PendingPayment, from), (Status::PendingPayment, Stage::Queued));
            assert_eq!(again.is_some(), from == Stage::AwaitingApproval, "{from:?}");
        }
    }

    #[test]
    fn outcomes_have_names_of_their_own() {
        let outcomes = [Attempt::Accepted, Attempt::Refused, Attempt::NotSent, Attempt::Unknown];

        assert_eq!(outcomes.map(Attempt::name), ["accepted", "refused", "not_sent", "unknown"]);
    }
}
