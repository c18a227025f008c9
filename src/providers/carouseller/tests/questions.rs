//! Questions: fields, their order, and what counts as the same question.

use serde_json::{Value, json};

use super::super::super::Direction;
use super::*;

/// The refusal as a short text: the variant, and the field where there is one.
fn refusal(message: &Message) -> String {
    said(ask(message))
}

fn said(outcome: Result<Question, ReadError>) -> String {
    match outcome {
        Ok(_) => "accepted".to_owned(),
        Err(error) => answer::unread_question(&error).error_description.unwrap(),
    }
}

#[test]
fn a_deposit_question_is_read_whole() {
    let question = ask(&Message::deposit().signed()).unwrap();

    assert_eq!(question.direction, Direction::Deposit);
    assert_eq!((question.site, question.login.as_str()), (SiteId(SITE), "user_test"));
    assert_eq!(question.amount.to_string(), "100.00 USD");
    assert_eq!(question.transaction_id.as_deref(), Some("1234567890"));
    assert_eq!(question.purse.as_deref(), Some("555555...4444"));
    let details: Vec<_> = question.details.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(
        details,
        [("payment_group_id", "6"), ("payment_type_id", "18"), ("customer_ip", "127.0.0.1"), ("source_type", "4")]
    );
}

#[test]
fn a_payout_question_is_read_whole() {
    let question = ask(&Message::payout().signed()).unwrap();

    assert_eq!(question.direction, Direction::Payout);
    assert_eq!(question.amount.to_string(), "100.00 GBP");
    assert_eq!(question.transaction_id, None);
    assert!(question.details.contains(&("remember_customer_purse".to_owned(), "0".to_owned())));
}

#[test]
fn a_malformed_field_is_refused_by_its_name_although_the_signature_holds() {
    let long = |count| json!("ж".repeat(count));
    let cases: Vec<(&str, Value, &str)> = vec![
        ("site_login", json!(""), "Missing parameter site_login"),
        ("site_login", json!(" \t\u{1c}\u{3000}"), "Missing parameter site_login"),
        ("site_login", long(129), "Invalid parameter site_login"),
        ("site_login", json!("a;b"), "Invalid parameter site_login"),
        ("site_login", json!("a\u{0}b"), "Invalid parameter site_login"),
        ("site_login", json!("a\u{85}b"), "Invalid parameter site_login"),
        ("site_login", json!(["a"]), "Invalid parameter site_login"),
        ("site_login", json!([]), "Invalid parameter site_login"),
        ("site_login", json!({}), "Invalid parameter site_login"),
        ("site_login", json!(true), "Invalid parameter site_login"),
        ("site_login", json!(null), "Invalid parameter site_login"),
        ("site_login", json!(1.5), "Invalid parameter site_login"),
        ("amount", json!(""), "Missing parameter amount"),
        ("amount", json!(0), "Invalid amount"),
        ("amount", json!(-5), "Invalid amount"),
        ("amount", json!("+5"), "Invalid amount"),
        ("amount", json!("05"), "Invalid amount"),
        ("amount", json!(" 5"), "Invalid amount"),
        ("amount", json!("5.0"), "Invalid amount"),
        ("amount", json!(5.0), "Invalid amount"),
        ("amount", json!("1e3"), "Invalid amount"),
        ("amount", json!("0x10"), "Invalid amount"),
        ("amount", json!("1_000"), "Invalid amount"),
        ("amount", json!("٣"), "Invalid amount"),
        ("amount", json!("1000000000000001"), "Invalid amount"),
        ("amount", json!(true), "Invalid amount"),
        ("amount", json!(null), "Invalid amount"),
        ("amount", json!([100]), "Invalid amount"),
        ("amount", json!("100;x"), "Invalid amount"),
        ("currency", json!(" "), "Missing parameter currency"),
        ("currency", json!("EUR"), "Unsupported currency"),
        ("currency", json!("US"), "Unsupported currency"),
        ("currency", json!("USDT"), "Unsupported currency"),
        ("currency", json!(840), "Unsupported currency"),
        ("currency", json!(["USD"]), "Invalid parameter currency"),
        ("payment_group_id", json!(""), "Missing parameter payment_group_id"),
        ("payment_group_id", json!("six"), "Invalid parameter payment_group_id"),
        ("payment_group_id", json!(6.0), "Invalid parameter payment_group_id"),
        ("payment_group_id", json!(-6), "Invalid parameter payment_group_id"),
        ("payment_group_id", json!("06"), "Invalid parameter payment_group_id"),
        ("payment_type_id", json!(""), "Missing parameter payment_type_id"),
        ("payment_type_id", json!(false), "Invalid parameter payment_type_id"),
        ("customer_ip", json!("localhost"), "Invalid parameter customer_ip"),
        ("customer_ip", json!("1.2.3.4 "), "Invalid parameter customer_ip"),
        ("source_type", json!("4.5"), "Invalid parameter source_type"),
        ("source_type", json!(null), "Invalid parameter source_type"),
        ("transaction_id", json!("a;b"), "Invalid parameter transaction_id"),
        ("transaction_id", json!("a\nb"), "Invalid parameter transaction_id"),
        ("transaction_id", long(129), "Invalid parameter transaction_id"),
        ("transaction_id", json!([1, 2]), "Invalid parameter transaction_id"),
        ("customer_purse", json!("a;b"), "Invalid parameter customer_purse"),
        ("customer_purse", json!({"card": ""}), "Invalid signature"),
        ("customer_purse", long(1025), "Invalid parameter customer_purse"),
        ("merchant_purse", json!(["x"]), "Invalid parameter merchant_purse"),
        ("remember_customer_purse", json!("2"), "Invalid parameter remember_customer_purse"),
        ("remember_customer_purse", json!(true), "Invalid parameter remember_customer_purse"),
    ];
    for (name, value, expected) in cases {
        let message = Message::deposit().with(name, value.clone()).signed();

        assert_eq!(refusal(&message), expected, "{name} = {value}");
    }
}

