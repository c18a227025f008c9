//! Orders as they are written, and what the answers mean.

use serde_json::json;

use super::*;

#[test]
fn the_vector_with_two_objects_is_what_we_write() {
    let call = wanted(cabbagino().open(&deposit(), &[]).unwrap());

    assert_eq!((call.verb, call.url.as_str()), (Verb::Post, "https://api.mvpgateways.com/v2/payment/deposit/"));
    let key: Vec<_> = call.headers.iter().map(|(name, key)| (*name, key.expose())).collect();
    assert_eq!(key, [("merchant_key", "a-merchant-key-of-these-tests")]);
    let expected = json!({"payment_system": "TEST_PS", "external_id": "1234512123124",
        "customer": {"customer_id": "JohnDoe", "country": "LV", "first_name": "Test", "last_name": "Test"},
        "amount": 2000, "currency": "USD", "payment_data": {"card_number": "4111111111111111", "card_holder": "John Doe",
        "exp_year": "2028", "exp_month": "06", "cvv": "123"}, "signature": "00e602cdecb14e770ef2eadefd5fbc23c73b765e"});
    assert_eq!(body(&call), expected);
}

#[test]
fn a_payout_has_its_own_address_and_no_code_of_the_card() {
    let call = wanted(cabbagino().pay(&payout(), &[]).unwrap());

    assert_eq!(call.url.as_str(), "https://api.mvpgateways.com/v2/payment/payout/");
    let body = body(&call);
    assert_eq!(
        body["payment_data"],
        json!({"card_number": "4111111111111111", "card_holder": "John Doe", "exp_year": "2028", "exp_month": "06"})
    );
    assert_eq!(call.body, wanted(cabbagino().pay(&payout(), &[]).unwrap()).body, "the same order, the same bytes");
    assert!(call.hidden.iter().any(|text| text.expose() == "4111111111111111"));
    let mut order = payout();
    order.details.insert("cvv".to_owned(), "123".to_owned());
    assert!(matches!(cabbagino().pay(&order, &[]), Err(Error::Invalid("details"))));
}

#[test]
fn amounts_are_minor_units_and_whole_units_where_there_are_none() {
    let amount = |minor, code| {
        let order = PayoutOrder { amount: money(minor, code), ..payout() };
        cabbagino().pay(&order, &[]).map(|step| body(&wanted(step))["amount"].clone())
    };
    for code in ["USD", "JPY", "CLP", "VND", "KRW", "ISK", "PYG", "KWD"] {
        assert_eq!(amount(2_000, code).unwrap(), 2_000, "{code}");
    }
    assert!(matches!(amount(2_000, "UGX"), Err(Error::UnsupportedCurrency)));
}

#[test]
fn what_would_sign_two_readings_is_not_sent() {
    let mut by_login = payout();
    by_login.login = Login::parse("alice;country:US").unwrap();
    assert!(matches!(cabbagino().pay(&by_login, &[]), Err(Error::Invalid("customer_id"))));
    for text in ["John;card_number:4000000000000002", "John;", "a\nb"] {
        let mut order = payout();
        order.details.insert("card_holder".to_owned(), text.to_owned());
        assert!(matches!(cabbagino().pay(&order, &[]), Err(Error::Invalid("card_holder"))), "{text:?}");
    }
    let order = PayoutOrder { rail: Some("A;signature:x".to_owned()), ..payout() };
    assert!(matches!(cabbagino().pay(&order, &[]), Err(Error::Invalid("method"))));
    let mut names = payout();
    names.optional = [("country_code", "lv"), ("first_name", "Te;last_name:X"), ("last_name", "O'Neil\n")]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .to_vec();
    let body = body(&wanted(cabbagino().pay(&names, &[]).unwrap()));
    let customer =
        json!({"customer_id": "JohnDoe", "country": "LV", "first_name": "Te,last_name:X", "last_name": "O'Neil "});
    assert_eq!(body["customer"], customer, "a name is for people, and may be rewritten");
}

#[test]
fn a_player_without_a_name_or_country_cannot_be_paid() {
    for (without, name) in [("country_code", "country"), ("first_name", "first_name"), ("last_name", "last_name")] {
        let mut order = payout();
        order.optional.retain(|(name, _)| name != without);
        let missing = cabbagino().pay(&order, &[]);
        assert!(matches!(missing, Err(Error::Missing(field)) if field == name), "{without}");
    }
}

