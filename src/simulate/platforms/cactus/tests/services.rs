//! The calls beside those that make orders.

use std::time::Instant;

use super::*;
use crate::simulate::platforms::{End, Telling};

/// Calls; HTTP 200 and a signed answer must come.
async fn ask(bench: &Bench, call: Call, changes: &[(&str, Value)]) -> Value {
    let (status, answer) = bench.call(call, &with(order(call), changes)).await.expect("an answer");
    assert_eq!(status, 200, "{answer}");
    assert!(holds(&answer), "{answer}");
    answer
}

#[tokio::test]
async fn the_status_is_told_as_it_stands_or_as_it_was_told_to() {
    let bench = Bench::start().await;
    bench.make(Call::Payout, "p1", "card").await;

    for (end, status, received) in [
        (End::Pending, 2, 0),
        (End::Paid, 3, 900_000),
        (End::Declined, 4, 0),
        (End::Cancelled, 4, 0),
        (End::Expired, 4, 0),
    ] {
        bench.cactus.set("p1", end);
        let answer = ask(&bench, Call::Status, &[("request_id", json!("p1"))]).await;
        let told = (&answer["success"], &answer["status"], &answer["received_amount"], &answer["is_payout"]);
        assert_eq!(told, (&json!(true), &json!(status), &json!(received), &json!(true)), "{end:?}");
    }
    let nobody = ask(&bench, Call::Status, &[("request_id", json!("p2"))]).await;
    assert_eq!((&nobody["success"], &nobody["message"]), (&json!(false), &json!("Invoice not found")));
    bench.cactus.tell_with(Telling::NotFound);
    let denied = ask(&bench, Call::Status, &[("request_id", json!("p1"))]).await;
    assert_eq!(denied["message"], "Invoice not found");

    for telling in [Telling::Unavailable, Telling::TooMany, Telling::Hangup] {
        bench.cactus.tell_with(telling);
        let params = with(order(Call::Status), &[("request_id", json!("p1"))]);
        assert_eq!(bench.call(Call::Status, &params).await, None, "{telling:?}");
    }
    assert_eq!((bench.cactus.asked_about("p1"), bench.cactus.asked_about("p2")), (9, 1));
}

#[tokio::test]
async fn an_open_deposit_is_taken_back_once_and_a_final_one_stays() {
    let bench = Bench::start().await;
    for (call, id, method) in [
        (Call::Invoice, "d1", "sbp"),
        (Call::Form, "d2", "card"),
        (Call::Invoice, "cash", "cash"),
        (Call::Payout, "p1", "card"),
    ] {
        bench.make(call, id, method).await;
    }
    bench.cactus.set("d2", End::Paid);
    let close = async |id: &str, login: &str| {
        ask(&bench, Call::Close, &[("request_id", json!(id)), ("site_login", json!(login))]).await
    };

    for _ in 0..2 {
        let closed = close("d1", "user_login").await;
        assert_eq!((&closed["success"], &closed["status"]), (&json!(true), &json!(4)));
        assert_eq!((&closed["received_amount"], &closed["amount"]), (&json!(0), &json!(900_000)));
    }
    let paid = close("d2", "user_login").await;
    assert_eq!(
        (&paid["success"], &paid["status"], &paid["received_amount"]),
        (&json!(false), &json!(3), &json!(900_000))
    );
    for (id, login) in [("d1", "other"), ("nobody", "user_login"), ("p1", "user_login"), ("cash", "user_login")] {
        let refused = close(id, login).await;
        assert_eq!((&refused["success"], &refused["status"]), (&json!(false), &Value::Null), "{id} {login}");
    }
    let ends: Vec<_> = bench.cactus.orders().into_iter().map(|order| order.end).collect();
    assert_eq!(ends, [End::Cancelled, End::Paid, End::Pending, End::Pending]);
}

