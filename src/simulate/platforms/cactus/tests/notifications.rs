//! What the merchant is told.

use super::*;
use crate::simulate::caller::{Answer, CallError};
use crate::simulate::platforms::cactus::Manners;
use crate::simulate::platforms::{End, Note, Twist};

async fn told(merchant: &Merchant, sent: Result<Answer, CallError>) -> Params {
    assert_eq!(sent.expect("an answer").status, 200);
    let (path, members) = merchant.last();
    assert_eq!(path, "/cashier/webhook/cactus");
    members
}

#[tokio::test]
async fn an_order_is_told_as_it_stands_and_signed() {
    let bench = Bench::start().await;
    let merchant = Merchant::start(&bench.cactus).await;

    for (call, id, method) in [(Call::Form, "d1", "sbp"), (Call::Invoice, "d2", "card"), (Call::Payout, "p1", "card")] {
        bench.make(call, id, method).await;
        for (end, status, received) in [
            (End::Pending, 2, 0),
            (End::Paid, 3, 900_000),
            (End::Declined, 4, 0),
            (End::Cancelled, 4, 0),
            (End::Expired, 4, 0),
        ] {
            bench.cactus.set(id, end);
            let body = told(&merchant, bench.cactus.notify(id, Note::PLAIN).await).await;

            assert!(sign::holds(&body, &salt()), "{body:?}");
            assert_eq!((&body["status"], &body["received_amount"]), (&json!(status), &json!(received)), "{id} {end:?}");
            assert_eq!((&body["request_id"], &body["amount"]), (&json!(id), &json!(900_000)));
            assert_eq!((&body["currency"], &body["received_currency"]), (&json!("KZT"), &json!("KZT")));
            assert_eq!((&body["site_id"], &body["site_login"]), (&json!(332), &json!("user_login")));
            assert_eq!((&body["method"], &body["is_payout"]), (&json!(method), &json!(call == Call::Payout)));
            assert_eq!(body["description"] == "", status < 4, "a reason of a failure only: {body:?}");
            let transaction = body.get("transaction_id").and_then(Value::as_str);
            assert_eq!(transaction.map(str::len), (status == 3).then_some(30));
            assert!(body["invoice_id"].is_i64(), "{body:?}");
        }
    }
}

#[tokio::test]
async fn an_end_that_is_said_is_not_the_end_it_has() {
    let bench = Bench::start().await;
    let merchant = Merchant::start(&bench.cactus).await;
    bench.make(Call::Payout, "p1", "card").await;
    bench.cactus.set("p1", End::Declined);

    let lie = Note { says: Some(End::Paid), twist: Twist::None };
    let body = told(&merchant, bench.cactus.notify("p1", lie).await).await;

    assert_eq!((&body["status"], &body["received_amount"]), (&json!(3), &json!(900_000)));
    assert_eq!(bench.cactus.orders()[0].end, End::Declined);
}

#[tokio::test]
async fn a_twist_changes_what_it_names_and_only_three_break_the_signature() {
    let bench = Bench::start().await;
    let merchant = Merchant::start(&bench.cactus).await;

    for (call, id) in [(Call::Invoice, "d1"), (Call::Payout, "p1")] {
        bench.make(call, id, "card").await;
        bench.cactus.set(id, End::Paid);
        let plain = told(&merchant, bench.cactus.notify(id, Note::PLAIN).await).await;
        for (twist, changed) in [
            (Twist::WrongSignature, &["signature"][..]),
            (Twist::NoSignature, &["signature"]),
            (Twist::ForeignSignature, &["signature"]),
            (Twist::OtherAmount, &["amount", "received_amount", "signature"]),
            (Twist::OtherCurrency, &["currency", "received_currency", "signature"]),
            (Twist::OtherPlayer, &["signature", "site_login"]),
            (Twist::OtherDirection, &["is_payout", "signature"]),
            (Twist::UnknownOrder, &["invoice_id", "request_id", "signature"]),
        ] {
            let body = told(&merchant, bench.cactus.notify(id, Note { says: None, twist }).await).await;
            let mut differs: Vec<_> = plain.keys().filter(|name| body.get(*name) != plain.get(*name)).collect();
            differs.sort();

            assert_eq!(differs, changed, "{twist:?}");
            let breaks = matches!(twist, Twist::WrongSignature | Twist::NoSignature | Twist::ForeignSignature);
            assert_eq!(sign::holds(&body, &salt()), !breaks, "{twist:?}");
            assert_eq!(body.contains_key("signature"), twist != Twist::NoSignature);
        }
    }
}

