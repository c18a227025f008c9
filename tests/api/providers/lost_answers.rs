//! Answers that are lost: the payout may have been taken, so its money stays held and it is not sent again (threats OUT-3 to OUT-7).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::providers::Direction;
use croupier::simulate::platforms::host::{Host, Incoming, Reply};
use croupier::simulate::platforms::{Answering, End, Telling};
use futures_util::future::BoxFuture;
use serde_json::json;

use super::bench::{AMOUNT, Bench, MONEY, every};

#[tokio::test]
async fn a_payout_whose_answer_is_lost_stays_held_is_sent_once_and_ends_by_what_is_said_of_it() {
    every(|bench: Bench| async move {
        bench.player("alice", MONEY).await;
        let lost = [
            Answering::Hangup,
            Answering::Reset,
            Answering::Status(200),
            Answering::Status(429),
            Answering::Status(500),
            Answering::Status(502),
            Answering::Html,
            Answering::BrokenJson,
            Answering::Slow(Duration::from_secs(30)),
            Answering::Endless,
        ];
        let mut left = MONEY;
        for (nth, answering) in lost.into_iter().enumerate() {
            bench.platform().answer_with(answering.clone());
            let payout = bench.approved("alice", &nth.to_string()).await;

            bench.send().await;

            let (_, stage, balance) = bench.payout_stands(&payout).await;
            // Where a repetition pays once, the driver may ask until it knows.
            let knows = bench.platform().pays_once() && stage == Stage::Sent;
            assert!(stage == Stage::Unknown || knows, "{answering:?}: {stage:?} {:?}", bench.attempts(&payout).await);
            assert_eq!(balance, (left - AMOUNT, AMOUNT), "{answering:?}");
            bench.platform().answer_with(Answering::Accept);
            bench.send().await;
            let times = bench.times_asked(&payout);
            assert!(times == 1 || bench.platform().pays_once() && times > 0, "{answering:?}: asked {times} times");

            let pays = nth % 2 == 0;
            bench.end(&payout, if pays { End::Paid } else { End::Declined }).await;

            left -= if pays { AMOUNT } else { 0 };
            let status = if pays { Status::Credited } else { Status::Failed };
            let (found, stage, balance) = bench.payout_stands(&payout).await;
            assert_eq!((stage, balance), (Stage::Done, (left, 0)), "{answering:?}");
            assert!(found == status || found == Status::Cancelled, "{answering:?}: {found:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_made_good_by_asking_where_the_provider_can_be_asked() {
    every(|bench: Bench| async move {
        bench.player("alice", MONEY).await;
        bench.platform().answer_with(Answering::Hangup);
        let payout = bench.approved("alice", "k").await;
        bench.send().await;
        bench.platform().set(&payout.id, End::Paid);

        let told = bench.inquire(&payout, Direction::Payout).await;

        let (status, stage, balance) = bench.payout_stands(&payout).await;
        if told.is_some() && stage == Stage::Done {
            assert_eq!((status, balance), (Status::Credited, (MONEY - AMOUNT, 0)), "{told:?}");
        } else {
            assert_eq!(balance, (MONEY - AMOUNT, AMOUNT), "{told:?}");
        }
        bench.end(&payout, End::Paid).await;
        assert_eq!(bench.payout_stands(&payout).await, (Status::Credited, Stage::Done, (MONEY - AMOUNT, 0)));
    })
    .await;
}

#[tokio::test]
async fn not_found_is_no_proof_that_nothing_was_taken() {
    every(|bench: Bench| async move {
        bench.player("alice", MONEY).await;
        for (nth, answering) in [Answering::Vanish, Answering::Hangup].into_iter().enumerate() {
            let before = bench.app.balance("alice").await;
            bench.platform().answer_with(answering.clone());
            bench.platform().tell_with(Telling::NotFound);
            let payout = bench.approved("alice", &nth.to_string()).await;
            bench.send().await;

            bench.inquire(&payout, Direction::Payout).await;

            let (_, stage, balance) = bench.payout_stands(&payout).await;
            assert_eq!(stage, Stage::Unknown, "{answering:?}: {:?}", bench.attempts(&payout).await);
            assert_eq!(balance, (before.0 - AMOUNT, before.1 + AMOUNT), "{answering:?}");
            bench.platform().answer_with(Answering::Accept);
            bench.send().await;
            assert!(bench.times_asked(&payout) <= 1 || bench.platform().pays_once(), "{answering:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    every(|bench: Bench| async move {
        let followed = Arc::new(AtomicUsize::new(0));
        let count = followed.clone();
        let handler = move |_: Incoming| -> BoxFuture<'static, Reply> {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Reply::ok(json!({})) })
        };
        let elsewhere = Host::start(([127, 0, 0, 1], 0).into(), Arc::new(handler)).await.expect("a free port");
        bench.player("alice", MONEY).await;
        bench.platform().answer_with(Answering::Redirect(format!("http://{}/", elsewhere.address())));
        let payout = bench.approved("alice", "k").await;

        bench.send().await;
        let deposit = bench.ask_deposit("alice", "d").await;

        assert_eq!(bench.payout_stands(&payout).await.1, Stage::Unknown, "{:?}", bench.attempts(&payout).await);
        assert_eq!(bench.app.balance("alice").await, (MONEY - AMOUNT, AMOUNT), "{deposit:?}");
        assert_eq!(followed.load(Ordering::Relaxed), 0);
    })
    .await;
}