#[tokio::test]
async fn a_cash_order_is_changed_and_taken_back_while_it_is_open() {
    let bench = Bench::start().await;
    bench.make(Call::Invoice, "c1", "cash").await;
    bench.make(Call::Payout, "c2", "cash").await;
    bench.make(Call::Invoice, "d1", "card").await;
    let update = async |id: &str, kind: &str, more: &[(&str, Value)]| {
        let changes = [&[("request_id", json!(id)), ("update_type", json!(kind))], more].concat();
        ask(&bench, Call::Cash, &changes).await
    };

    let edited = update("c1", "edit", &[("address", json!("elsewhere")), ("asap", json!(false))]).await;
    let members = ["amount", "currency", "invoice_id", "request_id", "site_id", "site_login", "success"];
    assert!(members.iter().all(|name| !edited[*name].is_null()), "{edited}");
    assert_eq!(Value::Object(bench.cactus.edited("c1")), json!({"address": "elsewhere", "asap": false}));
    for more in [&[][..], &[("address", json!(17))], &[("time", json!(true))]] {
        assert_eq!(update("c1", "edit", more).await["success"], false, "{more:?}");
    }
    for id in ["c1", "c2", "c1"] {
        assert_eq!(update(id, "delete", &[]).await["success"], true, "{id}");
    }
    for (id, kind) in [("c1", "edit"), ("c1", "cancel"), ("d1", "delete"), ("nobody", "delete")] {
        assert_eq!(update(id, kind, &[("address", json!("x"))]).await["success"], false, "{id} {kind}");
    }
    bench.cactus.set("c2", End::Paid);
    assert_eq!(update("c2", "delete", &[]).await["message"], "Invoice is final");
    let ends: Vec<_> = bench.cactus.orders().into_iter().map(|order| order.end).collect();
    assert_eq!(ends, [End::Cancelled, End::Paid, End::Pending]);
}

#[tokio::test]
async fn balances_are_decimals_that_follow_the_orders() {
    let bench = Bench::start().await;
    for (call, id, end) in
        [(Call::Invoice, "d1", End::Paid), (Call::Payout, "p1", End::Pending), (Call::Payout, "p2", End::Declined)]
    {
        bench.make(call, id, "card").await;
        bench.cactus.set(id, end);
    }

    let all = ask(&bench, Call::Balance, &[]).await;
    let one = ask(&bench, Call::Balance, &[("currency", json!("KZT"))]).await;
    let dong = ask(&bench, Call::Balance, &[("currency", json!("VND"))]).await;
    let project = ask(&bench, Call::Project, &[("currency", json!("KZT"))]).await;

    assert_eq!(all["balances"].as_array().map(Vec::len), Some(9));
    let kzt =
        json!([{"id": 9, "name": "Balance_KZT", "currency": "KZT", "amount": 1_009_000.0, "available": 1_000_000.0}]);
    assert_eq!((&one["balances"], &one["site_id"]), (&kzt, &json!(332)));
    assert_eq!(dong["balances"][0]["amount"].to_string(), "100000000.0", "no hundredths of a dong");
    let kzt = json!([{"currency": "KZT", "amount": 1_009_000.0, "available": 1_000_000.0}]);
    assert_eq!((&project["project_balance"], &project["project_id"]), (&kzt, &json!("project_7")));
    assert_eq!(ask(&bench, Call::Project, &[("project_id", json!("other"))]).await["success"], false);
    assert_eq!(ask(&bench, Call::Balance, &[("currency", json!("GBP"))]).await["message"], "Unsupported currency");
}

