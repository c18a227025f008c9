//! Notifications: who may send them, what they must hold, what of them is kept.

use serde_json::json;

use super::super::super::News;
use super::*;

fn refusal(outcome: Result<Notification, ReadError>) -> (u16, String) {
    match outcome {
        Ok(_) => (200, "accepted".to_owned()),
        Err(error) => {
            let answer = answer::unread_notification(&error);
            (answer.http, answer.error_description.unwrap())
        }
    }
}

#[test]
fn a_notification_is_read_whole() {
    let notification = tell(&Message::news(3, 4).signed()).unwrap();

    assert_eq!((notification.provider, notification.site, notification.signed), ("carouseller", SiteId(SITE), true));
    assert_eq!((notification.external_id.as_str(), notification.login.as_str()), ("order_1", "user_test"));
    assert_eq!((notification.amount_minor, notification.currency.as_str()), (10_000, "USD"));
    assert_eq!(notification.real, Some((10_000, "USD".to_owned())));
    assert_eq!(notification.transaction_id, "123456789");
    assert_eq!((notification.news, notification.codes.as_str()), (News::DepositPaid, "type 3 status 4"));
    assert_eq!(notification.content.len(), 11, "everything but the signature is kept");
}

#[test]
fn a_missing_or_malformed_field_is_named_and_is_no_matter_of_the_signature() {
    for name in ["external_id", "site_login", "amount", "currency", "type_id", "status_id", "transaction_id"] {
        let missing = (400, format!("Missing parameter {name}"));
        assert_eq!(refusal(tell(&Message::news(3, 4).without(name).signed())), missing);
        assert_eq!(refusal(tell(&Message::news(3, 4).with(name, "  ").signed())), missing);
    }
    let cases = [
        ("external_id", json!("a;b"), "Invalid parameter external_id"),
        ("external_id", json!("x".repeat(257)), "Invalid parameter external_id"),
        ("external_id", json!(["order_1"]), "Invalid parameter external_id"),
        ("site_login", json!(null), "Invalid parameter site_login"),
        ("amount", json!(0), "Invalid amount"),
        ("amount", json!(100.0), "Invalid amount"),
        ("amount", json!("-1"), "Invalid amount"),
        ("currency", json!("US"), "Invalid parameter currency"),
        ("currency", json!("U$D"), "Invalid parameter currency"),
        ("type_id", json!("three"), "Invalid parameter type_id"),
        ("type_id", json!(3.0), "Invalid parameter type_id"),
        ("status_id", json!("04"), "Invalid parameter status_id"),
        ("status_id", json!(-4), "Invalid parameter status_id"),
        ("status_id", json!(true), "Invalid parameter status_id"),
        ("transaction_id", json!("1;2"), "Invalid parameter transaction_id"),
        ("real_amount", json!("ten"), "Invalid parameter real_amount"),
        ("real_amount", json!(-1), "Invalid parameter real_amount"),
        ("real_currency", json!("U;D"), "Invalid parameter real_currency"),
        ("processor_message", json!("x".repeat(1025)), "Invalid parameter processor_message"),
        ("processor_message", json!(["x"]), "Invalid parameter processor_message"),
        ("processor_id", json!({}), "Invalid parameter processor_id"),
        ("completed_at", json!("a\u{0}"), "Invalid parameter completed_at"),
    ];
    for (name, value, expected) in cases {
        let message = Message::news(3, 4).with(name, value.clone()).signed();
        assert_eq!(refusal(tell(&message)), (400, expected.to_owned()), "{name} = {value}");
    }
}

#[test]
fn a_wrong_signature_or_a_second_reading_is_forbidden() {
    let invalid = (403, "Invalid signature".to_owned());
    let right = Message::news(3, 4).signed();

    assert_eq!(refusal(tell(&Message::news(3, 4))), invalid);
    assert_eq!(refusal(tell(&right.clone().with("status_id", 6))), invalid);
    assert_eq!(refusal(tell(&right.clone().with("signature", ""))), invalid);
    let smuggled = Message::news(3, 6).with("processor_message", "x;status_id:4").signed();
    assert_eq!(refusal(tell(&smuggled)), invalid);
    assert_eq!(refusal(tell(&Message::news(3, 4).with("site_id", 1).signed())), (403, "Unknown site".to_owned()));
    assert_eq!(refusal(tell(&right)), (200, "accepted".to_owned()));
}

