//! Orders as they are written, and what the answers mean.

use serde_json::json;

use super::*;

const CARD: (&str, &str) = ("number_card", "4276345439581234");

#[test]
fn a_payout_is_written_as_documented() {
    let call = wanted(exotic().pay(&by_phone(), &[]).unwrap());

    assert_eq!((call.verb, call.url.as_str()), (Verb::Post, "https://exotic.example/api/merchant/m1/create_pay_out/"));
    let callback = |kind| format!("https://casino.example/cashier/webhook/exotic/{kind}/{TOKEN}/{ID}");
    let sign = signature::pay_out(ID, "1500.00", ("phone_number", "79161234567"), "rub", &Secret::new(KEY)).unwrap();
    let expected = json!({"order_id": ID, "payment_method": "sbp", "fiat_amount": "1500.00", "fiat_currency": "rub",
        "timeout": 30, "phone_number": "79161234567", "bank_name": "Sberbank", "customer": "alice", "sign": sign,
        "success_callback_url": callback("success"), "error_callback_url": callback("error")});
    assert_eq!(body(&call), expected);
    assert_eq!(call.body, wanted(exotic().pay(&by_phone(), &[]).unwrap()).body, "the same order, the same bytes");
}

#[test]
fn amounts_have_two_decimals_whatever_they_are() {
    for (minor, text) in [(1, "0.01"), (10, "0.10"), (99, "0.99"), (100, "1.00"), (123_456_789, "1234567.89")] {
        let order = PayoutOrder { amount: money(minor, "RUB"), ..by_phone() };
        assert_eq!(body(&wanted(exotic().pay(&order, &[]).unwrap()))["fiat_amount"], text);
    }
    let order = PayoutOrder { amount: money(1500, "JPY"), ..by_phone() };
    assert!(matches!(exotic().pay(&order, &[]), Err(Error::UnsupportedCurrency)));
}

/// A rail, details, and the name of what is wrong with them.
type Given<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);

#[test]
fn details_that_fit_no_rail_are_refused_before_anything_is_sent() {
    let bank = ("bank_name", "Sberbank");
    let long = "x".repeat(129);
    let refused: Vec<Given<'_>> = vec![
        ("card", vec![], "number_card"),
        ("card", vec![("number_card", " ")], "number_card"),
        ("card", vec![("number_card", "427634543958123")], "number_card"),
        ("card", vec![("number_card", "42763454395812345")], "number_card"),
        ("card", vec![("number_card", "4276 3454 3958 1234")], "number_card"),
        ("card", vec![("number_card", "４２７６345439581234")], "number_card"),
        ("card", vec![("phone_number", "79161234567")], "number_card"),
        ("card", vec![CARD, ("cvv", "123")], "details"),
        ("card", vec![CARD, ("success_callback_url", "https://evil.example")], "details"),
        ("card", vec![CARD, ("full_name", &long)], "full_name"),
        ("card", vec![CARD, ("full_name", "a\nb")], "full_name"),
        ("card", vec![CARD, ("bank_name", "")], "bank_name"),
        ("sbp", vec![bank], "phone_number"),
        ("sbp", vec![("phone_number", "79161234567")], "bank_name"),
        ("sbp", vec![("phone_number", "+79161234567"), bank], "phone_number"),
        ("sbp", vec![("phone_number", "7916123456"), bank], "phone_number"),
        ("sbp", vec![("phone_number", "79161234567890"), bank], "phone_number"),
        ("score", vec![("number_score", "4081781009991000431")], "number_score"),
        ("score", vec![("number_score", "408178100999100043121")], "number_score"),
        ("iban", vec![("iban_number", "de89370400440532013000")], "iban_number"),
        ("iban", vec![("iban_number", "DE89 3704 0044 0532 0130 00")], "iban_number"),
        ("iban", vec![("iban_number", "DE89370400440532013000DE89370400440")], "iban_number"),
        ("iban", vec![("iban_number", "DE89:eur:x3704004405")], "iban_number"),
        ("crypto", vec![], "method"),
    ];
    for (rail, details, name) in refused {
        let checked = exotic().check(SITE, Direction::Payout, Some(rail), &texts(&details));
        let named = |error: &Error| matches!(error, Error::Missing(n) | Error::Invalid(n) if *n == name);
        assert!(checked.as_ref().is_err_and(named), "{rail} {details:?}: {checked:?}");
        assert!(exotic().pay(&payout(rail, &details), &[]).is_err(), "{rail} {details:?}");
    }
    let taken = [
        ("card", vec![CARD]),
        ("card", vec![CARD, bank, ("full_name", "Петров Пётр"), ("bik", "044525225")]),
        ("sbp", vec![("phone_number", "7916123456789"), bank]),
        ("score", vec![("number_score", "40817810099910004312"), ("bik", "044525225")]),
        ("iban", vec![("iban_number", "DE89370400440532013000")]),
        ("iban", vec![("iban_number", "MT84MALT011000012345MTLCAST001S")]),
    ];
    for (rail, details) in taken {
        assert!(exotic().check(SITE, Direction::Payout, Some(rail), &texts(&details)).is_ok(), "{rail} {details:?}");
    }
}

