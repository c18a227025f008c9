//! One effect per cause, however often and however it is asked (threats IDM, WLT-1).

use std::net::{IpAddr, Ipv4Addr};

use croupier::clock;
use croupier::db::schema::question_keys;
use croupier::db::{Scope, WriteTx};
use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::providers::{Notification, RawRequest};
use croupier::simulate::Params;
use croupier::simulate::caller::{Answer, Route};
use croupier::simulate::messages::{DECLINED, PAYOUT, PURCHASE, SUCCESS, with, without};
use croupier::webhooks;
use diesel::prelude::*;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::TestApp;
use crate::support::wire::{
    DRESSES, Dress, check_deposit, next_transaction, notification, order, request_payout, signed,
};

/// `count` copies of a message at the same time, in every dress.
async fn copies(app: &TestApp, route: Route, message: &Params, count: usize) -> Vec<Answer> {
    let message = signed(message);
    join_all((0..count).map(|nth| app.send(route, &message, DRESSES[nth % 3], &[]))).await
}

/// threats IDM-1
#[tokio::test]
async fn a_repeated_question_gets_the_first_answer_for_ever_and_has_no_second_effect() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let questions = [check_deposit(&order("alice", 300, "USD")), request_payout(&order("alice", 300, "USD"))];
    let mut first = Vec::new();
    for question in &questions {
        first.push(app.ask(question).await);
    }

    for (question, first) in questions.iter().zip(&first) {
        for dress in DRESSES {
            let again = app.ask_as_is(&signed(question), dress).await;
            assert_eq!((again.status, &again.json), (200, &first.json), "{dress:?}");
        }
        let with_news = with(with(question.clone(), "fraud_score", 7), "merchant_purse", "");
        assert_eq!(app.ask(&with_news).await.json, first.json, "unknown parameters do not make it another question");
    }
    let payout = crate::support::story::Asked {
        id: first[1].external_id().unwrap().to_owned(),
        order: order("alice", 300, "USD"),
    };
    app.initiation(&payout).await;
    app.say_paid_out(&payout).await;
    app.wallet().put("alice", json!({"status": "blocked"})).await;

    for (question, first) in questions.iter().zip(&first) {
        assert_eq!(app.ask(question).await.json, first.json, "also after it ended and the player was blocked");
    }
    let app = app.restart().await;
    for (question, first) in questions.iter().zip(&first) {
        assert_eq!(app.ask(question).await.json, first.json, "also after a restart");
    }
    assert_eq!((app.count("deposits").await, app.count("payouts").await), (1, 1));
    assert_eq!(app.balance("alice").await, (700, 0));
    assert_eq!(app.cashier.all().len(), 1, "initiated once");
}

/// threats IDM-1
#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let payout = request_payout(&order("alice", 500, "USD"));
    let deposit = check_deposit(&order("alice", 500, "USD"));

    assert_eq!(app.ask(&payout).await.code(), Some(402));
    assert_eq!(app.ask(&payout).await.code(), Some(402));
    app.wallet().put("alice", json!({"deposit_allowed": false})).await;
    app.refuses(&deposit, "Deposits are not allowed").await;
    app.wallet().play("alice", "win", 500, "luck").await;
    app.wallet().put("alice", json!({"deposit_allowed": true})).await;

    assert_eq!(app.ask(&payout).await.code(), Some(50), "the player has won since");
    assert_eq!(app.ask(&deposit).await.code(), Some(0));
    assert_eq!(app.balance("alice").await, (0, 500));
}