#[test]
fn a_question_is_not_a_notification() {
    let invalid = (403, "Invalid signature".to_owned());
    for (name, value) in [
        ("action", json!("check_deposit")),
        ("action", json!("anything")),
        ("action", json!(null)),
        ("name", json!("check_deposit")),
        ("name", json!("request_payout")),
        ("name", json!("payout")),
    ] {
        assert_eq!(refusal(tell(&Message::news(3, 4).with(name, value).signed())), invalid);
    }
    assert_eq!(refusal(tell(&Message::deposit().signed())), invalid);
    assert_eq!(refusal(tell(&Message::news(3, 4).with("name", "John").signed())).0, 200);
    assert_eq!(refusal(tell(&Message::news(3, 4).with("action", " ").signed())).0, 200);
}

#[test]
fn an_unsigned_notification_is_a_hint_only_where_the_site_and_the_address_allow_it() {
    let from = |site: SiteWire, message: &Message, peer: &str| {
        let body = message.json();
        let request = RawRequest { peer: peer.parse().unwrap(), ..json_body(&body) };
        Carouseller::new([site]).read_notification(&request)
    };
    let unsigned = Message::news(3, 4);
    let accepting = SiteWire { accept_unsigned: true, ..listed_site() };
    let listless = SiteWire { accept_unsigned: true, ..site() };

    assert!(!from(accepting.clone(), &unsigned, CASHIER).unwrap().signed);
    assert!(!from(accepting.clone(), &unsigned.clone().with("signature", " "), CASHIER).unwrap().signed);
    assert!(from(accepting.clone(), &unsigned.clone().signed(), CASHIER).unwrap().signed);
    let wrong = unsigned.clone().with("signature", "0".repeat(40));
    let refused = [
        (accepting.clone(), &wrong, CASHIER, ReadError::InvalidSignature),
        (accepting.clone(), &unsigned, NO_PEER, ReadError::AddressNotAllowed),
        (accepting, &unsigned, "127.0.0.1", ReadError::AddressNotAllowed),
        (listless, &unsigned, CASHIER, ReadError::InvalidSignature),
        (listed_site(), &unsigned, CASHIER, ReadError::InvalidSignature),
        (site(), &unsigned, CASHIER, ReadError::InvalidSignature),
    ];
    for (site, message, peer, expected) in refused {
        assert_eq!(from(site, message, peer).unwrap_err().to_string(), expected.to_string());
    }
}

#[test]
fn the_same_notification_has_one_digest_in_every_dress() {
    let message = Message::news(11, 4).with("order_id", "217742619264065507927945843197");
    let signed = message.clone().signed();
    let form = signed.form();
    let texts = message.clone().with("amount", "10000").with("empty", "").signed();
    let shouted = signed.clone().with("signature", signed.0["signature"].as_str().unwrap().to_uppercase());

    let first = tell(&signed).unwrap();

    assert_eq!(Carouseller::new([site()]).read_notification(&form_body(&form)).unwrap(), first);
    assert_eq!(tell(&texts).unwrap().digest, first.digest);
    assert_eq!(tell(&shouted).unwrap().digest, first.digest);
    for (name, value) in [("status_id", json!(6)), ("new_field", json!("x")), ("processor_message", json!("success"))] {
        assert_ne!(tell(&message.clone().with(name, value).signed()).unwrap().digest, first.digest, "{name}");
    }
}

#[test]
fn card_numbers_are_cut_in_everything_that_is_kept() {
    let message = Message::news(11, 4)
        .with("customer_purse", "4111111111111111")
        .with("processor_message", "paid to 4111-1111-1111-1111")
        .with("cards", json!(["5555555555554444", "x"]));

    let kept = tell(&message.signed()).unwrap();

    let shown = format!("{:?}", kept.content);
    assert!(shown.contains("411111...1111") && shown.contains("paid to 411111...1111"), "{shown}");
    assert!(!shown.contains("4111111111111111") && !shown.contains("5555555555554444"), "{shown}");
}

#[test]
fn the_channels_amount_is_optional_and_may_be_zero() {
    let real = |message: Message| tell(&message.signed()).unwrap().real;

    assert_eq!(real(Message::news(3, 4).without("real_amount")), None);
    assert_eq!(real(Message::news(3, 4).without("real_currency")), Some((10_000, "USD".to_owned())));
    assert_eq!(real(Message::news(3, 6).with("real_amount", 0)), Some((0, "USD".to_owned())));
    assert_eq!(real(Message::news(3, 4).with("real_currency", "usdt")), Some((10_000, "USDT".to_owned())));
}

#[test]
fn unknown_orders_and_currencies_of_others_are_told_not_refused() {
    let message =
        Message::news(3, 4).with("external_id", "заказ №1/".to_owned() + &"x".repeat(200)).with("currency", "zzz");

    assert_eq!(tell(&message.signed()).unwrap().currency, "ZZZ");
}
