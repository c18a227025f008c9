//! An instance that is killed leaves the others working, and what it was about to a person (issue 4, point 2; threats OUT-3).

use std::time::Duration;

use croupier::simulate::server::Behaviour;

use crate::durability::{Cashier, eventually, reviews, stage};
use crate::process::{Service, notification, play, question};
use crate::raw;
use crate::support::database::on_a_server;

const LOGIN: &str = "anna";

#[test]
fn a_killed_instance_leaves_the_others_working_and_settles_its_own_payout_when_it_is_back() {
    if !on_a_server() {
        return;
    }
    let cashier = Cashier::start(Behaviour::Slow(Duration::from_secs(60)));
    let mut killed = Service::started(cashier.setup());
    killed.player(LOGIN, 100_000);
    let under_way = killed.payout(LOGIN, 1_000, 1);
    cashier.wait_for(&under_way);
    let mut other = killed.beside();
    other.start();
    assert_eq!(stage(&other, &under_way), "sending", "it is not the other one's");

    assert!(killed.kill());
    cashier.server.answer_with(|_| Behaviour::Accept);
    let second = other.payout(LOGIN, 2_000, 2);
    eventually("the others' payouts go out", || stage(&other, &second) == "sent");
    let again = other.ask(&question("request_payout", LOGIN, 1_000, 1));
    assert_eq!((again.code(), again.json()["external_id"].as_str()), (Some(50), Some(under_way.as_str())));
    let bet = raw::once(other.private(), &play(LOGIN, "bet", 500, "bet-1")).expect("an answer");
    assert_eq!(bet.status, 201, "{}", bet.shown());
    assert_eq!(stage(&other, &under_way), "sending");
    killed.start();
    eventually("it is unknown", || stage(&other, &under_way) == "unknown");

    assert_eq!((reviews(&other, &under_way), cashier.server.doubles()), (1, vec![]));
    let paid = other.ask(&notification(&under_way, LOGIN, 1_000, (11, 4), 1));
    assert_eq!(paid.code(), Some(0), "{}", paid.shown());
    for instance in [&killed, &other] {
        assert_eq!(instance.balance(LOGIN), (96_500, 2_000));
        assert_eq!(instance.verify()["ok"], true);
    }
}

#[test]
fn a_kill_in_the_middle_of_writes_holds_nobody_up_and_loses_nothing_that_was_answered() {
    if !on_a_server() {
        return;
    }
    let cashier = Cashier::start(Behaviour::Accept);
    let mut killed = Service::started(cashier.setup());
    killed.player(LOGIN, 0);
    let mut other = killed.beside();
    other.start();

    let mut won = 0;
    for round in 0..5 {
        let answered = std::thread::scope(|scope| {
            let (doomed, healthy) = (killed.private(), other.private());
            let win = |address, name: &str, nth| {
                raw::once(address, &play(LOGIN, "win", 10, &format!("{name}-{round}-{nth}")))
            };
            // As many as are answered before the end.
            let first = scope.spawn(move || {
                (0..).map_while(|nth| win(doomed, "doomed", nth).ok()).filter(|told| told.status == 201).count()
            });
            let second = scope.spawn(move || {
                (0..40).filter(|nth| win(healthy, "healthy", *nth).expect("an answer").status == 201).count()
            });
            let second = second.join().expect("no panic");
            assert!(killed.kill());
            (first.join().expect("no panic"), second)
        });
        assert_eq!(answered.1, 40, "the other instance is not held up");
        won += i64::try_from(answered.0 + answered.1).expect("few") * 10;
        let (available, held) = other.balance(LOGIN);
        // The last one may have been booked without its answer.
        assert!(held == 0 && (won..=won + 10).contains(&available), "{available} of {won}");
        won = available;
        killed.start();
    }
    assert_eq!(other.verify()["ok"], true);
}
