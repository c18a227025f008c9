//! Notifications that do not agree with their order: kept for a person, and no money moves (threats R7, LIF-1, LIF-9).

use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::simulate::platforms::{End, Twist};

use super::bench::{AMOUNT, Bench, MONEY, every, twisted};

/// What is rightly signed and does not agree.
const TWISTS: [Twist; 5] =
    [Twist::OtherAmount, Twist::OtherCurrency, Twist::OtherPlayer, Twist::OtherDirection, Twist::UnknownOrder];

/// Providers whose notifications name no player, so that there is nothing to twist.
const NAMELESS: [&str; 1] = ["exotic"];

impl Bench {
    fn twists(&self) -> impl Iterator<Item = Twist> {
        let nameless = NAMELESS.contains(&self.platform().name());
        TWISTS.into_iter().filter(move |twist| !(nameless && *twist == Twist::OtherPlayer))
    }
}

#[tokio::test]
async fn a_success_that_does_not_agree_with_its_deposit_credits_nothing() {
    every(|bench: Bench| async move {
        bench.player("alice", 0).await;
        for twist in bench.twists() {
            let before = (bench.app.balance("alice").await, bench.app.reviews().await.len());
            let deposit = bench.deposit("alice", &format!("{twist:?}")).await;

            bench.say(&deposit, twisted(End::Paid, twist)).await;

            let (status, balance) = bench.deposit_stands(&deposit).await;
            assert_eq!(balance, before.0, "{twist:?}");
            assert!(matches!(status, Status::Created | Status::PendingPayment), "{twist:?}: {status:?}");
            let parked = bench.app.reviews().await.len() > before.1;
            assert!(parked || bench.asks_first(), "{twist:?}: nobody is shown it");
            bench.end(&deposit, End::Paid).await;
            assert_eq!(bench.deposit_stands(&deposit).await, (Status::Credited, (before.0.0 + AMOUNT, 0)), "{twist:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_success_that_does_not_agree_with_its_payout_captures_nothing() {
    every(|bench: Bench| async move {
        bench.player("alice", MONEY).await;
        for twist in bench.twists() {
            let (before, _) = bench.app.balance("alice").await;
            let reviews = bench.app.reviews().await.len();
            let payout = bench.sent("alice", &format!("{twist:?}")).await;

            bench.say(&payout, twisted(End::Paid, twist)).await;

            let (status, stage, balance) = bench.payout_stands(&payout).await;
            assert_eq!((status, stage), (Status::PendingPayment, Stage::Sent), "{twist:?}");
            assert_eq!(balance, (before - AMOUNT, AMOUNT), "{twist:?}");
            let parked = bench.app.reviews().await.len() > reviews;
            assert!(parked || bench.asks_first(), "{twist:?}: nobody is shown it");
            bench.end(&payout, End::Paid).await;
            let paid = (Status::Credited, Stage::Done, (before - AMOUNT, 0));
            assert_eq!(bench.payout_stands(&payout).await, paid, "{twist:?}");
        }
    })
    .await;
}
