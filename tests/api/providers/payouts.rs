//! Payouts: held, approved, sent once; captured by a success, released by a certain end, and by nothing else.

use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::providers::Direction;
use croupier::simulate::platforms::{Answering, End, Note, Telling};

use super::bench::{AMOUNT, Bench, MONEY, every};

const HELD: (i64, i64) = (MONEY - AMOUNT, AMOUNT);
const GONE: (i64, i64) = (MONEY - AMOUNT, 0);
const BACK: (i64, i64) = (MONEY, 0);

#[tokio::test]
async fn a_payout_is_held_approved_sent_once_and_captured_by_its_success() {
    every(|bench: Bench| async move {
        bench.player("alice", MONEY).await;
        let waiting = bench.ask_withdrawal("alice", "k").await;
        bench.send().await;
        assert_eq!((bench.platform().orders().len(), bench.app.balance("alice").await), (0, HELD), "{waiting:?}");

        let payout = bench.sent("alice", "k").await;
        assert_eq!(payout.id, waiting.id(), "a repetition is no order");
        assert_eq!(bench.app.balance("alice").await, HELD);
        bench.end(&payout, End::Paid).await;

        let paid = (Status::Credited, Stage::Done, GONE);
        assert_eq!(bench.payout_stands(&payout).await, paid);
        bench.say_together(&payout).await;
        bench.send().await;
        assert_eq!(bench.payout_stands(&payout).await, paid);
        assert_eq!((bench.times_asked(&payout), bench.reviews_of(&payout).await), (1, Vec::new()));
    })
    .await;
}

#[tokio::test]
async fn the_end_without_payment_gives_the_held_money_back_once() {
    every(|bench: Bench| async move {
        bench.player("alice", MONEY).await;
        for end in [End::Declined, End::Cancelled, End::Expired] {
            let payout = bench.sent("alice", &format!("{end:?}")).await;
            bench.say(&payout, Note { says: Some(End::Pending), ..Note::PLAIN }).await;
            assert_eq!(bench.app.balance("alice").await, HELD, "{end:?}: nothing has ended");

            bench.end(&payout, end).await;

            let (status, stage, balance) = bench.payout_stands(&payout).await;
            if (status, stage) == (Status::ManualReview, Stage::Unknown) {
                // What the provider's documents leave open is a person's to decide; the money stays held.
                assert_ne!(end, End::Declined, "a decline is certain");
                assert_eq!(balance, HELD, "{end:?}");
                bench.end(&payout, End::Declined).await;
            }
            let (status, stage, balance) = bench.payout_stands(&payout).await;
            assert!(matches!(status, Status::Failed | Status::Cancelled), "{end:?}: {status:?}");
            assert_eq!((stage, balance), (Stage::Done, BACK), "{end:?}");
            bench.say_together(&payout).await;
            assert_eq!(bench.payout_stands(&payout).await, (status, stage, balance), "{end:?}, told again");
        }
    })
    .await;
}

#[tokio::test]
async fn a_contradiction_after_the_end_moves_nothing_and_is_shown_to_a_person() {
    every(|bench: Bench| async move {
        bench.player("alice", MONEY).await;
        let paid = bench.sent("alice", "paid").await;
        bench.end(&paid, End::Paid).await;
        let before = bench.payout_stands(&paid).await;
        bench.end(&paid, End::Declined).await;
        assert_eq!(bench.payout_stands(&paid).await, before);
        assert_eq!(bench.reviews_of(&paid).await, ["decline_after_success"]);

        let declined = bench.sent("alice", "declined").await;
        bench.end(&declined, End::Declined).await;
        let before = bench.payout_stands(&declined).await;
        bench.end(&declined, End::Paid).await;
        assert_eq!(bench.payout_stands(&declined).await, before);
        assert_eq!(bench.reviews_of(&declined).await, ["success_after_end"]);
    })
    .await;
}

#[tokio::test]
async fn a_definite_refusal_gives_the_money_back() {
    every(|bench: Bench| async move {
        bench.player("alice", MONEY).await;
        bench.platform().answer_with(Answering::Refuse);
        let payout = bench.approved("alice", "k").await;

        bench.send().await;

        assert_eq!(
            bench.payout_stands(&payout).await,
            (Status::Failed, Stage::Done, BACK),
            "{:?}",
            bench.attempts(&payout).await
        );
        assert_eq!(bench.platform().orders().len(), 0);
        bench.platform().answer_with(Answering::Accept);
        bench.send().await;
        assert_eq!(bench.platform().orders().len(), 0, "it is not sent again");
    })
    .await;
}

#[tokio::test]
async fn what_a_provider_says_when_it_is_asked_ends_the_order_where_it_can_be_asked() {
    every(|bench: Bench| async move {
        bench.player("alice", MONEY).await;
        let provider = bench.app.state.settings.providers.get(bench.platform().name()).expect("the provider");
        let tells = provider.manners(croupier::ids::SiteId(crate::support::app::SITE)).tells_status;
        for (end, balance) in [(End::Paid, GONE), (End::Declined, GONE)] {
            let payout = bench.sent("alice", &format!("{end:?}")).await;
            let before = bench.payout_stands(&payout).await;
            for telling in [Telling::NotFound, Telling::Unavailable, Telling::Hangup] {
                bench.platform().tell_with(telling);
                bench.inquire(&payout, Direction::Payout).await;
                assert_eq!(bench.payout_stands(&payout).await, before, "{telling:?} proves nothing");
            }
            bench.platform().tell_with(Telling::Truth);
            bench.platform().set(&payout.id, end);

            if tells {
                bench.inquire_in_turn(&payout, Direction::Payout).await;
            } else {
                assert_eq!(bench.inquire(&payout, Direction::Payout).await, None);
                bench.say(&payout, Note::PLAIN).await;
            }

            assert_eq!(bench.payout_stands(&payout).await.2, balance, "{end:?}");
            assert!(bench.platform().asked_about(&payout.id) > 0 || !tells, "{end:?}");
            bench.say(&payout, Note::PLAIN).await;
            assert_eq!(bench.payout_stands(&payout).await.2, balance, "{end:?}, and its notification");
        }
        // Last, because who is asked too often is left alone for a while.
        let payout = bench.sent("alice", "too many").await;
        let before = bench.payout_stands(&payout).await;
        bench.platform().tell_with(Telling::TooMany);
        bench.platform().set(&payout.id, End::Paid);
        bench.inquire(&payout, Direction::Payout).await;
        assert_eq!(bench.payout_stands(&payout).await, before);
    })
    .await;
}
