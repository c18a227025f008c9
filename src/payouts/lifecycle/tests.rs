//! Every decision about a payout, over everything it can be asked.

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

/// A letter for each decision.
fn letter(decision: Decision) -> char {
    match decision {
        Decision::Capture => '$',
        Decision::Release(Status::Failed) => 'f',
        Decision::Release(Status::Cancelled) => 'c',
        Decision::Release(_) => '?',
        Decision::Sent => 's',
        Decision::HoldAndReview("paid_before_sent") => 'h',
        Decision::HoldAndReview("payout_unclear") => 'U',
        Decision::HoldAndReview(_) => '?',
        Decision::Record => '.',
        Decision::Review("success_after_end") => 'e',
        Decision::Review("decline_after_success") => '!',
        Decision::Review("payout_unclear") => 'u',
        Decision::Review("dispute") => 'd',
        Decision::Review("other_direction") => 'x',
        Decision::Review("paid_twice") => '2',
        Decision::Review(_) => '?',
    }
}

/// One letter for each stage, in the order of a payout's life: when nothing can have reached the provider, and when something may have.
#[test]
fn every_word_about_a_payout_does_at_every_stage_exactly_this() {
    for news in News::ALL {
        let expected = match news {
            News::PayoutPaid => ["hhhhhe", "h$$$$e"],
            News::PayoutDeclined => ["fffff."; 2],
            News::PayoutCancelled => ["ccccc."; 2],
            News::PayoutUnclear => ["uUUUUu"; 2],
            News::PayoutPending => ["......", "...s.."],
            News::Dispute => ["dddddd"; 2],
            News::Informative | News::NotKnown => ["......"; 2],
            _ => ["xxxxxx"; 2],
        };
        for status in Status::all() {
            let row = |reached| Stage::all().map(|stage| letter(on_news(status, stage, reached, news))).collect();
            let rows: [String; 2] = [row(false), row(true)];
            let end = match (status, news) {
                (Status::Credited, News::PayoutPaid) => Some("."),
                (Status::Credited, News::PayoutDeclined | News::PayoutCancelled) => Some("!"),
                _ => None,
            };
            let of_status = |row: &str| end.map_or(row.to_owned(), |end| format!("{}{end}", &row[..5]));
            assert_eq!(rows, expected.map(of_status), "{news:?} of one that is {status:?}");
        }
    }
}

