//! Callbacks, and what is asked of an order's status.

use super::*;
use crate::providers::{Direction, News, Surplus};

fn callback() -> Json {
    json!({"request_id": "280", "site_login": "u1", "amount": 8000, "description": "", "status": 3, "currency": "USD",
        "site_id": 21, "invoice_id": 905_910, "received_amount": 8000, "received_currency": "USD", "method": "card",
        "transaction_id": "116579133176442782754521496079", "is_payout": false})
}

fn raw(text: &str) -> RawRequest<'_> {
    RawRequest::plain(Some("application/json"), "", text.as_bytes(), PEER)
}

fn read_as(cactus: &Cactus, text: &str) -> Result<Notification, ReadError> {
    match cactus.read(&raw(text)) {
        Ok(Heard::Notification(notification)) => Ok(*notification),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    }
}

fn heard(changes: &[(&str, Json)]) -> Result<Notification, ReadError> {
    read_as(&cactus(), &signed(with(callback(), changes)))
}

/// The sample body of the manual with the digest of vector K11, which is K11's because its own salt is not known.
#[test]
fn the_published_callback_is_read() {
    let text = r#"{"request_id": "280", "site_login": "qtywugbjhdbjbal123", "amount": 8000, "description": "",
        "transaction_id": "116579133176442782754521496079", "status": 3, "currency": "USD", "site_id": 21,
        "invoice_id": 905910, "received_amount": 8000, "received_currency": "USD", "method": "card",
        "signature": "18562680ae4e2249abe697fb37bdf8d0decb4184"}"#;

    let said = read_as(&cactus(), text).unwrap();

    assert_eq!((said.external_id.as_str(), said.login.as_str()), ("280", "qtywugbjhdbjbal123"));
    assert_eq!((said.amount_minor, said.currency.as_str()), (8000, "USD"));
    assert_eq!((said.real, said.transaction_id.as_str()), (Some((8000, "USD".to_owned())), "905910"));
    assert_eq!((said.news, said.codes.as_str(), said.signed), (News::Paid, "status 3", true));
    assert!(said.content.contains(&("transaction_id".into(), "116579133176442782754521496079".into())));
    assert!(!said.content.iter().any(|(name, _)| name == "signature" || name == "description"), "{:?}", said.content);
}

/// Vectors K12, K12a, K12b.
#[test]
fn a_boolean_is_read_in_every_form_it_may_have_been_signed_in() {
    for digest in [
        "3a167a9848d86a6bd152ee65337410d43eee2576",
        "cb02005a3ff6b205b397e2735341f290947f668f",
        "f81336622aaba26f2f4d7cb9ef1aca9718f528aa",
    ] {
        let text = json!({"request_id": "280", "site_login": "u1", "amount": 8000, "status": 4, "currency": "USD",
            "site_id": 21, "invoice_id": 905_910, "received_amount": 0, "received_currency": "USD", "method": "card",
            "description": "No payment received", "is_payout": false, "signature": digest});
        assert_eq!(read_as(&cactus(), &text.to_string()).unwrap().news, News::DepositDeclined);
    }
}

#[test]
fn every_status_means_exactly_what_the_table_says() {
    for status in 0..=30 {
        for (said, expected) in [
            (Json::Null, [News::Pending, News::Paid, News::Declined]),
            (json!(false), [News::DepositPending, News::DepositPaid, News::DepositDeclined]),
            (json!(true), [News::PayoutPending, News::PayoutPaid, News::PayoutDeclined]),
        ] {
            let news = heard(&[("status", json!(status)), ("is_payout", said.clone())]).unwrap().news;
            let expected = match status {
                1 | 2 => expected[0],
                3 => expected[1],
                4 => expected[2],
                _ => News::NotKnown,
            };
            assert_eq!(news, expected, "status {status} is_payout {said}");
        }
    }
}