#[tokio::test]
async fn an_amount_is_reserved_for_one_order_or_the_nearest_free_one() {
    let bench = Bench::start().await;
    bench.make(Call::Invoice, "open", "card").await;
    let book = async |id: &str| ask(&bench, Call::Book, &[("request_id", json!(id))]).await;

    let mut amounts = Vec::new();
    for nth in 0..6 {
        amounts.push(book(&format!("b{nth}")).await["amount"].clone());
    }
    assert_eq!(amounts, [900_100, 899_900, 900_200, 899_800, 900_300, 899_700], "900000 is open");
    assert_eq!(book("b0").await, book("b0").await, "the id is the key");
    let again = ask(&bench, Call::Book, &[("request_id", json!("b0")), ("amount", json!(5))]).await;
    assert_eq!(again["success"], false);
    let params = with(order(Call::Book), &[("request_id", json!("b6"))]);
    let (status, none) = bench.call(Call::Book, &params).await.expect("an answer");
    assert_eq!((status, &none["success"]), (404, &json!(false)));
    let other = ask(&bench, Call::Book, &[("request_id", json!("b7")), ("bank_name", json!("Morgan"))]).await;
    assert_eq!((&other["amount"], &other["expires_in"]), (&json!(900_100), &json!(30)), "other requisites");

    let exactly = with(order(Call::Invoice), &[("request_id", json!("b1")), ("amount", json!(899_900))]);
    let wrong = with(exactly.clone(), &[("amount", json!(899_901))]);
    assert_eq!(bench.call(Call::Invoice, &wrong).await.expect("an answer").1["message"], "Invalid amount");
    assert_eq!(bench.call(Call::Invoice, &exactly).await.expect("an answer").1["success"], true);
    assert_eq!(book("b1").await["success"], false, "it has its order");
}

#[tokio::test]
async fn a_reservation_that_ran_out_is_free_again() {
    let bench = Bench::start().await;
    let book = async |id: &str| ask(&bench, Call::Book, &[("request_id", json!(id))]).await;

    assert_eq!(book("b1").await["amount"], 900_000);
    for reserved in &mut bench.cactus.state.desk().reserved {
        reserved.until = Instant::now();
    }

    assert_eq!(book("b2").await["amount"], 900_000);
    let late = with(order(Call::Invoice), &[("request_id", json!("b1")), ("amount", json!(5))]);
    assert_eq!(bench.call(Call::Invoice, &late).await.expect("an answer").1["success"], true, "it binds nobody now");
}

#[tokio::test]
async fn failed_deposits_are_listed_latest_first() {
    let bench = Bench::start().await;
    for (call, id, end) in [
        (Call::Invoice, "d1", End::Declined),
        (Call::Invoice, "d2", End::Paid),
        (Call::Payout, "p1", End::Declined),
        (Call::Invoice, "d3", End::Expired),
        (Call::Invoice, "d4", End::Pending),
    ] {
        bench.make(call, id, "card").await;
        bench.cactus.set(id, end);
    }
    let list = async |changes: &[(&str, Value)]| {
        let answer = ask(&bench, Call::Failed, changes).await;
        let invoices = answer["invoices"].as_array().cloned().unwrap_or_default();
        invoices.iter().map(|one| one["invoice_id"].as_i64().unwrap_or_default()).collect::<Vec<_>>()
    };

    assert_eq!(list(&[]).await, [905_914, 905_911]);
    assert_eq!(list(&[("limit", json!("1"))]).await, [905_914]);
    assert_eq!(list(&[("currency", json!("USD"))]).await, [0_i64; 0]);
    for (from, count) in [("2020-01-01", 2), ("2020-01-01T10:00:00", 2), ("2999-01-01T10:00:00+02:00", 0)] {
        assert_eq!(list(&[("from_date", json!(from))]).await.len(), count, "{from}");
    }
    let answer = ask(&bench, Call::Failed, &[]).await;
    let one = &answer["invoices"][0];
    assert_eq!((&one["status"], &one["amount"], &one["currency"]), (&json!("Failed"), &json!(9000.0), &json!("KZT")));
    assert_eq!((&one["card_number"], &one["phone_number"]), (&json!("4242424242424242"), &json!("")));
    assert!(one["date_created"].as_str().is_some_and(|date| date.contains('T') && !date.ends_with('Z')), "{one}");
    for (name, value) in [("limit", "-1"), ("limit", "many"), ("from_date", "yesterday"), ("currency", "GBP")] {
        assert_eq!(ask(&bench, Call::Failed, &[(name, json!(value))]).await["success"], false, "{name}={value}");
    }
}
