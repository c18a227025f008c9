//! The signature and the signed text: what holds, and everything that must not (threats SIG).

use croupier::simulate::caller::{RawCall, Route};
use croupier::simulate::messages::{PURCHASE, SUCCESS, with, without};
use croupier::simulate::{Params, sign};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{SALT, SITE};
use crate::support::wire::{self, DRESSES, Dress, check_deposit, notification, order, request_payout, signed};

/// Signs one message and sends another.
fn signed_as(sent: Params, signed: &Params) -> Params {
    with(sent, "signature", sign::signature(signed, SALT))
}

/// threats SIG-1
#[tokio::test]
async fn a_signature_that_does_not_hold_is_refused_on_every_route() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let deposit = app.deposit("alice", 500).await;
    let right = sign::signature(&check_deposit(&deposit.order), SALT);
    let before = app.rows().await;
    let wrong = [
        json!(""),
        json!("   "),
        json!("0".repeat(40)),
        json!(right[..39]),
        json!(format!("{right}0")),
        json!(format!(" {right}")),
        json!(format!("{}g", &right[..39])),
        json!(0),
        json!([right]),
        json!({"a": right}),
        Value::Null,
        json!(true),
    ];

    for forged in wrong {
        let messages = [check_deposit(&order("alice", 500, "USD")), request_payout(&order("alice", 500, "USD"))];
        for question in messages {
            let answer = app.ask_as_is(&with(question, "signature", forged.clone()), Dress::Json).await;
            assert_eq!((answer.status, answer.code()), (200, Some(500)), "{forged}");
            assert_eq!(answer.description(), "Invalid signature", "{forged}");
        }
        let notice = notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS);
        let answer = app.notify_as_is(&with(notice, "signature", forged.clone()), Dress::Json).await;
        assert_eq!((answer.status, answer.acknowledges(), answer.code()), (403, false, Some(500)), "{forged}");
    }
    let unsigned = app.ask_as_is(&check_deposit(&order("alice", 500, "USD")), Dress::Form).await;

    assert_eq!(unsigned.description(), "Invalid signature");
    assert_eq!(app.rows().await, before);
    assert_eq!(app.balance("alice").await, (1000, 0));
}

/// threats SIG-1
#[tokio::test]
async fn an_upper_case_signature_is_the_same_signature() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let question = signed(&check_deposit(&order("alice", 500, "USD")));
    let upper = question["signature"].as_str().unwrap().to_uppercase();

    let answer = app.ask_as_is(&with(question, "signature", upper), Dress::Json).await;

    assert_eq!(answer.code(), Some(0), "{}", answer.summary());
}

/// threats SIG-3
#[tokio::test]
async fn a_text_that_could_be_read_as_other_parameters_is_refused_although_it_is_rightly_signed() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let deposit = app.deposit("alice", 500).await;
    let notice = notification(&deposit.id, &deposit.order, PURCHASE, 2);
    let smuggled = [
        ("processor_message", "x;status_id:4"),
        ("processor_message", "x;status_id:"),
        ("processor_message", ";a:b"),
        ("processor_id", "1;zz:2"),
        ("bank_country", "LV;type_id:3"),
    ];
    let before = app.rows().await;

    for (name, value) in smuggled {
        let answer = app.notify(&with(notice.clone(), name, value)).await;
        assert_eq!((answer.status, answer.description()), (403, "Invalid signature"), "{name}={value}");
    }
    for (name, value) in [("customer_purse", "x;site_login:bob"), ("extra", "1;amount:1"), ("merchant_purse", "a;b:c")]
    {
        app.refuses(&with(request_payout(&order("alice", 5, "USD")), name, value), "Invalid signature").await;
    }

    assert_eq!(app.rows().await, before);
    let harmless = with(notice, "processor_message", "paid; thank you: bye");
    assert!(app.notify(&harmless).await.acknowledges());
}

/// threats SIG-3: one signature, two sets of parameters; the second reading is what an attacker makes of the first.
#[tokio::test]
async fn a_captured_signature_cannot_be_dressed_as_other_parameters() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let honest = with(check_deposit(&order("alice", 500, "USD")), "customer_purse", "4;customer_zip:1");
    let split = with(with(honest.clone(), "customer_purse", "4"), "customer_zip", "1");
    assert_eq!(sign::signature(&honest, SALT), sign::signature(&split, SALT), "both have one signature");

    let merged = app.ask_as_is(&signed_as(honest.clone(), &honest), Dress::Json).await;

    assert_eq!(merged.description(), "Invalid signature");
}

