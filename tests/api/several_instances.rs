//! Several instances on one database: any of them takes any request, and together they are as one (issue 4, point 2).
//!
//! Each test is about a race that an instance cannot see from inside; so each asks all instances at the same moment.

use std::collections::HashSet;

use croupier::payouts::Stage;
use croupier::simulate::caller::Answer;
use croupier::simulate::messages::{DECLINED, Order, PAYOUT, PURCHASE, SUCCESS};
use croupier::staff::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{PATIENCE, set};
use crate::support::database::on_a_server;
use crate::support::wire::{self, Reply, check_deposit, notification, order, request_payout};

/// Three instances on one database; payouts of all of them go to the Cashier of the first.
struct Instances(Vec<TestApp>);

impl Instances {
    async fn start(change: impl FnOnce(String) -> String) -> Self {
        let first = TestApp::with(change).await;
        let (second, third) = (first.beside().await, first.beside().await);
        Self(vec![first, second, third])
    }

    fn first(&self) -> &TestApp {
        &self.0[0]
    }

    /// The instance whose turn it is.
    fn nth(&self, nth: usize) -> &TestApp {
        &self.0[nth % self.0.len()]
    }

    /// Asks every instance the same, `times` times each, all at once.
    async fn ask_all(&self, question: &croupier::simulate::Params, times: usize) -> Vec<Answer> {
        join_all((0..times * self.0.len()).map(|nth| self.nth(nth).ask(question))).await
    }

    /// Every instance sees the same balance.
    async fn balance(&self, login: &str) -> (i64, i64) {
        let seen = join_all(self.0.iter().map(|app| app.balance(login))).await;
        assert!(seen.iter().all(|one| *one == seen[0]), "{login}: {seen:?}");
        seen[0]
    }
}

fn as_is(settings: String) -> String {
    settings
}

fn manual(settings: String) -> String {
    set(&settings, "sites.demo.payouts", "approval", r#""manual""#)
}

fn accepted(answers: &[Answer], code: i64) -> usize {
    answers.iter().filter(|answer| (answer.status, answer.code()) == (200, Some(code))).count()
}

#[tokio::test]
async fn one_question_asked_of_all_at_once_is_one_order_with_one_answer() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(manual).await;
    all.first().player_with("alice", 100_000).await;

    for round in 0..15 {
        let order = order("alice", 100, "USD");
        let (question, code) = if round % 2 == 0 { (request_payout(&order), 50) } else { (check_deposit(&order), 0) };
        let answers = all.ask_all(&question, 2).await;
        assert_eq!(
            accepted(&answers, code),
            answers.len(),
            "{:?}",
            answers.iter().map(Answer::summary).collect::<Vec<_>>()
        );
        assert!(answers.iter().all(|answer| answer.body == answers[0].body), "one answer for all");
    }

    assert_eq!((all.first().count("payouts").await, all.first().count("deposits").await), (8, 7));
    assert_eq!(all.balance("alice").await, (100_000 - 800, 800));
}

#[tokio::test]
async fn one_transaction_id_with_different_amounts_is_accepted_once_and_refused_for_the_others() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(manual).await;
    all.first().player_with("alice", 100_000).await;

    for _ in 0..10 {
        let first = order("alice", 100, "USD");
        let asked: Vec<Order> = (0..6).map(|nth| Order { amount: 100 + nth, ..first.clone() }).collect();
        let asked = asked.iter().enumerate().map(|(nth, order)| {
            let (app, question) = (all.nth(nth), request_payout(order));
            async move { app.ask(&question).await }
        });
        let answers = join_all(asked).await;
        assert_eq!(accepted(&answers, 50), 1);
        for refused in answers.iter().filter(|answer| answer.code() != Some(50)) {
            assert_eq!(
                (refused.code(), refused.description()),
                (Some(500), "transaction_id was used with other parameters")
            );
        }
    }
    assert_eq!(all.first().count("payouts").await, 10);
}

#[tokio::test]
async fn parallel_payouts_of_one_player_never_pass_the_balance_and_as_many_are_held_as_fit() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(manual).await;

    for (login, money, fit) in [("alice", 1_000, 10), ("bob", 99, 0), ("carol", 350, 3)] {
        all.first().player_with(login, money).await;
        let asked = (0..24).map(|nth| {
            let question = request_payout(&order(login, 100, "USD"));
            let app = all.nth(nth);
            async move { app.ask(&question).await }
        });
        let answers = join_all(asked).await;
        assert_eq!((accepted(&answers, 50), accepted(&answers, 402)), (fit, 24 - fit), "{login}");
        let held = 100 * i64::try_from(fit).expect("few");
        assert_eq!(all.balance(login).await, (money - held, held));
    }
}

