//! How a deposit begins.

use std::time::Duration;

use super::*;
use crate::providers::{Opened, PATIENCE};

fn invoice() -> Cactus {
    cactus_with("deposit_by = \"invoice\"")
}

#[test]
fn the_form_gets_what_it_documents_and_nothing_else() {
    let mut order = deposit(Some("card"), &[]);
    order.optional = vec![("language".into(), "kk-KZ".into()), ("first_name".into(), "John".into())];
    order.return_urls = [Some("https://casino.example/ok?a=1".into()), Some("https://casino.example/ko".into())];

    let call = called(cactus().open(&order, &[]));

    assert_eq!((call.url.as_str(), call.patience), ("https://cactusgino.com/api/jsapi/obtain_token/", PATIENCE));
    let mut sent = body(&call);
    assert_eq!(sent["signature"].as_str().map(str::len), Some(40));
    sent.as_object_mut().unwrap().remove("signature");
    let expected = json!({"merchant_id": "merch_id", "site_id": 21, "site_login": "user_login", "request_id": "request_id123",
        "amount": 900_000, "currency": "KZT", "method": "card", "language": "KZ",
        "success_url": "https://casino.example/ok?a=1", "fail_url": "https://casino.example/ko"});
    assert_eq!(sent, expected);
    let free = body(&called(cactus().open(&deposit(None, &[]), &[])));
    assert!(free.get("method").is_none() && free.get("additional_fields").is_none(), "{free}");
    let app = body(&called(cactus().open(&deposit(Some("cis_transfer_card"), &[("bank_app", "Tinkoff")]), &[])));
    assert_eq!(app["additional_fields"], json!({"bank_app": "Tinkoff"}));
}

#[test]
fn only_languages_that_mean_one_thing_are_sent() {
    for (spoken, sent) in [
        ("en", json!("EN")),
        ("EN-GB", json!("EN")),
        ("uk_UA", json!("UA")),
        ("ru", json!("RU")),
        ("az", json!("AZ")),
        ("id", Json::Null),
        ("hi", Json::Null),
        ("de", Json::Null),
        ("", Json::Null),
    ] {
        let mut order = deposit(Some("card"), &[]);
        order.optional = vec![("language".into(), spoken.into())];
        assert_eq!(body(&called(cactus().open(&order, &[])))["language"], sent, "{spoken}");
    }
}

#[test]
fn what_the_form_cannot_be_asked_is_refused() {
    let check = |rail, details: &[(&str, &str)]| cactus().check(SITE, Direction::Deposit, rail, &texts(details));
    assert!(matches!(check(Some("card"), &[("bank_name", "Morgan")]), Err(Error::Invalid("details"))));
    assert!(matches!(check(None, &[("bank_name", "Morgan")]), Err(Error::Invalid("details"))));
    assert!(matches!(check(Some("cis_transfer"), &[]), Err(Error::Missing("bank_app"))));
    assert!(matches!(check(Some("cis_transfer"), &[("bank_app", "sberbank")]), Err(Error::Invalid("bank_app"))));
    assert!(matches!(check(Some("sbp_qr"), &[]), Err(Error::Invalid("provider_method"))));
    let mut order = deposit(Some("card"), &[]);
    order.return_urls = [Some("https://casino.example/;amount:1".into()), None];
    assert!(matches!(cactus().open(&order, &[]), Err(Error::Invalid("success_url"))));
}

fn opened(cactus: &Cactus, text: impl Into<String>) -> Opening {
    let rail = Some("card");
    done(cactus.open(&deposit(rail, &[]), &[reply(text)]))
}

fn at(url: &str) -> Opening {
    Opening::Open(Opened { redirect_url: Some(url.to_owned()), ..Opened::default() })
}

#[test]
fn the_player_goes_where_the_answer_says_or_to_the_page_of_the_key() {
    let key = json!({"success": true, "key": "ffec614de0db"});
    assert_eq!(opened(&cactus(), signed(key.clone())), at("https://cactusgino.com/api/jsapi/open/ffec614de0db/"));
    for open_url in ["https://pay.example/form", "https://pay.example/form/"] {
        let cactus = cactus_with(&format!("open_url = \"{open_url}\""));
        assert_eq!(opened(&cactus, signed(key.clone())), at("https://pay.example/form/ffec614de0db/"));
    }
    let elsewhere = with(key, &[("redirect_url", json!("https://other.example/api/jsapi/open/64/"))]);
    assert_eq!(opened(&cactus(), signed(elsewhere)), at("https://other.example/api/jsapi/open/64/"));
}

