//! What the status call says, compared with the order.

use serde_json::json;

use super::*;

fn answer(status: &str) -> Json {
    json!({"ok": true, "order_id": ID, "type": "pay_out", "status": status, "fiat_amount": "1500.00",
        "usdt_amount": "14.9630", "merchant_spent_usdt": "15.1126", "fiat_currency": "rub", "exchange_rate": "100.2472",
        "payment_method": "sbp", "created_at": "2024-02-15T09:30:45Z", "updated_at": "2024-02-15T09:45:12Z",
        "number_card": null, "phone_number": "79161234567", "number_score": null, "iban_number": null, "full_name": null,
        "bank_name": "Sberbank"})
}

fn with(changes: Json) -> Json {
    let mut answer = answer("successful");
    answer.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    answer
}

fn payout_order() -> OpenOrder {
    asked(Direction::Payout, &[("internal_transaction_id", "t-1"), ("recipient_ends_with", "4567")])
}

fn told(order: &OpenOrder, status: u16, body: impl ToString) -> Inquired {
    done(exotic_by("order_id").ask(order, &[Reply::new(404, ""), Reply::new(status, body.to_string())]).unwrap())
}

fn exotic_by(id: &str) -> Exotic {
    exotic_with(&format!("status_by = \"{id}\""))
}