#[tokio::test]
async fn bets_and_payouts_compete_for_the_same_money_and_nobody_gets_what_is_not_there() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(manual).await;
    all.first().player_with("alice", 1_000).await;

    let payouts = (0..12).map(|nth| {
        let question = request_payout(&order("alice", 90, "USD"));
        let app = all.nth(nth);
        async move { app.ask(&question).await.code() }
    });
    let bets = (0..12).map(|nth| {
        let app = all.nth(nth + 1);
        async move { app.wallet().play("alice", "bet", 70, &format!("round {nth}")).await.status }
    });
    let (payouts, bets) = tokio::join!(join_all(payouts), join_all(bets));

    let held = payouts.iter().filter(|code| **code == Some(50)).count();
    let bet = bets.iter().filter(|status| **status == 201).count();
    assert!(
        payouts.iter().all(|code| matches!(code, Some(50 | 402)))
            && bets.iter().all(|status| matches!(status, 201 | 402))
    );
    let (held, bet) = (90 * i64::try_from(held).expect("few"), 70 * i64::try_from(bet).expect("few"));
    assert_eq!(all.balance("alice").await, (1_000 - held - bet, held));
    assert!(1_000 - held - bet < 90, "what fits is not refused");
}

#[tokio::test]
async fn the_limit_of_a_day_holds_across_instances() {
    if !on_a_server() {
        return;
    }
    let limited = |text: String| set(&manual(text), "sites.demo.limits.USD", "payout_daily_max", "500");
    let all = Instances::start(limited).await;
    all.first().player_with("alice", 10_000).await;

    let asked = (0..18).map(|nth| {
        let question = request_payout(&order("alice", 100, "USD"));
        let app = all.nth(nth);
        async move { app.ask(&question).await }
    });
    let answers = join_all(asked).await;

    assert_eq!((accepted(&answers, 50), accepted(&answers, 500)), (5, 13));
    assert_eq!(all.balance("alice").await, (9_500, 500));
}

#[tokio::test]
async fn one_notification_to_all_is_one_posting_and_every_one_is_acknowledged() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(as_is).await;
    all.first().player_with("alice", 10_000).await;

    for round in 0..8 {
        let deposit = all.nth(round).deposit("alice", 100).await;
        let payout = all.nth(round + 1).sent_payout("alice", 50).await;
        let (type_id, asked) = if round % 2 == 0 { (PURCHASE, &deposit) } else { (PAYOUT, &payout) };
        let paid = notification(&asked.id, &asked.order, type_id, SUCCESS);
        let answers = join_all((0..9).map(|nth| all.nth(nth).notify(&paid))).await;
        assert!(
            answers.iter().all(Answer::acknowledges),
            "{:?}",
            answers.iter().map(Answer::summary).collect::<Vec<_>>()
        );
    }

    // Four deposits of 100 came; of eight payouts of 50 four are paid and four still held.
    assert_eq!(all.balance("alice").await, (10_000 + 400 - 400, 200));
    assert_eq!(all.first().count("webhooks").await, 8);
}

#[tokio::test]
async fn of_paid_and_declined_at_the_same_time_one_is_booked_and_the_other_goes_to_a_person() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(as_is).await;
    all.first().player_with("alice", 1_000).await;

    for _ in 0..6 {
        let payout = all.first().sent_payout("alice", 50).await;
        all.first().outcome(&payout).await;
        let said = [SUCCESS, DECLINED, SUCCESS].map(|status| notification(&payout.id, &payout.order, PAYOUT, status));
        let answers = join_all(said.iter().enumerate().map(|(nth, said)| all.nth(nth).notify(said))).await;
        assert!(answers.iter().all(Answer::acknowledges));
    }

    let (available, held) = all.balance("alice").await;
    assert_eq!(held, 0);
    assert!((700..=1_000).contains(&available) && available % 50 == 0, "{available}");
}

#[tokio::test]
async fn every_payout_goes_out_once_whichever_instance_claims_it() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(as_is).await;
    let players = ["alice", "bob", "carol", "dave"];
    for login in players {
        all.first().player_with(login, 10_000).await;
    }

    let asked = (0..40).map(|nth| all.nth(nth).payout(players[nth % 4], 100));
    let payouts = join_all(asked).await;
    // Every worker looks for what is due, again and again, at the same time.
    let look = |app: &TestApp| app.state.outbox.notify_one();
    all.0.iter().for_each(look);
    for payout in &payouts {
        all.first().comes_to(payout, Stage::Sent).await;
    }

    let cashier = &all.first().cashier;
    assert_eq!((cashier.all().len(), cashier.doubles()), (40, vec![]));
    let owners: i64 = all.first().count("(SELECT DISTINCT owner FROM payout_attempts) AS owners").await;
    assert!((1..=3).contains(&owners), "{owners}");
    for login in players {
        assert_eq!(all.balance(login).await, (9_000, 1_000));
    }
}