#[test]
fn a_player_is_sent_nowhere_else_and_a_lost_answer_is_no_refusal() {
    let bad = [
        json!({"success": true}),
        json!({"success": true, "key": ""}),
        json!({"success": true, "key": "a b"}),
        json!({"success": true, "key": "../x"}),
        json!({"success": true, "key": "a?b"}),
        json!({"success": true, "key": "x".repeat(257)}),
        json!({"success": true, "key": "k", "redirect_url": "javascript:alert(1)"}),
        json!({"success": true, "key": "k", "redirect_url": "http://other.example/"}),
        json!({"success": true, "key": "k", "redirect_url": "https://a:b@other.example/"}),
        json!({"success": true, "key": "k", "redirect_url": "/open/"}),
        json!({"success": "true", "key": "k"}),
        json!({"key": "k"}),
    ];
    for members in bad {
        assert!(matches!(opened(&cactus(), signed(members.clone())), Opening::Unknown(_)), "{members}");
    }
    let good = json!({"success": true, "key": "k"});
    for text in [good.to_string(), signed_with(good.clone(), "another salt"), "<html>".into(), String::new()] {
        assert!(matches!(opened(&cactus(), text.clone()), Opening::Unknown(_)), "{text}");
    }
    let status = done(cactus().open(&deposit(Some("card"), &[]), &[Reply::new(502, signed(good))]));
    assert_eq!(status, Opening::Unknown("HTTP status 502".into()));
    let no = json!({"success": false, "message": "Unsupported method"});
    assert_eq!(opened(&cactus(), signed(no.clone())), Opening::Refused("Unsupported method".into()));
    assert!(matches!(opened(&cactus(), no.to_string()), Opening::Unknown(_)), "an unsigned no is no no");
}

#[test]
fn an_invoice_is_waited_for_patiently_with_the_fields_of_its_method() {
    let call = called(invoice().open(&deposit(Some("card"), &[("bank_name", "Morgan")]), &[]));

    assert_eq!(call.url.as_str(), "https://cactusgino.com/api/create_invoice/");
    assert_eq!(call.patience, Duration::from_secs(300));
    let sent = body(&call);
    assert_eq!((&sent["method"], &sent["additional_fields"]), (&json!("card"), &json!({"bank_name": "Morgan"})));
    let plain = called(invoice().open(&deposit(Some("PIX"), &[]), &[]));
    assert_eq!(body(&plain)["additional_fields"], json!({}));
    let cash = [("address", "Pushkin street"), ("username", "@test"), ("messenger", "telegram")];
    let check = |more: &[(&str, &str)]| {
        let details = texts(&[&cash[..], more].concat());
        invoice().check(SITE, Direction::Deposit, Some("cash"), &details)
    };
    assert!(matches!(check(&[]), Err(Error::Missing("asap"))), "one of two is needed");
    assert!(matches!(check(&[("asap", " ")]), Err(Error::Missing("asap"))));
    assert!(matches!(check(&[("asap", "yes")]), Err(Error::Invalid("asap"))));
    for more in [("asap", "false"), ("time", "2023-05-01 10:22")] {
        assert!(check(&[more]).is_ok(), "{more:?}");
    }
    assert!(check(&[("asap", "true"), ("verification_code", "123456")]).is_ok(), "optional for a deposit");
    assert!(matches!(invoice().open(&deposit(None, &[]), &[]), Err(Error::Missing("provider_method"))));
}

fn made() -> Json {
    json!({"message": "Payout initialized", "request_id": "request_id123", "success": true, "status": 3,
        "amount": 900_000, "site_login": "user_login", "site_id": 21, "invoice_id": 1314})
}

#[test]
fn requisites_are_what_the_manual_does_not_name() {
    let members = with(
        made(),
        &[
            ("card_number", json!("4242424242424242")),
            ("bank_name", json!("Testbank")),
            ("expires", json!(1800)),
            ("details", json!({"holder": "John Wick", "empty": "", "list": null})),
            ("blank", json!(" ")),
            ("is_new", json!(true)),
            ("long", json!("x".repeat(513))),
        ],
    );
    let Opening::Open(opened) = opened(&invoice(), signed(members)) else { panic!("open") };
    let shown = texts(&[
        ("card_number", "4242424242424242"),
        ("bank_name", "Testbank"),
        ("expires", "1800"),
        ("holder", "John Wick"),
    ]);
    assert_eq!((opened.requisites, opened.facts), (shown, texts(&[("invoice_id", "1314")])));
    assert_eq!(opened.redirect_url, None);
}

#[test]
fn an_invoice_without_requisites_is_open_and_one_of_another_order_is_unknown() {
    let plain = Opened { facts: texts(&[("invoice_id", "1314")]), ..Opened::default() };
    assert_eq!(opened(&invoice(), signed(made())), Opening::Open(plain));
    for (name, value) in [
        ("request_id", json!("another")),
        ("request_id", Json::Null),
        ("amount", json!(900_100)),
        ("site_login", json!("somebody")),
        ("site_id", json!(22)),
        ("currency", json!("USD")),
        ("success", Json::Null),
    ] {
        let text = signed(with(made(), &[(name, value)]));
        assert!(matches!(opened(&invoice(), text), Opening::Unknown(_)), "{name}");
    }
    assert!(matches!(opened(&invoice(), made().to_string()), Opening::Unknown(_)), "unsigned");
    let other_no = signed(json!({"success": false, "message": "no", "request_id": "another"}));
    assert!(matches!(opened(&invoice(), other_no), Opening::Unknown(_)));
}