/// threats IDM-2
#[tokio::test]
async fn a_transaction_id_with_other_content_is_refused_and_the_first_one_stands() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    app.player_with("bob", 1000).await;
    let words = "transaction_id was used with other parameters";
    let payout = request_payout(&order("alice", 300, "USD"));
    let deposit = check_deposit(&order("alice", 300, "USD"));
    let first = [app.ask(&payout).await, app.ask(&deposit).await];

    let changes = [
        ("site_login", json!("bob")),
        ("amount", json!(301)),
        ("currency", json!("EUR")),
        ("payment_group_id", json!(7)),
        ("payment_type_id", json!(19)),
        ("customer_purse", json!("555555...4445")),
        ("customer_ip", json!("127.0.0.2")),
        ("site_login", json!("nobody")),
    ];
    for (name, value) in changes {
        for question in [&payout, &deposit] {
            app.refuses(&with(question.clone(), name, value.clone()), words).await;
        }
    }
    app.refuses(&with(payout.clone(), "remember_customer_purse", 1), words).await;
    app.refuses(&without(deposit.clone(), "customer_ip"), words).await;
    let crossed = with(check_deposit(&order("alice", 300, "USD")), "transaction_id", payout["transaction_id"].clone());
    app.refuses(&crossed, words).await;

    assert_eq!([&app.ask(&payout).await.json, &app.ask(&deposit).await.json], [&first[0].json, &first[1].json]);
    assert_eq!((app.balance("alice").await, app.balance("bob").await), ((700, 300), (1000, 0)));
}

/// threats IDM-3
#[tokio::test]
async fn identical_questions_at_the_same_time_have_one_effect_and_equal_answers() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let payout = request_payout(&order("alice", 300, "USD"));
    let deposit = check_deposit(&order("alice", 300, "USD"));
    let nameless = without(request_payout(&order("alice", 200, "USD")), "transaction_id");

    for question in [&payout, &deposit, &nameless] {
        let answers = copies(&app, Route::Callback, question, 40).await;
        assert!(answers.iter().all(|one| one.json == answers[0].json && one.external_id().is_some()), "{answers:?}");
    }

    assert_eq!((app.count("payouts").await, app.count("deposits").await), (2, 1));
    assert_eq!(app.balance("alice").await, (500, 500));
}

/// threats IDM-3: of different questions under one `transaction_id` at the same time exactly one is taken.
#[tokio::test]
async fn different_questions_under_one_transaction_id_at_the_same_time_have_one_effect() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 10_000).await;
    let id = next_transaction().to_string();
    let questions: Vec<Params> = (1..=20)
        .map(|amount| signed(&with(request_payout(&order("alice", amount, "USD")), "transaction_id", id.as_str())))
        .collect();

    let answers = join_all(questions.iter().map(|question| app.ask_as_is(question, Dress::Json))).await;

    let taken = answers.iter().filter(|answer| answer.code() == Some(50)).count();
    let refused = answers.iter().filter(|answer| answer.description().starts_with("transaction_id was used")).count();
    assert_eq!((taken, refused, app.count("payouts").await), (1, 19, 1));
}

/// threats IDM-4
#[tokio::test]
async fn without_an_id_identical_content_is_the_same_question_while_the_first_is_open() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let question = |amount| without(request_payout(&order("alice", amount, "USD")), "transaction_id");
    let ask = async |question: &Params| {
        let answer = app.ask(question).await;
        assert_eq!(answer.code(), Some(50), "{}", answer.summary());
        crate::support::story::Asked { id: answer.external_id().unwrap().to_owned(), order: order("alice", 100, "USD") }
    };

    let first = ask(&question(100)).await;
    let blank = ask(&with(question(100), "transaction_id", " ")).await;
    let other = ask(&question(101)).await;
    assert_eq!(first.id, blank.id);
    assert_ne!(first.id, other.id, "other content");
    app.initiation(&first).await;
    app.say_paid_out(&first).await;
    let second = ask(&question(100)).await;
    let again = ask(&question(100)).await;
    assert_ne!(second.id, first.id, "the first has ended");
    assert_eq!(again.id, second.id);
    app.initiation(&second).await;
    app.say_not_paid_out(&second).await;

    assert_ne!(ask(&question(100)).await.id, second.id);
    assert_eq!(app.balance("alice").await, (1000 - 100 - 101 - 100, 201));
}

