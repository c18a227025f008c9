//! How calls that make an order are answered, well and badly, and what a repetition is.

use std::collections::HashSet;

use super::*;
use crate::simulate::platforms::cactus::Manners;
use crate::simulate::platforms::{Answering, End};

const MAKING: [Call; 3] = [Call::Form, Call::Invoice, Call::Payout];

#[tokio::test]
async fn an_answer_that_is_lost_or_broken_is_an_order_that_was_taken() {
    let bench = Bench::start().await;
    let lost = [
        Answering::Hangup,
        Answering::Reset,
        Answering::Status(502),
        Answering::Html,
        Answering::BrokenJson,
        Answering::Slow(Duration::from_millis(1)),
        Answering::Accept,
    ];

    for (nth, answering) in lost.into_iter().enumerate() {
        for call in MAKING {
            let id = format!("{call:?}-{nth}");
            bench.cactus.answer_with(answering.clone());
            let answer = bench.call(call, &with(order(call), &[("request_id", json!(id))])).await;

            let is_read = matches!(answering, Answering::Slow(_) | Answering::Accept);
            assert_eq!(answer.is_some(), is_read, "{answering:?}");
            let taken = bench.cactus.wait_for(&id, PATIENCE).await.expect("it was taken");
            assert_eq!((taken.asked, taken.end), (1, End::Pending), "{answering:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_an_order_that_was_taken() {
    let bench = Bench::start().await;
    bench.cactus.answer_with(Answering::Endless);

    for call in MAKING {
        let id = format!("{call:?}");
        let params = signed(&with(order(call), &[("request_id", json!(id))]));
        let url = format!("{}{}", bench.cactus.url(), call.path());
        let request = bench.http.post(url).header("content-type", "application/json");
        let mut answer = request.body(Value::Object(params).to_string()).send().await.expect("a head");

        assert!(answer.chunk().await.expect("a piece").is_some());
        assert!(bench.cactus.wait_for(&id, PATIENCE).await.is_some(), "{id}");
    }
}

#[tokio::test]
async fn what_is_refused_vanishes_or_is_sent_elsewhere_is_not_taken() {
    let bench = Bench::start().await;

    for call in MAKING {
        for answering in [Answering::Refuse, Answering::Vanish, Answering::Redirect("http://127.0.0.1:9/".into())] {
            bench.cactus.answer_with(answering.clone());
            let answer = bench.call(call, &order(call)).await;

            assert_eq!(answer.is_some(), answering == Answering::Refuse, "{answering:?}");
            if let Some((status, answer)) = answer {
                assert_eq!((status, &answer["success"]), (200, &json!(false)));
                assert!(answer["message"].is_string() && holds(&answer), "{answer}");
            }
        }
    }
    assert_eq!(bench.cactus.orders().len(), 0);
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer_and_is_counted() {
    let bench = Bench::start().await;

    for call in MAKING {
        let id = format!("{call:?}");
        let params = with(order(call), &[("request_id", json!(id))]);
        let first = bench.call(call, &params).await;
        bench.cactus.set(&id, End::Paid);
        let second = bench.call(call, &params).await;
        bench.cactus.answer_with(Answering::Vanish);
        assert_eq!(bench.call(call, &params).await, None);
        bench.cactus.answer_with(Answering::Accept);

        assert_eq!(first, second);
        let taken = bench.cactus.wait_for(&id, PATIENCE).await.expect("it was taken");
        assert_eq!((taken.asked, taken.end), (3, End::Paid));
    }
    assert_eq!(bench.cactus.orders().len(), MAKING.len());
}

#[tokio::test]
async fn another_content_or_another_call_under_one_id_is_refused_and_changes_nothing() {
    let bench = Bench::start().await;
    let first = order(Call::Payout);
    bench.call(Call::Payout, &first).await.expect("an answer");

    for (call, other) in [
        (Call::Payout, with(first.clone(), &[("amount", json!(900_001))])),
        (Call::Payout, with(first.clone(), &[("currency", json!("USD"))])),
        (Call::Payout, with(first.clone(), &[("site_login", json!("other"))])),
        (Call::Payout, with(first.clone(), &[("additional_fields", json!({"card_number": "4000000000000000"}))])),
        (Call::Form, order(Call::Form)),
        (Call::Invoice, order(Call::Invoice)),
    ] {
        let (status, answer) = bench.call(call, &other).await.expect("an answer");
        let told = (status, &answer["success"], &answer["message"]);
        assert_eq!(told, (200, &json!(false), &json!("request_id was used with other parameters")), "{other:?}");
    }
    let orders = bench.cactus.orders();
    assert_eq!((orders.len(), orders[0].asked, orders[0].amount), (1, 7, 900_000));
}

#[tokio::test]
async fn answers_are_those_of_the_samples() {
    let bench = Bench::start().await;

    let payout = bench.make(Call::Payout, "p1", "card").await;
    let invoice = bench.make(Call::Invoice, "d1", "sbp").await;
    bench.cactus.behave(Manners { first_status: 3, redirects: false, ..Manners::default() });
    let at_once = bench.make(Call::Payout, "p2", "binance").await;
    let form = bench.make(Call::Form, "d2", "card").await;

    assert_eq!(payout["message"], "Payout initialized");
    assert_eq!((&payout["status"], &payout["invoice_id"]), (&json!(2), &json!("905911")), "a text, as in the sample");
    assert_eq!((&payout["currency"], &payout["amount"]), (&json!("KZT"), &json!(900_000)));
    assert_eq!((&payout["request_id"], &payout["site_id"]), (&json!("p1"), &json!(332)));
    assert_eq!((&invoice["invoice_id"], &invoice["currency"]), (&json!(905_912), &Value::Null));
    assert_eq!((&invoice["phone_number"], &invoice["bank_name"]), (&json!("79990001122"), &json!("Testbank")));
    assert_eq!((&invoice["card_holder"], &invoice["card_number"]), (&json!("John Wick"), &Value::Null));
    assert_eq!(at_once["status"], 3, "it says success and means nothing by it");
    assert_eq!((&form["redirect_url"], form["key"].as_str().map(str::len)), (&Value::Null, Some(64)));
}

#[tokio::test]
async fn requisites_are_those_of_the_method() {
    let bench = Bench::start().await;

    for (method, number) in [
        ("card", Some("card_number")),
        ("localbanks", Some("card_number")),
        ("cis_transfer", Some("phone_number")),
        ("PIX", Some("phone_number")),
        ("cash", None),
        ("binance", None),
    ] {
        let answer = bench.make(Call::Invoice, method, method).await;
        let given = ["card_number", "phone_number"].into_iter().find(|name| answer.get(*name).is_some());
        assert_eq!(given, number, "{method}");
        assert_eq!(answer.get("card_holder").is_some(), number.is_some(), "{method}");
    }
    let bank = with(order(Call::Invoice), &[("additional_fields", json!({"bank_name": "Morgan"}))]);
    let (_, answer) = bench.call(Call::Invoice, &bank).await.expect("an answer");
    assert_eq!(answer["bank_name"], "Morgan", "the bank that was asked for");
}

#[tokio::test]
async fn the_page_opens_with_its_key_only() {
    let bench = Bench::start().await;
    let form = bench.make(Call::Form, "d1", "card").await;
    bench.make(Call::Invoice, "d2", "card").await;
    let get = async |url: String| bench.http.get(url).send().await.expect("an answer");

    let address = form["redirect_url"].as_str().unwrap_or_default().to_owned();
    let page = get(address.clone()).await;
    assert_eq!(page.status(), 200);
    let text = page.bytes().await.expect("a page");
    assert!(String::from_utf8_lossy(&text).contains("900000 minor units of KZT"));

    let base = bench.cactus.url();
    for wrong in ["/api/jsapi/open//", "/api/jsapi/open/", "/api/jsapi/open/0123/", "/"] {
        assert_eq!(get(format!("{base}{wrong}")).await.status(), 404, "{wrong}");
    }
    assert_eq!(bench.http.post(address).send().await.expect("an answer").status(), 405);
    let keys: HashSet<_> =
        [&form["key"], &bench.make(Call::Form, "d3", "card").await["key"]].map(Value::to_string).into();
    assert_eq!(keys.len(), 2, "no two orders share a key");
}