#[test]
fn a_field_at_its_bounds_is_accepted() {
    let cases: Vec<(&str, Value)> = vec![
        ("site_login", json!("ж".repeat(128))),
        ("site_login", json!(6336914)),
        ("amount", json!("10000")),
        ("amount", json!(1000000000000000_i64)),
        ("currency", json!("usd")),
        ("payment_group_id", json!("0")),
        ("customer_ip", json!("2001:db8::1")),
        ("customer_ip", json!("")),
        ("customer_purse", json!(4444)),
        ("transaction_id", json!(1234567890)),
    ];
    for (name, value) in cases {
        let message = Message::deposit().with(name, value.clone()).signed();

        assert_eq!(refusal(&message), "accepted", "{name} = {value}");
    }
}

#[test]
fn every_required_field_is_missed_by_its_name() {
    let shared = ["site_login", "amount", "currency", "payment_group_id"];
    for name in shared.into_iter().chain(["payment_type_id"]) {
        let message = Message::deposit().without(name).signed();
        assert_eq!(refusal(&message), format!("Missing parameter {name}"));
    }
    for name in shared.into_iter().chain(["customer_purse", "remember_customer_purse"]) {
        let message = Message::payout().without(name).signed();
        assert_eq!(refusal(&message), format!("Missing parameter {name}"));
    }
    for name in ["customer_purse", "customer_ip", "source_type", "transaction_id"] {
        assert_eq!(refusal(&Message::deposit().without(name).signed()), "accepted", "{name} is optional");
    }
}