#[test]
fn a_direction_is_said_in_words_or_digits_or_not_at_all() {
    for (said, news) in [
        (json!("True"), News::PayoutPaid),
        (json!("true"), News::PayoutPaid),
        (json!(1), News::PayoutPaid),
        (json!("0"), News::DepositPaid),
        (json!("false"), News::DepositPaid),
        (json!(""), News::Paid),
    ] {
        assert_eq!(heard(&[("is_payout", said.clone())]).unwrap().news, news, "{said}");
    }
    for said in [json!("yes"), json!(2), json!([]), json!({})] {
        assert!(heard(&[("is_payout", said.clone())]).is_err(), "{said}");
    }
}

#[test]
fn money_in_another_currency_agrees_with_no_order() {
    let said = heard(&[("received_currency", json!("EUR"))]).unwrap();
    assert_eq!((said.currency.as_str(), said.real), ("USD received as EUR", Some((8000, "EUR".to_owned()))));
    assert!(Currency::parse(&said.currency).is_err());
    let nothing = [("received_currency", json!("EUR")), ("received_amount", json!(0)), ("status", json!(4))];
    assert_eq!(heard(&nothing).unwrap().currency, "USD", "nothing came");
    let something = [("received_currency", json!("EUR")), ("status", json!(4))];
    assert_eq!(heard(&something).unwrap().currency, "USD received as EUR");
    let small = heard(&[("currency", json!("usd")), ("received_currency", json!("Usd"))]).unwrap();
    assert_eq!(small.currency, "USD");
}

#[test]
fn nothing_counts_without_a_right_signature() {
    let good = signed(callback());
    let wrong = [
        callback().to_string(),
        signed_with(callback(), "the salt of somebody else"),
        good.replace("8000", "8001"),
        good.replace("\"is_payout\":false", "\"is_payout\":true"),
        with(callback(), &[("signature", json!(""))]).to_string(),
        with(callback(), &[("signature", json!(5))]).to_string(),
        with(callback(), &[("signature", json!(["18562680ae4e2249abe697fb37bdf8d0decb4184"]))]).to_string(),
        signed(with(callback(), &[("description", json!("x;status:4"))])),
        signed(with(callback(), &[("more", json!({"a": "b"}))])),
        signed(with(callback(), &[("more", json!({"a": {"b": 1}}))])),
        signed(with(callback(), &[("success", json!(true))])),
    ];
    for text in wrong {
        assert!(matches!(read_as(&cactus(), &text), Err(ReadError::InvalidSignature)), "{text}");
    }
    let old = cactus_with("salts = [\"a new one\", \"test_salt\"]");
    assert!(read_as(&old, &good).is_ok(), "an old salt verifies until it is taken out");
    assert!(matches!(heard(&[("site_id", json!(22))]), Err(ReadError::UnknownSite)));
    assert!(matches!(heard(&[("site_id", Json::Null)]), Err(ReadError::UnknownSite)));
    let elsewhere = cactus_with("allow_from = [\"198.51.100.0/24\"]");
    let unsigned = callback().to_string();
    assert!(matches!(read_as(&elsewhere, &unsigned), Err(ReadError::AddressNotAllowed)), "the address comes first");
    assert!(read_as(&cactus_with("allow_from = [\"192.0.2.7\"]"), &good).is_ok());
    let twice = good.replace("{", "{\"status\":3,");
    assert!(matches!(read_as(&cactus(), &twice), Err(ReadError::NotOneSet(_))));
    let capital = signed(with(callback(), &[("Status", json!(3))]));
    assert!(matches!(read_as(&cactus(), &capital), Err(ReadError::NotOneSet(_))));
}