#[test]
fn a_deposit_needs_nothing_but_its_rail() {
    let check = |rail, details: &[_]| exotic().check(SITE, Direction::Deposit, rail, &texts(details));

    assert!(check(Some("card"), &[]).is_ok() && check(Some("sbp"), &[("bank", "sber")]).is_ok());
    assert!(matches!(check(None, &[]), Err(Error::Missing("method"))));
    assert!(matches!(check(Some("card"), &[CARD]), Err(Error::Invalid("details"))));
    assert!(matches!(check(Some("card"), &[("bank", " ")]), Err(Error::Invalid("bank"))));
}

fn answered(status: u16, body: impl ToString) -> InitiationAnswer {
    done(exotic().pay(&by_phone(), &[Reply::new(status, body.to_string())]).unwrap())
}

/// The letter of an answer.
fn said(status: u16, body: impl ToString) -> char {
    match answered(status, body) {
        InitiationAnswer::Accepted(..) => 'y',
        InitiationAnswer::Refused(_) => 'n',
        InitiationAnswer::NotNow(_) => 'l',
        InitiationAnswer::Unknown(_) => '?',
    }
}

fn accepted() -> Json {
    json!({"ok": true, "internal_transaction_id": "t-1", "fiat_amount": "1500.00", "usdt_amount": "14.9630",
        "merchant_spent_usdt": "15.1126", "fiat_currency": "rub", "exchange_rate": "100.2472", "payment_method": "sbp",
        "reject_callback_url": "https://exotic.example/api/merchant/m1/rejected_pay_out/"})
}

#[test]
fn a_taken_payout_leaves_what_is_needed_later() {
    let InitiationAnswer::Accepted(note, facts) = answered(200, accepted()) else { panic!("taken") };

    assert_eq!(note, "internal_transaction_id: t-1");
    let expected = texts(&[
        ("internal_transaction_id", "t-1"),
        ("usdt_amount", "14.9630"),
        ("merchant_spent_usdt", "15.1126"),
        ("exchange_rate", "100.2472"),
        ("reject_callback_url", "https://exotic.example/api/merchant/m1/rejected_pay_out/"),
        ("recipient_ends_with", "4567"),
    ]);
    assert_eq!(facts, expected);
}

#[test]
fn only_the_texts_of_the_manual_say_that_nothing_was_taken() {
    let texts = [
        ("overloading requisite", 'l'),
        ("overloading requisite\n", 'l'),
        ("overloading\u{1d}requisite", '?'),
        ("Overloading Requisite for this amount", 'l'),
        ("low balance", 'l'),
        ("LOW BALANCE", 'l'),
        ("this payment method is disabled for your merchant", 'n'),
        ("duplicate order", '?'),
        ("duplicate order: low balance", '?'),
        ("phone_number: unknown", '?'),
        ("invalid sign", '?'),
        ("", '?'),
    ];
    for (text, expected) in texts {
        let forms = [
            json!({"ok": false, "error": text}),
            json!({"ok": false, "message": text}),
            json!({"detail": text}),
            json!({"ok": false, "errors": [text]}),
            json!({"ok": false, "errors": [{"message": text}]}),
            json!({"error": {"code": 7, "text": text}}),
            json!(text),
        ];
        for form in &forms {
            for status in [200, 201, 400, 403, 409, 422] {
                assert_eq!(said(status, form), expected, "{status} {form}");
            }
            for status in [100, 204_u16.wrapping_add(98), 307, 408, 425, 429, 500, 502, 503, 504] {
                assert_eq!(said(status, form), '?', "{status} {form}");
            }
        }
        assert_eq!(said(400, text), expected, "bare {text:?}");
    }
}

#[test]
fn whatever_is_not_clear_may_have_been_taken() {
    let with = |changes: Json| {
        let mut body = accepted();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body.to_string()
    };
    let unclear = [
        (500, accepted().to_string()),
        (302, accepted().to_string()),
        (429, accepted().to_string()),
        (400, accepted().to_string()),
        (200, with(json!({"ok": false}))),
        (200, with(json!({"ok": false, "error": "low balance"}))),
        (200, with(json!({"error": "low balance"}))),
        (200, with(json!({"internal_transaction_id": ""}))),
        (200, with(json!({"internal_transaction_id": null}))),
        (200, with(json!({"order_id": "another"}))),
        (200, with(json!({"payment_method": "card"}))),
        (200, with(json!({"fiat_amount": "1500.01"}))),
        (200, with(json!({"fiat_amount": "15e2"}))),
        (200, with(json!({"fiat_currency": "kzt"}))),
        (200, json!({"ok": true, "error": "low balance"}).to_string()),
        (200, json!({"ok": true}).to_string()),
        (200, "{\"ok\":true,\"internal_transaction_id\":".to_owned()),
        (200, "{\"internal_transaction_id\":\"a\",\"internal_transaction_id\":\"b\"}".to_owned()),
        (200, "[]".to_owned()),
        (200, "null".to_owned()),
        (200, String::new()),
        (200, "<html><body>low balance</body></html>".to_owned()),
        (400, "[\"low balance\"".to_owned()),
    ];
    for (status, body) in unclear {
        assert_eq!(said(status, &body), '?', "{status} {body}");
    }
    for body in [with(json!({"ok": null})), with(json!({"message": "created"})), with(json!({"new_member": [1]}))] {
        assert_eq!(said(200, &body), 'y', "{body}");
    }
}