/// What the provider has said before counts only where it contradicts.
#[test]
fn an_earlier_word_turns_a_release_and_a_repetition_into_a_review_and_nothing_else() {
    let after = |decision: Decision, said| {
        let mut asked = None;
        let decided = decision.after(|earlier| {
            asked = Some(earlier);
            Ok::<_, ()>(said)
        });
        (decided.map(letter), asked)
    };
    for decided in [Decision::Release(Status::Failed), Decision::Release(Status::Cancelled)] {
        assert_eq!(after(decided, false), (Ok(letter(decided)), Some(Earlier::Paid)));
        assert_eq!(after(decided, true), (Ok('!'), Some(Earlier::Paid)));
    }
    assert_eq!(after(Decision::Record, false), (Ok('.'), Some(Earlier::MovedByAnother)));
    assert_eq!(after(Decision::Record, true), (Ok('2'), Some(Earlier::MovedByAnother)));
    for decided in
        [Decision::Capture, Decision::Sent, Decision::HoldAndReview("payout_unclear"), Decision::Review("dispute")]
    {
        assert_eq!(after(decided, true), (Ok(letter(decided)), None), "nothing is asked");
    }
    assert!(Decision::Record.after(|_| Err::<bool, _>("the database")).is_err(), "what cannot be read decides nothing");
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
        assert!(!may_approve(stage) && decline(stage, false).is_err(), "{stage:?}");
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

#[test]
fn what_was_said_to_be_paid_is_not_given_back_on_a_later_word() {
    let said = |known: Option<Earlier>| move |asked| Ok::<bool, ()>(known == Some(asked));
    for status in [Status::Failed, Status::Cancelled] {
        let release = Decision::Release(status);
        assert_eq!(release.after(said(None)), Ok(release));
        assert_eq!(release.after(said(Some(Earlier::Paid))), Ok(Decision::Review("decline_after_success")));
    }
    assert_eq!(Decision::Record.after(said(None)), Ok(Decision::Record));
    assert_eq!(Decision::Record.after(said(Some(Earlier::MovedByAnother))), Ok(Decision::Review("paid_twice")));
    assert_eq!(Decision::Record.after(|_| Err(7)), Err(7), "what cannot be looked up is not taken for unsaid");
    for other in [Decision::Capture, Decision::Sent, Decision::HoldAndReview("x"), Decision::Review("x")] {
        assert_eq!(other.after(|_| Err(())), Ok(other), "nothing is looked up");
    }
}

#[test]
fn silence_sends_again_only_what_was_certainly_not_sent_or_is_paid_once() {
    for (prepared_only, reached_before, deduplicates) in
        [(true, false, false), (true, false, true), (false, false, true), (false, true, true), (true, true, true)]
    {
        let after = after_silence(prepared_only, reached_before, deduplicates);
        assert_eq!(after, AfterSilence::QueueAgain, "{prepared_only} {reached_before} {deduplicates}");
    }
    for (prepared_only, reached_before) in [(true, true), (false, false), (false, true)] {
        let after = after_silence(prepared_only, reached_before, false);
        assert_eq!(after, AfterSilence::Unknown("payout_unknown"), "{prepared_only} {reached_before}");
    }
}

#[test]
fn what_may_have_reached_the_provider_is_not_declined() {
    for stage in Stage::all() {
        assert_eq!(decline(stage, false).is_ok(), matches!(stage, Stage::AwaitingApproval | Stage::Queued));
        assert!(decline(stage, true).is_err(), "{stage:?}");
    }
}

#[test]
fn an_unknown_payout_goes_again_only_where_a_repeated_id_is_paid_once() {
    let flags = [false, true];
    for stage in Stage::all() {
        for number in 0..16_usize {
            let [ever, under_way, deduplicates, tells_status] = [0, 1, 2, 3].map(|bit| flags[(number >> bit) & 1]);
            let tried = Tried { ever, under_way, deduplicates, tells_status };
            let idle = stage == Stage::Unknown && ever && !under_way;
            let queued = stage == Stage::Queued || (idle && deduplicates);
            assert_eq!(retry(stage, tried) == Ok(Retried::Queued), queued, "{stage:?} {tried:?}");
            let asked = idle && !deduplicates && tells_status;
            assert_eq!(retry(stage, tried) == Ok(Retried::Ask), asked, "{stage:?} {tried:?}");
        }
    }
}

#[test]
fn a_person_ends_what_is_open_and_turns_round_only_what_ended_otherwise() {
    let ended = |status, ending| resolve(status, Stage::Done, false, ending);
    for status in [Status::Failed, Status::Cancelled] {
        assert_eq!(ended(status, Ending::Failed), Err(No::AlreadySo));
        assert_eq!(ended(status, Ending::Succeeded), Ok(Resolution::Correct));
    }
    assert_eq!(ended(Status::Credited, Ending::Succeeded), Err(No::AlreadySo));
    assert_eq!(ended(Status::Credited, Ending::Failed), Ok(Resolution::Correct));
    for stage in Stage::all().filter(|stage| *stage != Stage::Done) {
        for held in [false, true] {
            let may = may_resolve(stage, held);
            let expected = |resolution| if may { Ok(resolution) } else { Err(No::NotNow) };
            let said = |ending| resolve(Status::ManualReview, stage, held, ending);
            assert_eq!(said(Ending::Succeeded), expected(Resolution::Capture), "{stage:?} {held}");
            assert_eq!(said(Ending::Failed), expected(Resolution::Release), "{stage:?} {held}");
        }
    }
}