/// The details of each form, as the manual's samples have them.
fn samples(direction: Direction) -> Vec<(&'static str, Texts)> {
    let mut card = texts(&CARD);
    if direction == Direction::Deposit {
        card.insert("cvv".to_owned(), "123".to_owned());
    }
    let vega = texts(&[("wallet", "U000060"), ("password", "secret word")]);
    let mut samples = vec![("card", card), ("vega", vega), ("jeton", texts(&[("wallet", "12345678")]))];
    match direction {
        Direction::Deposit => samples.push(("p2p", Texts::new())),
        Direction::Payout => {
            samples.push((
                "p2p",
                texts(&[("bank_name", "First Bank"), ("card_number", "4111111111111111"), ("card_holder", "John Doe")]),
            ));
            samples.push((
                "japan_bank",
                texts(&[
                    ("account_number", "6858629"),
                    ("owner_name", "SHIGEKI KOMURO"),
                    ("owner_native_name", "シゲキ コムロ"),
                    ("bank_name", "First Bank"),
                    ("bank_code", "0125"),
                    ("branch_name", "BB-24"),
                    ("branch_code", "279"),
                ]),
            ));
        }
    }
    samples
}

#[test]
fn every_method_is_checked_by_its_own_form_named_or_not() {
    for direction in [Direction::Deposit, Direction::Payout] {
        for (form, details) in samples(direction) {
            let named = cabbagino_with(&format!("payment_data = {{ X = \"{form}\" }}"));
            for cabbagino in [named, cabbagino()] {
                let check = |details: &Texts| cabbagino.check(SITE, direction, Some("X"), details);
                assert!(check(&details).is_ok(), "{form} {direction:?}: {:?}", check(&details));
                let mut more = details.clone();
                more.insert("external_id".to_owned(), "7".to_owned());
                assert!(matches!(check(&more), Err(Error::Invalid("details"))), "{form} {direction:?}");
                for name in details.keys() {
                    let mut bad = details.clone();
                    bad.insert(name.clone(), " ".to_owned());
                    assert!(matches!(check(&bad), Err(Error::Missing(missing)) if missing == name), "{form} {name}");
                    bad.insert(name.clone(), "x;amount:1".to_owned());
                    assert!(matches!(check(&bad), Err(Error::Invalid(wrong)) if wrong == name), "{form} {name}");
                }
            }
        }
    }
}

#[test]
fn a_form_that_the_settings_name_is_the_only_one() {
    let named = cabbagino_with("payment_data = { X = \"p2p\", JP = \"japan_bank\" }");
    let wallet = texts(&[("wallet", "12345678")]);

    assert!(matches!(named.check(SITE, Direction::Payout, Some("X"), &wallet), Err(Error::Missing("bank_name"))));
    assert!(matches!(named.check(SITE, Direction::Deposit, Some("X"), &wallet), Err(Error::Invalid("details"))));
    assert!(matches!(named.check(SITE, Direction::Deposit, Some("JP"), &Texts::new()), Err(Error::Invalid("method"))));
    assert!(matches!(
        named.check(SITE, Direction::Deposit, Some("TEST_PS"), &Texts::new()),
        Err(Error::Missing("card_number"))
    ));
    assert!(matches!(named.check(SITE, Direction::Deposit, None, &Texts::new()), Err(Error::Missing("method"))));
}

#[test]
fn details_of_a_card_are_what_stands_on_cards() {
    let bad = [
        ("card_number", "41111111111"),
        ("card_number", "41111111111111111111"),
        ("card_number", "4111 1111 1111 1111"),
        ("exp_year", "28"),
        ("exp_month", "13"),
        ("exp_month", "00"),
        ("exp_month", "6"),
        ("cvv", "12"),
        ("cvv", "12345"),
        ("cvv", "12a"),
    ];
    for (name, text) in bad {
        let mut order = deposit();
        order.details.insert(name.to_owned(), text.to_owned());
        let refused = cabbagino().open(&order, &[]);
        assert!(matches!(refused, Err(Error::Invalid(wrong)) if wrong == name), "{name} {text}");
    }
}

fn answer(kind: i64, status: i64) -> Json {
    json!({"status": status, "type": kind, "external_id": ID, "order_id": "173805987126016235868313296400"})
}

fn with(mut answer: Json, name: &str, value: Json) -> Json {
    answer[name] = value;
    answer
}

fn paid(status: u16, body: impl ToString) -> InitiationAnswer {
    done(cabbagino().pay(&payout(), &[Reply::new(status, body.to_string())]).unwrap())
}