#[track_caller]
fn says(inquired: Inquired) -> (Notification, Texts) {
    match inquired {
        Inquired::Says(notification, facts) => (*notification, facts),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_question_has_the_key_and_goes_by_the_configured_id_first() {
    let url = |exotic: &Exotic, order: &OpenOrder, replies: &[Reply]| {
        let call = wanted(exotic.ask(order, replies).unwrap());
        assert_eq!((call.verb, call.content_type), (Verb::Get, Some("application/json")));
        assert!(
            call.headers.iter().any(|(name, key)| *name == "x-api-key" && key.expose() == "an-api-key-of-these-tests")
        );
        call.url.to_string()
    };
    let base = "https://exotic.example/api/merchant/m1";
    let (ours, theirs) = (format!("{base}/status_pay_out/{ID}/"), format!("{base}/status_pay_out/t-1/"));
    let unknown = [Reply::new(404, "")];
    let (order, payment) = (payout_order(), asked(Direction::Deposit, &[]));

    assert_eq!(url(&exotic_by("order_id"), &order, &[]), ours);
    assert_eq!(url(&exotic_by("order_id"), &order, &unknown), theirs);
    assert_eq!(url(&exotic_by("internal_transaction_id"), &order, &[]), theirs);
    assert_eq!(url(&exotic_by("internal_transaction_id"), &order, &unknown), ours);
    assert_eq!(url(&exotic_by("internal_transaction_id"), &payment, &[]), format!("{base}/status_pay_in/{ID}/"));
    let known = OpenOrder {
        facts: texts(&[("internal_transaction_id", "t-1"), ("status_by", "internal_transaction_id")]),
        ..order
    };
    assert_eq!(url(&exotic_by("order_id"), &known, &[]), theirs, "what it was known by before");
    let odd = asked(Direction::Payout, &[("internal_transaction_id", "../../x")]);
    assert_eq!(url(&exotic_by("internal_transaction_id"), &odd, &[]), ours, "an id that would change the path");
}

#[test]
fn an_order_that_it_does_not_know_by_either_id_is_not_found() {
    let twice = [Reply::new(404, ""), Reply::new(404, "")];
    assert!(matches!(done(exotic().ask(&payout_order(), &twice).unwrap()), Inquired::NotFound(_)));
    let once = [Reply::new(404, "")];
    let bare = asked(Direction::Payout, &[]);
    assert!(matches!(done(exotic().ask(&bare, &once).unwrap()), Inquired::NotFound(_)));
    assert!(matches!(
        told(&payout_order(), 200, json!({"ok": false, "error": "Order not found"})),
        Inquired::NotFound(_)
    ));
}

#[test]
fn what_it_says_is_a_statement_about_the_order() {
    let mut answer = answer("successful");
    answer["number_card"] = "4276345439581234".into();
    answer["cheque_urls"] = json!(["https://exotic.example/1.pdf", "https://exotic.example/2.pdf", 5, "a b"]);
    let (said, facts) = says(told(&payout_order(), 200, answer));

    assert_eq!((said.provider, said.site, said.signed), ("exotic", SITE, true));
    assert_eq!((said.external_id.as_str(), said.login.as_str(), said.transaction_id.as_str()), (ID, "alice", "t-1"));
    assert_eq!((said.amount_minor, said.currency.as_str(), said.real), (150_000, "RUB", None));
    assert_eq!((said.news, said.codes.as_str()), (News::PayoutPaid, "pay_out successful"));
    assert!(said.content.contains(&("number_card".into(), "427634...1234".into())), "{:?}", said.content);
    let expected = texts(&[
        ("exchange_rate", "100.2472"),
        ("merchant_spent_usdt", "15.1126"),
        ("usdt_amount", "14.9630"),
        ("status_by", "internal_transaction_id"),
        ("cheque_urls", "https://exotic.example/1.pdf https://exotic.example/2.pdf"),
    ]);
    assert_eq!(facts, expected);
}

#[test]
fn the_same_statement_has_the_same_digest_and_another_has_another() {
    let digest = |body: Json| says(told(&payout_order(), 200, body)).0.digest;
    let first = digest(answer("successful"));

    assert_eq!(digest(with(json!({"updated_at": "2025-01-01T00:00:00Z", "cheque_urls": ["https://a"]}))), first);
    assert_eq!(digest(with(json!({"fiat_currency": "RUB", "fiat_amount": "1500.0"}))), first);
    let others = [
        with(json!({"status": "rejected_gate"})),
        with(json!({"type": "pay_in"})),
        with(json!({"fiat_amount": "1500.01"})),
        with(json!({"fiat_currency": "kzt"})),
        with(json!({"phone_number": "79160000000"})),
    ];
    for other in others {
        assert_ne!(digest(other.clone()), first, "{other}");
    }
}

#[test]
fn every_status_means_the_same_as_in_a_notice() {
    let payouts = [
        ("expectation", News::PayoutPending),
        ("successful", News::PayoutPaid),
        ("rejected_timeout", News::PayoutDeclined),
        ("rejected_gate", News::PayoutDeclined),
        ("rejected_merchant", News::PayoutCancelled),
        ("new_word", News::NotKnown),
    ];
    for (status, news) in payouts {
        assert_eq!(says(told(&payout_order(), 200, answer(status))).0.news, news, "{status}");
    }
    let paid = says(told(&payout_order(), 200, with(json!({"type": "pay_in"})))).0.news;
    assert_eq!(paid, News::DepositPaid, "whoever has the order sees that the direction is another");
}

#[test]
fn whom_and_how_it_paid_is_compared_with_the_order() {
    let news = |changes: Json| says(told(&payout_order(), 200, with(changes))).0.news;

    assert_eq!(news(json!({"phone_number": "79160000000"})), News::PayoutUnclear);
    assert_eq!(news(json!({"payment_method": "card"})), News::PayoutUnclear);
    assert_eq!(news(json!({"status": "rejected_gate", "payment_method": "card"})), News::PayoutUnclear);
    assert_eq!(news(json!({"status": "expectation", "payment_method": "card"})), News::PayoutPending);
    assert_eq!(news(json!({"phone_number": null, "payment_method": null})), News::PayoutPaid, "nothing to compare");
    let deposit = OpenOrder { direction: Direction::Deposit, ..payout_order() };
    let said = |changes: Json| says(told(&deposit, 200, with(changes))).0.news;
    assert_eq!(said(json!({"type": "pay_in", "payment_method": "card"})), News::DepositBroken);
    assert_eq!(said(json!({"type": "pay_in", "phone_number": "79160000000"})), News::DepositPaid, "its own recipient");
}

#[test]
fn what_cannot_be_used_says_nothing() {
    let unclear = [
        (200, with(json!({"order_id": "another"}))),
        (200, with(json!({"order_id": null}))),
        (200, with(json!({"type": "refund"}))),
        (200, with(json!({"fiat_amount": "1500,00"}))),
        (200, with(json!({"fiat_amount": null}))),
        (200, with(json!({"fiat_currency": "usdt"}))),
        (200, with(json!({"status": null}))),
        (200, with(json!({"ok": false}))),
        (200, with(json!({"error": "temporarily"}))),
        (401, json!({"error": "invalid api key"})),
        (403, json!({"detail": "forbidden"})),
        (500, answer("successful")),
        (302, answer("successful")),
        (400, answer("successful")),
    ];
    for (status, body) in unclear {
        let said = told(&payout_order(), status, &body);
        assert!(matches!(said, Inquired::Unclear(_)), "{status} {body}: {said:?}");
    }
    for body in ["", "<html>", "{\"status\":\"successful\"", "[]"] {
        assert!(matches!(told(&payout_order(), 200, body), Inquired::Unclear(_)), "{body:?}");
    }
}

#[test]
fn when_it_is_asked_too_often_the_pause_doubles_or_is_what_it_wants() {
    let later = |retry_after: Option<&'static str>| {
        let mut reply = Reply::new(429, "");
        if let Some(text) = retry_after {
            reply.headers.insert("retry-after", text.parse().unwrap());
        }
        done(exotic().ask(&payout_order(), &[reply]).unwrap())
    };

    assert_eq!(later(None), Inquired::Later(600));
    assert_eq!(later(Some("5")), Inquired::Later(600));
    assert_eq!(later(Some("1200")), Inquired::Later(1200));
    assert_eq!(later(Some("99999999")), Inquired::Later(86_400));
    assert_eq!(later(Some("soon")), Inquired::Later(600));
}