fn opened(status: u16, body: &Json) -> Opening {
    done(exotic().open(&deposit("card"), &[Reply::new(status, body.to_string())]).unwrap())
}

fn to_pay() -> Json {
    json!({"ok": true, "internal_transaction_id": "t-2", "order_id": ID, "payment_method": "card", "fiat_amount": "300.00",
        "fiat_currency": "rub", "number_card": "4276345439581234", "phone_number": null, "bank_name": "Tinkoff",
        "full_name": "Petrov Petr", "created_at": "2024-02-15T09:30:45Z"})
}

#[test]
fn a_deposit_is_written_as_documented() {
    let order = DepositOrder { details: texts(&[("bank", "sber")]), ..deposit("card") };
    let call = wanted(exotic().open(&order, &[]).unwrap());

    assert_eq!(call.url.as_str(), "https://exotic.example/api/merchant/m1/create_pay_in", "no slash at its end");
    let callback = |kind| format!("https://casino.example/cashier/webhook/exotic/{kind}/{TOKEN}/{ID}");
    let sign = signature::pay_in(ID, "300.00", "rub", "card", &Secret::new(KEY)).unwrap();
    let expected = json!({"order_id": ID, "payment_method": "card", "fiat_amount": "300.00", "fiat_currency": "rub",
        "timeout": 30, "bank": "sber", "customer": "alice", "sign": sign, "success_callback_url": callback("success"),
        "error_callback_url": callback("error")});
    assert_eq!(body(&call), expected);
}

#[test]
fn the_player_is_shown_what_to_pay_to_how_much_and_until_when() {
    let Opening::Open(opened) = opened(200, &to_pay()) else { panic!("it is open") };

    let expected = texts(&[
        ("card_number", "4276345439581234"),
        ("bank_name", "Tinkoff"),
        ("holder", "Petrov Petr"),
        ("amount", "300.00"),
        ("currency", "RUB"),
        ("expires_at", "2024-02-15T10:00:45Z"),
    ]);
    assert_eq!((opened.requisites, opened.redirect_url), (expected, None));
    assert_eq!(opened.facts, texts(&[("internal_transaction_id", "t-2")]));
}

#[test]
fn another_amount_than_asked_for_is_shown_and_kept_for_people() {
    let mut answer = to_pay();
    answer["fiat_amount"] = "300.07".into();
    answer["expires_at"] = "2024-02-15T12:00:00+03:00".into();
    let Opening::Open(opened) = opened(200, &answer) else { panic!("it is open") };

    assert_eq!(opened.requisites["amount"], "300.07");
    assert_eq!(opened.requisites["expires_at"], "2024-02-15T09:00:00Z");
    assert_eq!(opened.facts["amount_differs"], "asked for 300.00, to be paid 300.07");
}

#[test]
fn a_page_is_a_way_to_pay_only_when_a_browser_may_go_there() {
    let page = |url: &str| opened(200, &json!({"internal_transaction_id": "t", "payment_url": url}));

    for url in ["https://pay.exotic.example/1", "http://127.0.0.1:9/1"] {
        assert!(matches!(page(url), Opening::Open(Opened { redirect_url: Some(to), .. }) if to == url));
    }
    for url in ["http://pay.exotic.example/1", "javascript:alert(1)", "/1", ""] {
        assert!(matches!(page(url), Opening::Unknown(_)), "{url}");
    }
}

#[test]
fn a_deposit_that_may_have_begun_is_not_called_refused() {
    let refused = ["overloading requisite", "low balance", "this payment method is disabled for your merchant"];
    for text in refused {
        assert!(matches!(opened(400, &json!({"error": text})), Opening::Refused(_)), "{text}");
        assert!(matches!(opened(500, &json!({"error": text})), Opening::Unknown(_)), "{text}");
    }
    let with = |name: &str, value: Json| {
        let mut answer = to_pay();
        answer[name] = value;
        answer
    };
    let unclear = [
        json!({"error": "duplicate order"}),
        json!({"error": "other"}),
        json!({"internal_transaction_id": "t"}),
        with("order_id", "another".into()),
        with("payment_method", "sbp".into()),
        with("fiat_currency", "kzt".into()),
        with("ok", false.into()),
    ];
    for answer in unclear {
        assert!(matches!(opened(200, &answer), Opening::Unknown(_)), "{answer}");
    }
}