/// threats IDM-4
#[tokio::test]
async fn without_an_id_identical_content_is_a_new_question_after_ten_minutes() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let question = without(request_payout(&order("alice", 100, "USD")), "transaction_id");
    let first = app.ask(&question).await;
    let earlier = |minutes: i64| {
        move |conn: &mut croupier::db::DbConn| {
            let set = question_keys::asked_at.eq(question_keys::asked_at - minutes * 60_000_000);
            diesel::update(question_keys::table).set(set).execute(conn).expect("time passes");
        }
    };

    let app = app.restart_after(earlier(9)).await;
    assert_eq!(app.ask(&question).await.json, first.json, "nine minutes");
    let app = app.restart_after(earlier(2)).await;
    let second = app.ask(&question).await;

    assert_eq!(second.code(), Some(50));
    assert_ne!(second.external_id(), first.external_id());
    assert_eq!(app.ask(&question).await.json, second.json);
    assert_eq!(app.balance("alice").await, (800, 200));
}

/// threats IDM-5
#[tokio::test]
async fn a_notification_replayed_long_after_is_acknowledged_and_changes_nothing() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let deposit = app.paid_deposit("alice", 500).await;
    let payout = app.payout("alice", 200).await;
    app.initiation(&payout).await;
    app.say_paid_out(&payout).await;
    let notices = [
        notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS),
        notification(&payout.id, &payout.order, PAYOUT, SUCCESS),
    ];
    let before = app.rows().await;

    let app = app.restart().await;
    for notice in &notices {
        for dress in DRESSES {
            assert!(app.notify_as_is(&signed(notice), dress).await.acknowledges());
        }
    }

    assert_eq!(app.rows().await, before);
    assert_eq!(app.balance("alice").await, (1300, 0));
    for notice in notices {
        let other_words = with(with(notice, "processor_message", "again"), "completed_at", "2030-01-01T00:00:00+00:00");
        assert!(app.notify(&other_words).await.acknowledges());
    }
    assert_eq!(app.balance("alice").await, (1300, 0), "other words about the same end move nothing either");
    assert_eq!(app.reviews().await, Vec::<String>::new());
}

/// threats IDM-6
#[tokio::test]
async fn a_notification_in_fifty_copies_at_the_same_time_credits_once_and_all_are_acknowledged() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let deposit = app.deposit("alice", 500).await;
    let payout = app.payout("alice", 200).await;
    app.initiation(&payout).await;
    let paid = notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS);
    let paid_out = notification(&payout.id, &payout.order, PAYOUT, SUCCESS);

    for notice in [&paid, &paid_out] {
        let answers = copies(&app, Route::Webhook, notice, 50).await;
        assert!(answers.iter().all(Answer::acknowledges), "{answers:?}");
    }

    assert_eq!(app.balance("alice").await, (1300, 0));
    assert_eq!(app.count("webhooks").await, 2);
}

/// threats IDM-6: the same end in different words at the same time.
#[tokio::test]
async fn many_different_notifications_of_one_payment_credit_once() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let deposit = app.deposit("alice", 500).await;
    let notices: Vec<Params> = (0..30)
        .map(|nth| {
            let kind = [1, 3, 6][nth % 3];
            signed(&with(notification(&deposit.id, &deposit.order, kind, SUCCESS), "processor_id", format!("p{nth}")))
        })
        .collect();

    let answers = join_all(notices.iter().map(|notice| app.notify_as_is(notice, Dress::Form))).await;

    assert!(answers.iter().all(Answer::acknowledges));
    assert_eq!((app.balance("alice").await, app.count("webhooks").await), ((500, 0), 30));
}

