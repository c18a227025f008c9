//! Deposits: credited once, whatever is said and however often; never without a success.

use croupier::orders::Status;
use croupier::simulate::platforms::{Answering, End, Note};

use super::bench::{AMOUNT, Bench, every};

#[tokio::test]
async fn a_deposit_is_credited_once_however_often_it_is_told() {
    every(|bench: Bench| async move {
        bench.player("alice", 0).await;
        let deposit = bench.deposit("alice", "k").await;
        assert_eq!(bench.app.balance("alice").await, (0, 0), "an order is no money");
        let again = bench.ask_deposit("alice", "k").await;
        assert_eq!((again.id(), bench.platform().orders().len()), (deposit.id.clone(), 1), "a repetition is no order");

        bench.end(&deposit, End::Paid).await;

        let paid = (Status::Credited, (AMOUNT, 0));
        assert_eq!(bench.deposit_stands(&deposit).await, paid);
        bench.say(&deposit, Note::PLAIN).await;
        bench.say_together(&deposit).await;
        assert_eq!(bench.deposit_stands(&deposit).await, paid);
        assert_eq!(bench.reviews_of(&deposit).await, Vec::<String>::new(), "a repetition is nobody's business");
    })
    .await;
}

#[tokio::test]
async fn five_first_notifications_at_once_credit_once() {
    every(|bench: Bench| async move {
        bench.player("alice", 0).await;
        let deposit = bench.deposit("alice", "k").await;
        bench.platform().set(&deposit.id, End::Paid);

        bench.say_together(&deposit).await;

        bench.say(&deposit, Note::PLAIN).await;
        assert_eq!(bench.deposit_stands(&deposit).await, (Status::Credited, (AMOUNT, 0)));
    })
    .await;
}

#[tokio::test]
async fn a_deposit_that_is_not_paid_is_no_money_until_it_is_paid_after_all() {
    every(|bench: Bench| async move {
        bench.player("alice", 0).await;
        let mut credited = 0;
        for end in [End::Pending, End::Declined, End::Cancelled, End::Expired] {
            let deposit = bench.deposit("alice", &format!("{end:?}")).await;

            bench.end(&deposit, end).await;

            let (status, balance) = bench.deposit_stands(&deposit).await;
            let ended = matches!(status, Status::Failed | Status::Cancelled);
            assert_eq!(balance, (credited, 0), "{end:?}");
            assert!(!matches!(status, Status::Credited | Status::ProviderConfirmed), "{end:?}: {status:?}");
            assert!(!ended || end != End::Pending, "nothing has ended");
            assert!(ended || end != bench.platform().unpaid(), "{end:?}: {status:?}");

            bench.end(&deposit, End::Paid).await;

            credited += AMOUNT;
            assert_eq!(bench.deposit_stands(&deposit).await, (Status::Credited, (credited, 0)), "{end:?}, then paid");
        }
    })
    .await;
}

#[tokio::test]
async fn a_decline_after_the_credit_takes_nothing_back() {
    every(|bench: Bench| async move {
        bench.player("alice", 0).await;
        for end in [End::Declined, End::Cancelled, End::Expired] {
            let before = bench.app.balance("alice").await.0;
            let deposit = bench.deposit("alice", &format!("{end:?}")).await;
            bench.end(&deposit, End::Paid).await;

            bench.end(&deposit, end).await;

            assert_eq!(bench.deposit_stands(&deposit).await, (Status::Credited, (before + AMOUNT, 0)), "{end:?}");
            let reviews = bench.reviews_of(&deposit).await;
            // What ends no deposit contradicts nothing.
            let contradicts = bench.platform().unpaid() == End::Declined || bench.platform().unpaid() == end;
            assert!(reviews == ["decline_after_credit"] || reviews.is_empty() && !contradicts, "{end:?}: {reviews:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_opening_that_fails_credits_nothing_and_a_payment_that_comes_all_the_same_counts_once() {
    every(|bench: Bench| async move {
        bench.player("alice", 0).await;
        bench.platform().answer_with(Answering::Refuse);
        let refused = bench.ask_deposit("alice", "refused").await;
        assert_eq!(refused.refusal(), (502, "PROVIDER_ERROR"), "{refused:?}");
        assert_eq!(bench.platform().orders().len(), 0);
        for answering in [Answering::Hangup, Answering::Status(502), Answering::Html] {
            let before = bench.app.balance("alice").await.0;
            let known = bench.platform().orders().len();
            bench.platform().answer_with(answering.clone());

            let lost = bench.ask_deposit("alice", &format!("{answering:?}")).await;

            assert!(matches!(lost.status, 200 | 502), "{answering:?}: {lost:?}");
            assert!(lost.json["redirect_url"].is_null(), "{answering:?}: there is nowhere to go");
            let taken = bench.platform().orders()[known].clone();
            bench.platform().set(&taken.id, End::Paid);
            let answer = bench.platform().notify(&taken.id, Note::PLAIN).await.expect("an answer");
            assert!(bench.platform().is_acknowledged(&answer), "{answering:?}: {answer:?}");
            assert_eq!(bench.app.balance("alice").await, (before + AMOUNT, 0), "{answering:?}");
        }
    })
    .await;
}