#[test]
fn a_payout_is_taken_declined_or_nobody_knows() {
    for status in 1..=4 {
        for kind in [2, 11] {
            let InitiationAnswer::Accepted(_, facts) = paid(200, answer(kind, status)) else { panic!("{status}") };
            assert_eq!(facts, texts(&[("order_id", "173805987126016235868313296400")]));
        }
    }
    let declined =
        json!({"status": 5, "type": 2, "external_id": ID, "reason_code": "001", "reason": "General decline"});
    let expected = "status 5 reason_code: 001, reason: General decline";
    assert_eq!(paid(200, &declined), InitiationAnswer::Refused(expected.to_owned()));
    assert!(matches!(paid(200, signed(answer(2, 1))), InitiationAnswer::Accepted(..)));
    let unclear = [
        (200, answer(2, 6)),
        (200, answer(2, 7)),
        (200, answer(2, 0)),
        (200, answer(2, 8)),
        (200, answer(1, 1)),
        (200, answer(3, 4)),
        (200, answer(1, 5)),
        (200, with(answer(2, 1), "external_id", "another".into())),
        (200, with(answer(2, 5), "external_id", "another".into())),
        (200, with(answer(2, 5), "external_id", Json::Null)),
        (200, with(answer(2, 1), "status", "ok".into())),
        (200, with(answer(2, 1), "status", Json::Null)),
        (200, with(answer(2, 1), "type", json!([2]))),
        (200, with(answer(2, 1), "signature", "00".into())),
        (200, with(answer(2, 5), "signature", Json::Null)),
        (200, signed_with(answer(2, 1), "another salt")),
        (200, json!({"success": false, "errors": "no"})),
        (400, json!({"success": false, "errors": "Invalid parameter"})),
        (403, json!({"success": false, "errors": "Invalid merchant key"})),
        (400, declined.clone()),
        (500, answer(2, 1)),
        (302, answer(2, 1)),
        (429, answer(2, 5)),
        (200, json!([])),
    ];
    for (status, body) in unclear {
        assert!(matches!(paid(status, &body), InitiationAnswer::Unknown(_)), "{status} {body}");
    }
    for text in ["", "<html>", "{\"status\":1", "{\"status\":5,\"status\":1}"] {
        assert!(matches!(paid(200, text), InitiationAnswer::Unknown(_)), "{text}");
    }
}

fn opened(status: u16, body: impl ToString) -> Opening {
    done(cabbagino().open(&deposit(), &[Reply::new(status, body.to_string())]).unwrap())
}

#[track_caller]
fn open(body: impl ToString) -> Opened {
    match opened(200, body) {
        Opening::Open(opened) => opened,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deposit_leads_to_a_page_to_requisites_or_nowhere() {
    let page = open(with(answer(1, 3), "redirect", "https://bank.example/3ds?x=1".into()));
    assert_eq!(page.redirect_url.as_deref(), Some("https://bank.example/3ds?x=1"));
    assert_eq!(page.facts, texts(&[("order_id", "173805987126016235868313296400")]));

    let shown = json!({"card": "5555555555554444", "card_holder": "Jane Roe", "bank_name": "First Bank", "comment": "7",
        "Odd": "x", "empty": "", "deep": {"a": 1}});
    let expected = texts(&[
        ("card_number", "5555555555554444"),
        ("holder", "Jane Roe"),
        ("bank_name", "First Bank"),
        ("comment", "7"),
        ("amount", "20.00"),
        ("currency", "USD"),
    ]);
    assert_eq!(open(with(answer(1, 1), "display_data", shown)).requisites, expected);

    let nothing = open(answer(1, 2));
    assert!(nothing.redirect_url.is_none() && nothing.requisites.is_empty());
    let signed_objects = open(signed(with(answer(1, 1), "display_data", json!({"card": "5555555555554444"}))));
    assert_eq!(signed_objects.requisites["card_number"], "5555555555554444");
}

#[test]
fn a_deposit_that_may_have_begun_is_not_called_refused() {
    let declined = with(with(answer(1, 5), "reason_code", "001".into()), "reason", "General decline".into());
    assert!(matches!(opened(200, &declined), Opening::Refused(why) if why.contains("General decline")));
    let unclear = [
        (500, declined.clone()),
        (400, declined.clone()),
        (200, answer(2, 1)),
        (200, answer(2, 5)),
        (200, answer(1, 6)),
        (200, answer(1, 7)),
        (200, with(answer(1, 3), "redirect", "javascript:alert(1)".into())),
        (200, with(answer(1, 3), "redirect", "http://bank.example/".into())),
        (200, with(answer(1, 5), "external_id", "another".into())),
    ];
    for (status, body) in unclear {
        assert!(matches!(opened(status, &body), Opening::Unknown(_)), "{status} {body}");
    }
}