/// threats SIG-4
#[tokio::test]
async fn a_list_or_object_for_a_known_field_is_refused() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let known = ["action", "site_id", "site_login", "amount", "currency", "payment_group_id", "customer_purse"];
    let more = ["transaction_id", "customer_ip", "source_type", "remember_customer_purse", "payment_type_id"];
    let before = app.rows().await;

    for name in known.into_iter().chain(more) {
        let question = request_payout(&order("alice", 5, "USD"));
        let plain = question.get(name).cloned().unwrap_or(json!("1"));
        for odd in [json!([plain]), json!([]), json!([plain, plain]), json!({}), json!({"a": plain})] {
            let answer = app.ask(&with(question.clone(), name, odd.clone())).await;
            assert_eq!((answer.status, answer.code()), (200, Some(500)), "{name}={odd}: {}", answer.summary());
        }
    }

    assert_eq!(app.rows().await, before);
}

/// threats SIG-4, SIG-9
#[tokio::test]
async fn a_notification_with_another_shape_of_a_known_field_is_no_notification() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let deposit = app.deposit("alice", 500).await;
    let notice = notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS);
    let before = app.rows().await;

    for name in ["external_id", "site_login", "amount", "currency", "type_id", "status_id", "transaction_id"] {
        let plain = notice[name].clone();
        for odd in [json!([plain]), json!(true), json!(false), Value::Null, json!(4.0), json!({"a": 1})] {
            let answer = app.notify(&with(notice.clone(), name, odd.clone())).await;
            assert!(matches!(answer.status, 400 | 403), "{name}={odd}: {}", answer.summary());
            assert_ne!(answer.code(), Some(0), "{name}={odd}");
        }
    }

    assert_eq!(app.rows().await, before);
}

/// threats SIG-5
#[tokio::test]
async fn a_name_outside_its_alphabet_is_refused() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let long = "x".repeat(65);
    let names = ["Extra", "ex tra", "ex-tra", "ex:tra", "ex;tra", "", "é", "a\u{0}", "a.b", "a[]", &long];
    let before = app.rows().await;

    for name in names {
        for dress in DRESSES {
            let question = signed(&with(check_deposit(&order("alice", 500, "USD")), name, "1"));
            let answer = app.ask_as_is(&question, dress).await;
            assert_eq!((answer.status, answer.code()), (200, Some(500)), "{name:?} {dress:?}: {}", answer.summary());
        }
    }

    assert_eq!(app.rows().await, before);
    let longest = with(check_deposit(&order("alice", 500, "USD")), &"x".repeat(64), "1");
    assert_eq!(app.ask(&longest).await.code(), Some(0));
}

/// threats SIG-6
#[tokio::test]
async fn a_blank_value_is_an_absent_one_everywhere() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    for blank in ["", " ", "\t\n", "\u{a0}", "\u{3000}"] {
        let deposit = check_deposit(&order("alice", 5, "USD"));
        app.refuses(&with(deposit.clone(), "site_login", blank), "Missing parameter site_login").await;
        app.refuses(&with(deposit.clone(), "currency", blank), "Missing parameter currency").await;
        app.refuses(&with(deposit, "payment_type_id", blank), "Missing parameter payment_type_id").await;
        let payout = request_payout(&order("alice", 5, "USD"));
        app.refuses(&with(payout.clone(), "customer_purse", blank), "Missing parameter customer_purse").await;
        app.refuses(&with(payout, "remember_customer_purse", blank), "Missing parameter remember_customer_purse").await;
    }
    let question = check_deposit(&order("alice", 5, "USD"));

    let plain = app.ask(&question).await;
    let with_blanks = with(with(with(question, "source_type", ""), "merchant_purse", "  "), "unknown", " ");
    let dressed = app.ask(&without(with_blanks, "source_type")).await;

    assert_eq!(plain.code(), Some(0));
    assert_eq!(
        dressed.description(),
        "transaction_id was used with other parameters",
        "source_type was there at first"
    );
}

/// threats SIG-7
#[tokio::test]
async fn zero_is_signed_and_used() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let question = with(request_payout(&order("alice", 5, "USD")), "remember_customer_purse", 0);

    let unsigned_zero = signed_as(question.clone(), &without(question.clone(), "remember_customer_purse"));
    let refused = app.ask_as_is(&unsigned_zero, Dress::Json).await;
    let accepted = app.ask(&question).await;

    assert_eq!(refused.description(), "Invalid signature");
    assert_eq!(accepted.code(), Some(50), "{}", accepted.summary());
}