#[test]
fn checks_come_in_the_order_of_the_contract() {
    let mut message = Message::deposit().with("action", "sell").with("site_id", 1).with("site_login", "");
    let mut step = |name: &str, value: Value, expected: &str| {
        let listed = Carouseller::new([listed_site()]);
        let body = message.json();
        let request = RawRequest { peer: NO_PEER.parse().unwrap(), ..json_body(&body) };
        assert_eq!(said(listed.read_question(&request)), expected);
        message = message.clone().with(name, value);
    };

    step("action", json!("check_deposit"), "Unknown action");
    step("site_id", json!(SITE), "Unknown site");
    step("signature", json!("0".repeat(40)), "Address is not allowed");
    assert_eq!(refusal(&message), "Invalid signature");
    assert_eq!(refusal(&message.with("amount", 0).signed()), "Missing parameter site_login");
}

#[test]
fn a_signature_that_is_not_right_is_refused_whatever_it_looks_like() {
    let right = Message::deposit().signed();
    let text = right.0["signature"].as_str().unwrap().to_owned();
    let values = [
        json!(""),
        json!("   "),
        json!(null),
        json!(true),
        json!([text]),
        json!(0),
        json!(text[..39]),
        json!(format!("{text}0")),
        json!(format!(" {text}")),
        json!(format!("{text}\n")),
        json!("g".repeat(40)),
        json!("٣".repeat(20)),
        json!("0".repeat(40)),
    ];
    for value in values {
        assert_eq!(refusal(&right.clone().with("signature", value.clone())), "Invalid signature", "{value}");
    }
    assert_eq!(refusal(&right.clone().without("signature")), "Invalid signature");
    assert_eq!(refusal(&right.clone().with("amount", 10001)), "Invalid signature");
    assert_eq!(refusal(&right.clone().with("added_later", "1")), "Invalid signature");
    assert_eq!(refusal(&right.clone().without("source_type")), "Invalid signature");
    assert_eq!(refusal(&Message::deposit().signed_with(&Secret::new("another salt"))), "Invalid signature");
    assert_eq!(refusal(&Message::deposit().signed_with(&Secret::new(""))), "Invalid signature");
    assert_eq!(refusal(&right.clone().with("signature", text.to_uppercase())), "accepted");
    assert_eq!(refusal(&Message::deposit().signed_with(&Secret::new("the salt before"))), "accepted");
}

#[test]
fn a_rightly_signed_text_with_two_readings_is_refused_like_a_wrong_signature() {
    let values = [
        json!("x;amount:1"),
        json!(";a:"),
        json!("x;;a_1:y"),
        json!("a:b;c;d:e"),
        json!(["1", "b:2"]),
        json!(["1;b:2"]),
        json!({"a": "b"}),
        json!([{"a": "b"}]),
        json!({"a": ""}),
    ];
    for value in values {
        assert_eq!(refusal(&Message::deposit().with("note", value.clone()).signed()), "Invalid signature", "{value}");
    }
    for value in [json!("x;"), json!("1:10,20;"), json!("12,1,7;5,8,1"), json!("x; a:b"), json!("x;É:b"), json!("a:b")]
    {
        assert_eq!(refusal(&Message::deposit().with("note", value.clone()).signed()), "accepted", "{value}");
    }
}

#[test]
fn unknown_fields_are_signed_and_otherwise_ignored() {
    let plain = ask(&Message::deposit().signed()).unwrap();
    for value in [json!("x"), json!(true), json!(false), json!(null), json!(1.50), json!([3, 1]), json!([]), json!({})]
    {
        let question = ask(&Message::deposit().with("display_payment_group_id", value).signed()).unwrap();
        assert_eq!(question, plain);
    }
}

#[test]
fn the_action_may_be_called_name_and_nothing_else() {
    let named = |name: &str| Message::deposit().without("action").with("name", name);

    assert_eq!(refusal(&named("check_deposit").signed()), "accepted");
    assert_eq!(refusal(&named("check_deposit").with("action", " ").signed()), "accepted");
    assert_eq!(refusal(&named("check_deposit").with("action", "payout").signed()), "Unknown action");
    assert_eq!(refusal(&named("payout").signed()), "Unknown action");
    assert_eq!(refusal(&named("").signed()), "Missing parameter action");
    for action in [json!("CHECK_DEPOSIT"), json!(" check_deposit"), json!(1), json!(["check_deposit"]), json!(null)] {
        assert_eq!(refusal(&Message::deposit().with("action", action).signed()), "Unknown action");
    }
}