#[tokio::test]
async fn an_idempotency_key_used_everywhere_at_once_has_one_effect_and_one_answer() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(as_is).await;
    all.first().player_with("alice", 1_000).await;

    for round in 0..10 {
        let replies = join_all((0..9).map(|nth| {
            let wallet = all.nth(nth).wallet();
            async move { wallet.play("alice", "win", 10, &format!("round {round}")).await }
        }));
        let replies = replies.await;
        let new: Vec<&Reply> = replies.iter().filter(|reply| (reply.status, reply.replayed) == (201, false)).collect();
        assert_eq!(new.len(), 1, "{replies:?}");
        let known = replies.iter().filter(|reply| (reply.status, reply.replayed) == (200, true));
        assert_eq!(known.filter(|reply| reply.json == new[0].json).count(), 8, "{replies:?}");
    }
    assert_eq!(all.balance("alice").await, (1_100, 0));
}

#[tokio::test]
async fn an_idempotency_key_with_different_bodies_belongs_to_one_of_them() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(as_is).await;
    all.first().player_with("alice", 1_000).await;
    all.first().player_with("bob", 1_000).await;

    for round in 0..10 {
        let replies = join_all((0..6).map(|nth| {
            let (wallet, login) = (all.nth(nth).wallet(), if nth % 2 == 0 { "alice" } else { "bob" });
            let body = json!({"kind": "win", "amount": 1 + nth, "currency": "USD", "reference": "r"});
            async move { wallet.post(login, &format!("key-{round}"), body).await }
        }));
        let mut statuses: Vec<u16> = replies.await.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    }
    assert_eq!(all.first().count("wallet_transactions").await, 2 + 10);
}

#[tokio::test]
async fn a_bet_and_its_rollback_at_the_same_time_leave_no_trace_in_the_balance() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(as_is).await;
    all.first().player_with("alice", 1_000).await;

    for round in 0..12 {
        let reference = format!("round {round}");
        let (bettor, undoer) = (all.nth(round).wallet(), all.nth(round + 1).wallet());
        let (bet, undone) =
            tokio::join!(bettor.play("alice", "bet", 30, &reference), undoer.rollback("alice", &reference));
        assert_eq!((bet.status, undone.status), (201, 200), "{bet:?} {undone:?}");
        assert!(undone.json["applied"] == true || bet.json["rolled_back"] == true, "{bet:?} {undone:?}");
        assert_eq!(all.balance("alice").await, (1_000, 0), "{reference}");
    }
}

#[tokio::test]
async fn a_player_whom_all_meet_at_once_is_one_player() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(|text| set(&text, "sites.demo", "unknown_players", r#""create""#)).await;

    for round in 0..6 {
        let login = format!("new-{round}");
        let asked = join_all((0..6).map(|nth| {
            let (app, question) = (all.nth(nth), check_deposit(&order(&login, 100, "USD")));
            async move { app.ask(&question).await.code() }
        }));
        let put = join_all((0..3).map(|nth| {
            let (wallet, login) = (all.nth(nth).wallet(), login.clone());
            async move { wallet.put(&login, json!({"country": "LV"})).await.status }
        }));
        let (asked, put) = tokio::join!(asked, put);
        assert!(asked.iter().all(|code| *code == Some(0)), "{asked:?}");
        assert!(put.iter().all(|status| matches!(status, 200 | 201)), "{put:?}");
    }

    assert_eq!((all.first().count("players").await, all.first().count("deposits").await), (6, 36));
}

/// The whole feed as one instance tells it, read in small pages until the event with this many before it.
async fn feed(app: &TestApp, events: usize) -> Vec<Value> {
    let until = tokio::time::Instant::now() + PATIENCE;
    let (mut told, mut after) = (Vec::new(), "0".to_owned());
    while told.len() < events {
        let path = format!("/wallet/v1/events?after={after}&limit=5&wait=1");
        let page = app.wallet().call("GET", &path, &[], None).await;
        assert_eq!(page.status, 200, "{page:?}");
        told.extend(page.json["items"].as_array().expect("items").clone());
        if let Some(next) = told.last().and_then(|event| event["id"].as_str()) {
            next.clone_into(&mut after);
        }
        assert!(tokio::time::Instant::now() < until, "{} of {events} events", told.len());
    }
    told
}

#[tokio::test]
async fn every_instance_tells_the_same_events_in_the_same_order_while_all_of_them_write() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(manual).await;
    let players = ["alice", "bob", "carol"];
    for login in players {
        all.first().player_with(login, 100_000).await;
    }

    let write = async {
        for round in 0..20_usize {
            let asked = (0..6).map(|nth| all.nth(round + nth).payout(players[nth % 3], 10));
            join_all(asked).await;
        }
    };
    let (told, ()) = tokio::join!(join_all(all.0.iter().map(|app| feed(app, 120))), write);

    assert!(told.iter().all(|one| *one == told[0]), "three readers, one sequence");
    let places = told[0].iter().map(|event| {
        let name = event["id"].as_str().expect("an id");
        name.split('_').nth(1).and_then(|number| number.parse::<usize>().ok()).expect("a number")
    });
    assert_eq!(places.collect::<Vec<_>>(), (1..=120).collect::<Vec<_>>(), "no gaps");
    let ids: HashSet<&str> = told[0].iter().filter_map(|event| event["data"]["external_id"].as_str()).collect();
    assert_eq!(ids.len(), 120, "none twice");
}