#[test]
fn what_is_no_callback_is_told_with_the_field() {
    let missing =
        ["site_login", "amount", "currency", "status", "invoice_id", "received_amount", "received_currency", "method"];
    for name in missing {
        for blank in [Json::Null, json!(""), json!("  ")] {
            let refused = heard(&[(name, blank)]);
            assert!(
                matches!(refused, Err(ReadError::Field(Error::Missing(field))) if field == name),
                "{name}: {refused:?}"
            );
        }
    }
    for (name, value) in [
        ("amount", json!(0)),
        ("amount", json!(-1)),
        ("amount", json!(1.0)),
        ("amount", json!("1e3")),
        ("amount", json!("+5")),
        ("amount", json!(1_000_000_000_000_001_i64)),
        ("received_amount", json!(-1)),
        ("received_amount", json!("007")),
        ("received_amount", json!(true)),
        ("status", json!("three")),
        ("status", json!([3])),
        ("status", json!(3.0)),
        ("currency", json!("US")),
        ("currency", json!("U D")),
        ("received_currency", json!("€UR")),
        ("site_login", json!("a\u{1}b")),
        ("site_login", json!("x".repeat(129))),
        ("site_login", json!("a;b")),
        ("request_id", json!("x".repeat(257))),
        ("request_id", json!("a;b")),
        ("invoice_id", json!("a;b")),
        ("description", json!("x".repeat(1025))),
    ] {
        let refused = heard(&[(name, value.clone())]);
        assert!(matches!(refused, Err(ReadError::Field(_))), "{name} {value}: {refused:?}");
    }
    assert!(heard(&[("amount", json!("8000")), ("status", json!("3")), ("site_id", json!("21"))]).is_ok(), "as texts");
    assert!(heard(&[("invoice_id", json!("905910")), ("more", json!([1, 2])), ("note", json!(true))]).is_ok());
}

#[test]
fn a_repetition_is_the_same_statement_and_another_status_or_invoice_is_not() {
    let digest = |changes: &[(&str, Json)]| heard(changes).unwrap().digest;
    let first = digest(&[]);
    assert_eq!(digest(&[("status", json!("3"))]), first, "however it is dressed");
    assert_eq!(digest(&[("description", json!(" "))]), first);
    for change in
        [("status", json!(4)), ("invoice_id", json!(905_911)), ("received_amount", json!(1)), ("more", json!("x"))]
    {
        assert_ne!(digest(std::slice::from_ref(&change)), first, "{change:?}");
    }
}

#[test]
fn money_without_an_order_is_read_and_what_becomes_of_it_is_the_sites_choice() {
    let found = heard(&[("request_id", Json::Null), ("description", Json::Null), ("message", json!(""))]).unwrap();
    assert_eq!((found.external_id.as_str(), found.transaction_id.as_str()), ("", "905910"));
    let credits = cactus_with("additional_deposits = \"credit\"");
    assert_eq!((cactus().surplus(&found), credits.surplus(&found)), (Surplus::Review, Surplus::Credit));
    let foreign = Notification { currency: "EUR".into(), ..found };
    assert_eq!(credits.surplus(&foreign), Surplus::Review, "not one of the site's currencies");
}

