//! Who may tell us anything: a message without the provider's own proof is refused, and nothing of it is kept (threats R1, SIG-1).

use croupier::simulate::platforms::{End, Note, Twist};

use super::bench::{Bench, MONEY, every, providers, twisted};

const FORGED: [Twist; 3] = [Twist::WrongSignature, Twist::NoSignature, Twist::ForeignSignature];

/// Not taken by anybody.
fn is_refusal(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 404)
}

#[tokio::test]
async fn a_wrong_a_missing_and_a_foreign_signature_are_refused_and_leave_nothing() {
    every(|bench: Bench| async move {
        bench.player("alice", MONEY).await;
        let (deposit, payout) = (bench.deposit("alice", "d").await, bench.sent("alice", "p").await);
        let before = (bench.app.rows().await, bench.app.balance("alice").await);

        for order in [&deposit, &payout] {
            for (twist, says) in FORGED.iter().flat_map(|twist| [(*twist, End::Paid), (*twist, End::Declined)]) {
                let answer = bench.note(order, twisted(says, twist)).await;

                assert!(matches!(answer.status, 401 | 403 | 404), "{twist:?} {says:?}: {answer:?}");
                assert!(!bench.platform().is_acknowledged(&answer), "{twist:?} {says:?}: {answer:?}");
            }
        }

        assert_eq!((bench.app.rows().await, bench.app.balance("alice").await), before);
    })
    .await;
}

#[tokio::test]
async fn a_message_at_another_provider_s_address_moves_nothing() {
    let all = providers();
    for at in 0..all.len() {
        let mut names = all.clone();
        names.swap(0, at);
        let bench = Bench::with(&names).await;
        bench.player("alice", MONEY).await;
        let (deposit, payout) = (bench.deposit("alice", "d").await, bench.sent("alice", "p").await);
        let before = (bench.app.rows().await, bench.app.balance("alice").await);
        for order in [&deposit, &payout] {
            bench.platform().set(&order.id, End::Paid);
            let message = bench.caught(bench.platform(), order, Note::PLAIN).await;
            let own = format!("/cashier/webhook/{}", names[0]);
            let tail = message.path.strip_prefix(&own).expect("its own address").to_owned();
            for other in &names[1..] {
                for path in [format!("/cashier/webhook/{other}"), format!("/cashier/webhook/{other}{tail}")] {
                    let status = bench.forward(&message, &path).await;
                    assert!(is_refusal(status), "{} at {path}: HTTP {status}", names[0]);
                }
            }
            let status = bench.forward(&message, "/cashier/webhook/nobody").await;
            assert_eq!(status, 404);
        }

        assert_eq!((bench.app.rows().await, bench.app.balance("alice").await), before, "{}", names[0]);
    }
}

#[tokio::test]
async fn every_address_of_notifications_in_the_route_table_refuses_what_is_not_signed_for_it() {
    let document = serde_json::to_value(croupier::api::document()).expect("JSON");
    let routes: Vec<&String> = document["paths"].as_object().expect("paths").keys().collect();
    let routes: Vec<&String> = routes.into_iter().filter(|path| path.starts_with("/cashier/webhook")).collect();
    assert!(routes.len() >= 3, "{routes:?}");
    let names = providers();
    let bench = Bench::with(&names).await;
    bench.player("alice", MONEY).await;

    for (nth, name) in names.iter().enumerate() {
        let first = bench.trying(nth);
        let (deposit, payout) = (first.deposit("alice", &format!("{name} d")).await, first.sent("alice", name).await);
        let before = (bench.app.rows().await, bench.app.balance("alice").await);
        for (order, twist) in [&deposit, &payout].into_iter().flat_map(|order| FORGED.map(|twist| (order, twist))) {
            let message = first.caught(first.platform(), order, twisted(End::Paid, twist)).await;
            let own = format!("/cashier/webhook/{name}");
            let tail = message.path.strip_prefix(&own).expect("its own address").trim_start_matches('/');
            let tail = if tail.is_empty() { "a/b" } else { tail };
            for route in &routes {
                for provider in names.iter().filter(|one| route.contains('{') || route.ends_with(**one)) {
                    let path = route.replace("{provider}", provider).replace("{tail}", tail);
                    let status = first.forward(&message, &path).await;
                    assert!(is_refusal(status), "{twist:?} of {name} at {path}: HTTP {status}");
                }
            }
        }
        assert_eq!((bench.app.rows().await, bench.app.balance("alice").await), before, "{name}");
    }
}