#[tokio::test]
async fn of_an_approval_and_a_decline_on_two_instances_exactly_one_wins() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(manual).await;
    all.first().player_with("alice", 10_000).await;
    let (ann, otto) = (all.first().staff("ann", Role::Approver).await, all.first().staff("otto", Role::Operator).await);

    for round in 0..10 {
        let payout = all.first().payout("alice", 100).await;
        let approve = all.nth(round).decide(&ann, "approve", &payout.id);
        let decline = all.nth(round + 1).decide(&otto, "decline", &payout.id);
        let (approved, declined) = tokio::join!(approve, decline);
        let mut statuses = [approved.status, declined.status];
        statuses.sort_unstable();
        // An approved payout may be declined until the Cashier may have it: then both were right, one after the other.
        let both = approved.status == 200 && declined.status == 200 && declined.json["status_name"] == "cancelled";
        assert!(statuses == [200, 409] || both, "{approved:?} {declined:?}");
        if declined.status == 200 {
            assert_eq!(all.first().cashier.initiations(&payout.id).len(), 0, "what was declined never goes out");
        }
    }
    let (available, held) = all.balance("alice").await;
    assert_eq!(available + held, 10_000);
}

#[tokio::test]
async fn two_people_are_two_people_also_on_two_instances() {
    if !on_a_server() {
        return;
    }
    let four_eyes = |text: String| set(&manual(text), "sites.demo.payouts", "four_eyes_from", "{ USD = 500 }");
    let all = Instances::start(four_eyes).await;
    all.first().player_with("alice", 100_000).await;
    let (ann, bob) = (all.first().staff("ann", Role::Approver).await, all.first().staff("bob", Role::Approver).await);

    for round in 0..6 {
        let payout = all.first().payout("alice", 600).await;
        let alone = join_all((0..3).map(|nth| all.nth(nth).decide(&ann, "approve", &payout.id))).await;
        let mut statuses: Vec<u16> = alone.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 409, 409], "the same person on three instances is one person");
        assert_eq!(all.first().payout_standing(&payout).await.1, Stage::AwaitingApproval);
        assert_eq!(all.nth(round).decide(&bob, "approve", &payout.id).await.status, 200);
        assert_eq!(all.nth(round + 1).decide(&bob, "approve", &payout.id).await.status, 409);
    }
    for _ in 0..6 {
        let payout = all.first().payout("alice", 600).await;
        let (one, other) = tokio::join!(
            all.nth(1).decide(&ann, "approve", &payout.id),
            all.nth(2).decide(&bob, "approve", &payout.id)
        );
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 202], "{one:?} {other:?}");
    }
}

#[tokio::test]
async fn a_key_for_sessions_is_made_once_and_opens_every_door() {
    if !on_a_server() {
        return;
    }
    let all = Instances::start(as_is).await;
    all.first().player("alice").await;

    let fronts = join_all(all.0.iter().map(|app| app.front("alice"))).await;

    for front in &fronts {
        for app in &all.0 {
            let told = app.stranger().with(&front.token).get("/cashier/methods").await;
            assert_eq!(told.status, 200, "{told:?}");
        }
    }
}

#[tokio::test]
async fn an_instance_that_stops_leaves_the_others_working() {
    if !on_a_server() {
        return;
    }
    let mut all = Instances::start(as_is).await;
    all.first().player_with("alice", 100_000).await;
    let leaving = all.0.pop().expect("three instances");

    let (_, payouts) = tokio::join!(leaving.stop(), join_all((0..20).map(|nth| all.nth(nth).payout("alice", 100))));
    for payout in &payouts {
        all.first().comes_to(payout, Stage::Sent).await;
        all.nth(1).say_paid_out(payout).await;
    }
    let back = all.first().beside().await;
    all.0.push(back);

    assert_eq!(all.balance("alice").await, (98_000, 0));
    assert_eq!(all.first().cashier.doubles(), []);
    let late = wire::order("alice", 500, "USD");
    assert_eq!(accepted(&all.ask_all(&request_payout(&late), 1).await, 50), 3);
}