#[test]
fn only_the_plain_number_of_a_known_site_is_a_site() {
    for value in
        [json!(1), json!("0332"), json!("332 "), json!(332.0), json!("x"), json!(null), json!([332]), json!("")]
    {
        let message = Message::deposit().with("site_id", value.clone()).signed();
        assert_eq!(refusal(&message), "Unknown site", "{value}");
    }
    assert_eq!(refusal(&Message::deposit().without("site_id").signed()), "Unknown site");
    assert_eq!(refusal(&Message::deposit().with("site_id", "332").signed()), "accepted");
}

#[test]
fn addresses_outside_the_list_are_refused_and_ipv6_dress_does_not_matter() {
    let body = Message::deposit().signed().json();
    let from = |peer: &str| {
        let request = RawRequest { peer: peer.parse().unwrap(), ..json_body(&body) };
        said(Carouseller::new([listed_site()]).read_question(&request))
    };

    assert_eq!(from(CASHIER), "accepted");
    assert_eq!(from("::ffff:198.51.100.7"), "accepted");
    assert_eq!(from(NO_PEER), "Address is not allowed");
    assert_eq!(from("::1"), "Address is not allowed");
}

#[test]
fn the_same_question_has_one_fingerprint_in_every_dress() {
    let json = Message::deposit().signed();
    let texts = json.clone().with("amount", "10000").with("site_id", "332").with("transaction_id", 1234567890);
    let form = json.form();
    let dealer = Carouseller::new([site()]);
    let query = RawRequest { query: &form, ..raw(None, b"") };

    let first = ask(&json).unwrap();

    assert_eq!(ask(&texts).unwrap(), first);
    assert_eq!(dealer.read_question(&form_body(&form)).unwrap(), first);
    assert_eq!(dealer.read_question(&query).unwrap(), first);
    let dressed = [("currency", json!("usd")), ("merchant_purse", json!(" ")), ("other", json!("1"))];
    for (name, value) in dressed.into_iter().chain([("transaction_id", json!("2"))]) {
        let question = ask(&Message::deposit().with(name, value).signed()).unwrap();
        assert_eq!(question.fingerprint, first.fingerprint, "{name}");
    }
}

#[test]
fn another_question_has_another_fingerprint() {
    let first = ask(&Message::deposit().signed()).unwrap().fingerprint;
    let changes = [
        ("site_login", json!("user_tesT")),
        ("amount", json!(10001)),
        ("currency", json!("GBP")),
        ("customer_purse", json!("555555...4445")),
        ("payment_group_id", json!(7)),
        ("payment_type_id", json!(19)),
        ("customer_ip", json!("127.0.0.2")),
        ("source_type", json!(5)),
        ("source_type", json!("")),
        ("merchant_purse", json!("0x1")),
        ("remember_customer_purse", json!(1)),
    ];
    for (name, value) in changes {
        let question = ask(&Message::deposit().with(name, value).signed()).unwrap();
        assert_ne!(question.fingerprint, first, "{name}");
    }
    let as_payout = Message::deposit().with("action", "request_payout").with("remember_customer_purse", 0).signed();
    assert_ne!(ask(&as_payout).unwrap().fingerprint, first);
}

#[test]
fn a_whole_card_number_is_cut_after_its_signature_was_checked() {
    let question = ask(&Message::payout().with("customer_purse", "4111 1111 1111 1111").signed()).unwrap();

    assert_eq!(question.purse.as_deref(), Some("411111...1111"));
    assert!(!format!("{question:?}").contains("4111 1111"));
}