#[tokio::test]
async fn the_direction_is_left_out_on_request_and_a_twist_says_the_wrong_one() {
    let bench = Bench::start().await;
    let merchant = Merchant::start(&bench.cactus).await;
    bench.cactus.behave(Manners { says_direction: false, ..Manners::default() });
    bench.make(Call::Payout, "p1", "card").await;

    let plain = told(&merchant, bench.cactus.notify("p1", Note::PLAIN).await).await;
    let other = Note { says: None, twist: Twist::OtherDirection };
    let twisted = told(&merchant, bench.cactus.notify("p1", other).await).await;

    assert_eq!((plain.get("is_payout"), twisted.get("is_payout")), (None, Some(&json!(false))));
    assert!(sign::holds(&plain, &salt()) && sign::holds(&twisted, &salt()));
}

#[tokio::test]
async fn money_that_differs_from_the_order_is_told_beside_it() {
    let bench = Bench::start().await;
    let merchant = Merchant::start(&bench.cactus).await;
    bench.make(Call::Invoice, "d1", "card").await;

    let body = told(&merchant, bench.cactus.notify_received("d1", 700_000, "USD").await).await;

    assert!(sign::holds(&body, &salt()));
    assert_eq!((&body["amount"], &body["received_amount"]), (&json!(900_000), &json!(700_000)));
    assert_eq!((&body["currency"], &body["received_currency"]), (&json!("KZT"), &json!("USD")));
}

#[tokio::test]
async fn found_money_comes_in_a_new_invoice_with_an_old_order_or_none() {
    let bench = Bench::start().await;
    let merchant = Merchant::start(&bench.cactus).await;
    bench.make(Call::Invoice, "d1", "sbp").await;

    let again = bench.cactus.additional_under("d1").expect("an order");
    let nobody = bench.cactus.additional_of("user_login", 5000, "USD");
    let under = told(&merchant, bench.cactus.notify_additional(&again, Twist::None).await).await;
    let repeated = told(&merchant, bench.cactus.notify_additional(&again, Twist::None).await).await;
    let without = told(&merchant, bench.cactus.notify_additional(&nobody, Twist::None).await).await;
    let forged = told(&merchant, bench.cactus.notify_additional(&nobody, Twist::ForeignSignature).await).await;

    assert!(sign::holds(&under, &salt()) && sign::holds(&without, &salt()) && !sign::holds(&forged, &salt()));
    assert_eq!(under, repeated, "a repetition says the same");
    assert_eq!((&under["request_id"], &under["invoice_id"]), (&json!("d1"), &json!(905_912)));
    assert_eq!((&under["message"], under.get("description")), (&json!(""), None), "as the sample");
    assert_eq!((&under["amount"], &under["method"], &under["status"]), (&json!(900_000), &json!("sbp"), &json!(3)));
    assert_eq!((without.get("request_id"), &without["invoice_id"]), (None, &json!(905_913)));
    assert_eq!((&without["description"], without.get("transaction_id")), (&json!("Manual created payment"), None));
    assert_eq!((&without["received_amount"], &without["received_currency"]), (&json!(5000), &json!("USD")));
    assert_eq!(bench.cactus.additional_under("nobody"), None);
    assert_eq!(bench.cactus.orders().len(), 1, "found money is no order");
}

#[tokio::test]
async fn nothing_is_told_of_an_unknown_order_or_to_nobody() {
    let bench = Bench::start().await;
    assert!(bench.cactus.notify("nobody", Note::PLAIN).await.is_err());

    bench.make(Call::Payout, "p1", "card").await;
    assert!(bench.cactus.notify("p1", Note::PLAIN).await.is_err(), "the merchant's address is not known yet");
}

#[tokio::test]
async fn http_200_alone_acknowledges() {
    let bench = Bench::start().await;
    let answer = |status| Answer { status, content_type: String::new(), json: None, body: Vec::new() };

    assert!(bench.cactus.is_acknowledged(&answer(200)));
    for status in [201, 204, 302, 400, 403, 500, 503] {
        assert!(!bench.cactus.is_acknowledged(&answer(status)), "{status}");
    }
    assert_eq!(bench.cactus.ladder(), (vec![300], 288));
}