/// threats SIG-8
#[tokio::test]
async fn names_are_ordered_by_their_bytes() {
    use sha1::{Digest, Sha1};
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let canonical = "action:check_deposit;amount:5;b1:x;b_1:x;ba:x;currency:USD;payment_group_id:6;payment_type_id:18;\
                     site_id:332;site_login:alice;transaction_id:1;";
    let signature = hex::encode(Sha1::digest(format!("{canonical}{SALT}")));
    let sent = json!({"site_login": "alice", "b_1": "x", "ba": "x", "b1": "x", "currency": "USD", "amount": 5,
        "transaction_id": "1", "payment_type_id": 18, "payment_group_id": 6, "site_id": SITE,
        "action": "check_deposit", "signature": signature});

    let answer = app.ask_as_is(&wire::params(sent), Dress::Json).await;

    assert_eq!(answer.code(), Some(0), "{}", answer.summary());
}

/// threats SIG-9
#[tokio::test]
async fn true_false_null_and_floats_never_stand_in_known_fields() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let known = ["site_login", "amount", "currency", "payment_group_id", "customer_purse", "transaction_id"];

    for name in known.into_iter().chain(["remember_customer_purse", "customer_ip", "payment_type_id"]) {
        for odd in [json!(true), json!(false), Value::Null, json!(5.0), json!(5.5)] {
            let question = with(request_payout(&order("alice", 5, "USD")), name, odd);
            app.refuses(&question, "Invalid").await;
        }
    }
    app.refuses(&with(check_deposit(&order("alice", 5, "USD")), "site_id", json!(332.0)), "Unknown site").await;
    app.refuses(&with(check_deposit(&order("alice", 5, "USD")), "action", json!(true)), "Unknown action").await;
}

/// threats SIG-9
#[tokio::test]
async fn in_unknown_fields_only_the_documented_text_forms_hold() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let forms = [
        (json!(true), Some("True"), true),
        (json!(true), Some("true"), true),
        (json!(true), Some("1"), true),
        (json!(true), Some("TRUE"), false),
        (json!(true), Some("yes"), false),
        (json!(true), None, false),
        (json!(false), Some("False"), true),
        (json!(false), Some("false"), true),
        (json!(false), Some("0"), true),
        (json!(false), None, true),
        (json!(false), Some("1"), false),
        (Value::Null, Some("None"), true),
        (Value::Null, None, true),
        (Value::Null, Some("null"), false),
        (json!(20.5), Some("20.5"), true),
        (json!(20.5), Some("20.50"), false),
        (json!([3, 1, 2]), Some("1;2;3"), true),
        (json!([3, 1, 2]), Some("3;1;2"), true),
        (json!([3, 1, 2]), Some("3,1,2"), false),
    ];
    for (value, text, holds) in forms {
        let question = check_deposit(&order("alice", 5, "USD"));
        let as_signed = match text {
            Some(text) => with(question.clone(), "note", text),
            None => question.clone(),
        };

        let answer = app.ask_as_is(&signed_as(with(question, "note", value.clone()), &as_signed), Dress::Json).await;

        assert_eq!(
            answer.code(),
            Some(if holds { 0 } else { 500 }),
            "{value} signed as {text:?}: {}",
            answer.summary()
        );
    }
}

/// threats SIG-13
#[tokio::test]
async fn bytes_that_are_no_text_and_control_characters_in_known_fields_are_refused() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let before = app.rows().await;
    let form = "application/x-www-form-urlencoded";
    let bodies: [(&str, &[u8]); 6] = [
        (form, b"action=check_deposit&site_login=%FF"),
        (form, b"action=check_deposit&site_login=\xff"),
        (form, b"action=check_deposit&site_login=%zz"),
        (form, b"action=check_deposit&site_login=%4"),
        ("application/json", b"{\"action\":\"check_deposit\",\"site_login\":\"\xff\"}"),
        ("application/json", br#"{"action":"check_deposit","site_login":"\ud800"}"#),
    ];

    for (content_type, body) in bodies {
        for route in [Route::Callback, Route::Webhook] {
            let answer = app.raw(RawCall::post(route, &[("content-type", content_type)], body.to_vec())).await;
            assert_eq!((answer.status, answer.code()), (400, Some(500)), "{body:?}: {}", answer.summary());
        }
    }
    for name in ["site_login", "transaction_id", "customer_purse"] {
        for control in ["a\u{0}b", "a\nb", "a\u{7f}b", "a\u{85}b"] {
            let question = with(request_payout(&order("alice", 5, "USD")), name, control);
            app.refuses(&question, &format!("Invalid parameter {name}")).await;
        }
    }

    assert_eq!(app.rows().await, before);
    let deposit = app.deposit("alice", 5).await;
    let notice = notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS);
    let noisy = with(notice, "processor_message", "line one\nline\u{0} two\u{1b}[31m");
    assert!(app.notify(&noisy).await.acknowledges(), "free text may hold them");
}