/// threats R6: only what moved money can have moved it twice.
#[tokio::test]
async fn what_moved_no_money_may_be_said_of_several_transactions() {
    const PENDING: i64 = 1;
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let (deposit, payout) = (app.deposit("alice", 500).await, app.sent_payout("alice", 200).await);

    for status in [PENDING, DECLINED] {
        for (asked, kind) in [(&deposit, PURCHASE), (&payout, PAYOUT)] {
            for transaction in [next_transaction(), next_transaction()] {
                let notice = with(notification(&asked.id, &asked.order, kind, status), "transaction_id", transaction);
                assert!(app.notify(&notice).await.acknowledges(), "type {kind} status {status}");
            }
        }
    }

    assert_eq!(app.deposit_status(&deposit).await, Status::Failed);
    assert_eq!(app.payout_standing(&payout).await, (Status::Failed, Stage::Done));
    assert_eq!((app.balance("alice").await, app.count("webhooks").await), ((1000, 0), 8));
    assert_eq!(app.reviews().await, Vec::<String>::new());
}

/// threats R6: as the answer to a question may say it.
#[tokio::test]
async fn what_names_no_transaction_is_about_the_one_that_moved_the_money() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let (deposit, payout) = (app.paid_deposit("alice", 500).await, app.sent_payout("alice", 200).await);
    app.say_paid_out(&payout).await;

    let words = [
        (&deposit, PURCHASE, "", 0),
        (&payout, PAYOUT, "", 0),
        (&deposit, PURCHASE, "another", 1),
        (&payout, PAYOUT, "another", 2),
    ];
    for (nth, (asked, kind, transaction, kept)) in (0..).zip(words) {
        let body = serde_json::to_vec(&signed(&notification(&asked.id, &asked.order, kind, SUCCESS))).expect("JSON");
        let request = RawRequest::plain(Some("application/json"), "", &body, IpAddr::V4(Ipv4Addr::LOCALHOST));
        let read = app.state.settings.providers.carouseller.read_notification(&request).expect("a notification");
        let told = Notification { transaction_id: transaction.into(), digest: [nth; 32], ..read };
        let receive = move |tx: &mut WriteTx<'_>| webhooks::receive(tx, &told, clock::now());
        app.state.db.write(Scope::Order(asked.id.clone()), receive).await.expect("it is stored");
        assert_eq!(app.reviews().await, vec!["paid_twice"; kept], "type {kind} {transaction:?}");
    }

    assert_eq!(app.balance("alice").await, (1300, 0));
}

/// threats IDM-7
#[tokio::test]
async fn parallel_payouts_hold_as_much_as_there_is_and_no_more() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let questions: Vec<Params> = (0..25).map(|_| signed(&request_payout(&order("alice", 100, "USD")))).collect();

    let answers = join_all(questions.iter().map(|question| app.ask_as_is(question, Dress::Json))).await;

    let codes = |wanted| answers.iter().filter(|answer| answer.code() == Some(wanted)).count();
    assert_eq!((codes(50), codes(402)), (10, 15));
    assert_eq!(app.balance("alice").await, (0, 1000));
}

/// threats WLT-1
#[tokio::test]
async fn bets_and_payouts_compete_for_one_balance_and_never_take_it_below_zero() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let wallet = app.wallet();
    let payouts: Vec<Params> = (0..20).map(|_| signed(&request_payout(&order("alice", 100, "USD")))).collect();

    let asked = join_all(payouts.iter().map(|payout| app.ask_as_is(payout, Dress::Json)));
    let references: Vec<String> = (0..20).map(|nth| format!("round-{nth}")).collect();
    let bets = join_all(references.iter().map(|reference| wallet.play("alice", "bet", 100, reference)));
    let (asked, bets) = tokio::join!(asked, bets);

    let held = asked.iter().filter(|answer| answer.code() == Some(50)).count();
    let placed = bets.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(held + placed, 10, "{held} payouts and {placed} bets");
    assert!(asked.iter().all(|answer| matches!(answer.code(), Some(50 | 402))));
    assert!(bets.iter().all(|reply| reply.status == 201 || reply.problem() == (402, "insufficient_funds")));
    assert_eq!(app.balance("alice").await, (0, 100 * i64::try_from(held).unwrap()));
    let lowest = bets.iter().filter_map(|reply| reply.json["available"].as_i64()).min();
    assert!(lowest.is_none_or(|lowest| lowest >= 0), "no answer ever showed less than nothing");
}