#[test]
fn what_is_told_is_what_the_sister_platforms_want() {
    let taken = cactus().tell(Said::Taken);
    assert_eq!((taken.http, taken.body.as_str()), (200, r#"{"code":0,"result":"ok"}"#));
    let told = |error: ReadError| cactus().tell(Said::Refused(&error)).http;
    assert_eq!(told(ReadError::InvalidSignature), 403);
    assert_eq!(told(ReadError::AddressNotAllowed), 403);
    assert_eq!(told(ReadError::Field(Error::Missing("status"))), 400);
    assert_eq!(cactus().tell(Said::Later).http, 503);
}

const ASKED: &str = "status_url = \"https://cactusgino.com/api/status/\"";

fn inquired(direction: Direction, text: impl Into<String>) -> Inquired {
    done(cactus_with(ASKED).ask(&open_order(direction), &[reply(text)]))
}

fn standing() -> Json {
    json!({"success": true, "site_id": 21, "site_login": "user_login", "status": 3, "invoice_id": 1314,
        "request_id": "request_id123", "amount": 900_000, "received_amount": 900_000, "currency": "KZT",
        "received_currency": "KZT", "method": "card"})
}

#[test]
fn the_status_is_asked_for_only_where_there_is_an_address() {
    let asked = cactus_with(ASKED);
    assert_eq!((asked.manners(SITE).tells_status, cactus().manners(SITE).tells_status), (true, false));
    let call = called(asked.ask(&open_order(Direction::Payout), &[]));
    let sent = body(&call);
    assert_eq!(
        (call.url.as_str(), &sent["request_id"]),
        ("https://cactusgino.com/api/status/", &json!("request_id123"))
    );
    assert_eq!(sent.as_object().unwrap().len(), 4, "{sent}");
    assert!(matches!(cactus().ask(&open_order(Direction::Payout), &[]), Err(Error::Conflict(_))));
    let ladder = cactus().manners(SITE).ladder;
    assert_eq!((ladder.then.0, ladder.last_after()), (300, 86_400));
}

#[test]
fn a_status_is_what_a_callback_would_say_of_this_order() {
    for (direction, status, news) in [
        (Direction::Deposit, 3, News::DepositPaid),
        (Direction::Payout, 3, News::PayoutPaid),
        (Direction::Deposit, 4, News::DepositDeclined),
        (Direction::Payout, 4, News::PayoutDeclined),
        (Direction::Payout, 2, News::PayoutPending),
        (Direction::Payout, 9, News::NotKnown),
    ] {
        let text = signed(with(standing(), &[("status", json!(status))]));
        let Inquired::Says(said, facts) = inquired(direction, text) else { panic!("{status}") };
        assert_eq!((said.news, said.external_id.as_str(), said.login.as_str()), (news, "request_id123", "user_login"));
        assert_eq!((said.amount_minor, said.transaction_id.as_str()), (900_000, "1314"));
        assert_eq!(facts, texts(&[("invoice_id", "1314")]));
    }
    let other_way = signed(with(standing(), &[("is_payout", json!(true))]));
    let Inquired::Says(said, _) = inquired(Direction::Deposit, other_way) else { panic!("it says so") };
    assert_eq!(said.news, News::PayoutPaid, "which the order does not agree with");
    let other_money = signed(with(standing(), &[("received_currency", json!("USD"))]));
    let Inquired::Says(said, _) = inquired(Direction::Deposit, other_money) else { panic!("it says so") };
    assert_eq!(said.currency, "KZT received as USD");
}

#[test]
fn what_proves_nothing_is_said_as_that() {
    let missing = signed(json!({"success": false, "message": "Invoice not found"}));
    assert_eq!(inquired(Direction::Payout, missing), Inquired::NotFound("Invoice not found".into()));
    let unclear = [
        signed(json!({"success": false, "message": "Invalid signature"})),
        standing().to_string(),
        signed_with(standing(), "another salt"),
        signed(with(standing(), &[("request_id", json!("another"))])),
        signed(with(standing(), &[("request_id", Json::Null)])),
        signed(with(standing(), &[("site_id", json!(22))])),
        signed(with(standing(), &[("status", Json::Null)])),
        signed(with(standing(), &[("status", json!("3.0"))])),
        signed(with(standing(), &[("received_amount", json!("-1"))])),
        signed(with(standing(), &[("success", Json::Null)])),
        "<html>".to_owned(),
    ];
    for text in unclear {
        assert!(matches!(inquired(Direction::Payout, text.clone()), Inquired::Unclear(_)), "{text}");
    }
    let reply = |status| Reply::new(status, Vec::new());
    let asked = |status| done(cactus_with(ASKED).ask(&open_order(Direction::Payout), &[reply(status)]));
    assert_eq!(asked(429), Inquired::Later(60));
    assert_eq!(asked(503), Inquired::Unclear("HTTP status 503".into()));
}
