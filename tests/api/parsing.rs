//! Bytes into parameters and amounts, strictly (threats PAR).

use std::time::{Duration, Instant};

use croupier::simulate::caller::{RawCall, Route};
use croupier::simulate::messages::{PURCHASE, SUCCESS, with, without};
use croupier::simulate::{Encoding, form};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::set;
use crate::support::wire::{DRESSES, Dress, check_deposit, notification, order, request_payout, signed};

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// threats PAR-1
#[tokio::test]
async fn only_plain_digits_within_the_range_are_an_amount() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let refused = [
        json!(0),
        json!("0"),
        json!(-5),
        json!("-5"),
        json!("+5"),
        json!("05"),
        json!("00"),
        json!(" 5"),
        json!("5 "),
        json!("5.0"),
        json!("5."),
        json!(".5"),
        json!("5,0"),
        json!("1e3"),
        json!("1E3"),
        json!("0x10"),
        json!("1_000"),
        json!("1'000"),
        json!("\u{663}"),
        json!("\u{ff15}"),
        json!("NaN"),
        json!("inf"),
        json!("five"),
        json!("1000000000000001"),
        json!(1_000_000_000_000_001_i64),
        json!("9223372036854775808"),
        json!("18446744073709551617"),
        json!("99999999999999999999999999999999"),
        json!(5.0),
        json!(true),
    ];

    for amount in refused {
        for question in [check_deposit(&order("alice", 5, "USD")), request_payout(&order("alice", 5, "USD"))] {
            app.refuses(&with(question, "amount", amount.clone()), "Invalid amount").await;
        }
    }
    app.refuses(&without(check_deposit(&order("alice", 5, "USD")), "amount"), "Missing parameter amount").await;
    app.refuses(&with(check_deposit(&order("alice", 5, "USD")), "amount", " "), "Missing parameter amount").await;
    for raw in ["1e3", "10.0", "-0", "1E+2"] {
        let question = signed(&with(check_deposit(&order("alice", 5, "USD")), "amount", raw));
        let text =
            Value::Object(question).to_string().replace(&format!("\"amount\":\"{raw}\""), &format!("\"amount\":{raw}"));
        let answer = app.ask_text(&text).await;
        assert_eq!(answer.description(), "Invalid amount", "{raw}");
    }

    for amount in [json!(1), json!("1"), json!(1_000_000_000_000_000_i64), json!("1000000000000000")] {
        let answer = app.ask(&with(check_deposit(&order("alice", 5, "USD")), "amount", amount)).await;
        assert_eq!(answer.code(), Some(0), "{}", answer.summary());
    }
}

/// threats PAR-1, in a notification: an amount that is none makes it no notification.
#[tokio::test]
async fn a_notification_with_another_spelling_of_its_amount_is_none() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let deposit = app.deposit("alice", 500).await;
    let notice = notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS);
    let before = app.rows().await;

    for name in ["amount", "real_amount"] {
        for odd in ["-500", "+500", "0500", " 500", "500.0", "5e2", "0x1f4", "\u{665}00", "five"] {
            let answer = app.notify(&with(notice.clone(), name, odd)).await;
            assert_eq!((answer.status, answer.code()), (400, Some(500)), "{name}={odd:?}: {}", answer.summary());
        }
    }

    assert_eq!(app.rows().await, before);
}

/// threats PAR-2
#[tokio::test]
async fn sums_beyond_the_range_are_refused_and_nothing_wraps() {
    let app = TestApp::with(|text| set(&text, "sites.demo.limits.USD", "payout_daily_max", "1000000000000000")).await;
    app.player("alice").await;
    let most = 1_000_000_000_000_000;

    app.fill("alice", 1000).await;
    let over = app.wallet().play("alice", "win", 1, "one more").await;
    assert_eq!(over.problem(), (409, "balance_out_of_range"));
    assert_eq!(app.balance("alice").await, (1000 * most, 0));
    let payout = app.payout("alice", most).await;
    app.refuses(&request_payout(&order("alice", 1, "USD")), "Amount is above the maximum").await;

    assert_eq!(app.balance("alice").await, (999 * most, most));
    assert_eq!(app.initiation(&payout).await.amount, Some(most));
}

/// threats PAR-3
#[tokio::test]
async fn a_currency_is_compared_after_upper_casing_and_must_be_the_sites() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    for stated in ["GBP", "gbp", "ZZZ", "US", "USDT", "U$D", "usd ", " usd", "\u{24ca}SD", "UſD", "840", "XAU"] {
        app.refuses(&with(check_deposit(&order("alice", 5, "USD")), "currency", stated), "Unsupported currency").await;
    }
    app.refuses(&without(check_deposit(&order("alice", 5, "USD")), "currency"), "Missing parameter currency").await;
    app.refuses(&with(check_deposit(&order("alice", 5, "USD")), "currency", "USD;"), "Invalid parameter currency")
        .await;

    let lower = app.deposit_in("alice", 700, "usd").await;
    app.say(&lower, PURCHASE, SUCCESS).await;

    assert_eq!(app.balance("alice").await, (700, 0));
}

/// threats PAR-4
#[tokio::test]
async fn integers_pass_unchanged_whatever_the_decimals_of_the_currency() {
    let app = TestApp::spawn().await;
    app.player("alice").await;

    for currency in ["JPY", "KWD", "EUR"] {
        let deposit = app.deposit_in("alice", 10_000, currency).await;
        app.say(&deposit, PURCHASE, SUCCESS).await;
        let payout = app.payout_in("alice", 9_999, currency).await;
        let initiation = app.initiation(&payout).await;
        assert_eq!((initiation.amount, initiation.currency.as_str()), (Some(9_999), currency));
        app.say_paid_out(&payout).await;
        assert_eq!(app.wallet().balance("alice", currency).await, (1, 0), "{currency}");
    }

    assert_eq!(app.balance("alice").await, (0, 0), "one balance per currency");
}

/// threats PAR-5
#[tokio::test]
async fn the_same_parameter_twice_is_refused_before_a_map_hides_it() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let question = signed(&check_deposit(&order("alice", 5, "USD")));
    let json = Value::Object(question.clone()).to_string();
    let before = app.rows().await;

    let bodies = [
        (JSON, json.replacen("\"amount\":5", "\"amount\":5,\"amount\":5", 1)),
        (JSON, json.replacen("\"amount\":5", "\"amount\":9999,\"amount\":5", 1)),
        (JSON, json.replacen("\"amount\":5", "\"amount\":5,\"am\\u006funt\":6", 1)),
        (JSON, json.replacen("{", "{\"note\":{\"a\":1,\"a\":2},", 1)),
        (FORM, form(&question) + "&amount=5"),
        (FORM, form(&question) + "&amount=6"),
        (FORM, form(&question) + "&am%6Funt=6"),
        (FORM, form(&question) + "&amount="),
        (FORM, form(&question) + "&amount"),
    ];
    for (content_type, body) in bodies {
        for route in [Route::Callback, Route::Webhook] {
            let answer = app.raw(RawCall::post(route, &[content_type], body.clone().into())).await;
            assert_eq!((answer.status, answer.code()), (refusal(route), Some(500)), "{body}: {}", answer.summary());
        }
    }

    assert_eq!(app.rows().await, before);
}

/// threats PAR-6
#[tokio::test]
async fn parameters_come_from_one_source_and_are_never_merged() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let question = signed(&check_deposit(&order("alice", 5, "USD")));
    let (content_type, body) = Encoding::Json.write(&question);
    let before = app.rows().await;

    for query in ["amount=5", "x=1", "amount", &form(&question)] {
        for (header, body) in [(("content-type", content_type), body.clone()), (FORM, form(&question).into_bytes())] {
            for route in [Route::Callback, Route::Webhook] {
                let call = RawCall { route, method: "POST", query, headers: &[header], body: body.clone() };
                let answer = app.raw(call).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (refusal(route), Some(500)),
                    "{query}: {}",
                    answer.summary()
                );
            }
        }
    }
    let nothing = app.raw(RawCall::post(Route::Callback, &[JSON], Vec::new())).await;
    assert_eq!(nothing.status, 400);
    assert_eq!(app.rows().await, before);

    for dress in DRESSES {
        let question = signed(&check_deposit(&order("alice", 5, "USD")));
        let answer = app.ask_as_is(&question, dress).await;
        assert_eq!((answer.status, answer.code()), (200, Some(0)), "{dress:?}: {}", answer.summary());
    }
}

/// threats PAR-7, NET-4
#[tokio::test]
async fn a_body_that_is_neither_json_nor_a_form_is_not_read() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let body = Encoding::Json.write(&signed(&check_deposit(&order("alice", 5, "USD")))).1;
    let marked = [b"\xef\xbb\xbf".as_slice(), &body].concat();
    let before = app.rows().await;

    let kinds = ["text/plain", "text/json", "application/xml", "multipart/form-data; boundary=x", "*/*", "json", ""];
    for route in [Route::Callback, Route::Webhook] {
        for kind in kinds {
            let answer = app.raw(RawCall::post(route, &[("content-type", kind)], body.clone())).await;
            assert_eq!((answer.status, answer.code()), (415, Some(500)), "{kind:?}: {}", answer.summary());
        }
        for charset in ["application/json; charset=utf-16", "application/json; charset=latin1"] {
            let answer = app.raw(RawCall::post(route, &[("content-type", charset)], body.clone())).await;
            assert_eq!((answer.status, answer.code()), (415, Some(500)), "{charset}: {}", answer.summary());
        }
        let answer = app.raw(RawCall::post(route, &[JSON], marked.clone())).await;
        assert_eq!((answer.status, answer.code()), (415, Some(500)), "a byte order mark: {}", answer.summary());
        for coding in ["gzip", "deflate", "br", "identity, gzip"] {
            let headers = [JSON, ("content-encoding", coding)];
            let answer = app.raw(RawCall::post(route, &headers, body.clone())).await;
            assert_eq!((answer.status, answer.code()), (415, Some(500)), "{coding}: {}", answer.summary());
        }
    }
    assert_eq!(app.rows().await, before);

    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=\"UTF-8\""] {
        let body = Encoding::Json.write(&signed(&check_deposit(&order("alice", 5, "USD")))).1;
        let answer = app.raw(RawCall::post(Route::Callback, &[("content-type", kind)], body)).await;
        assert_eq!((answer.status, answer.code()), (200, Some(0)), "{kind}: {}", answer.summary());
    }
}

/// threats PAR-7, PAR-12: what is not one flat object is refused, in the protocol's form.
#[tokio::test]
async fn a_body_that_cannot_be_read_is_answered_in_the_protocols_form() {
    let app = TestApp::spawn().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let many = format!("{{{}}}", (0..5000).map(|n| format!("\"a{n}\":1")).collect::<Vec<_>>().join(","));
    let wide = format!("{{\"a\":[{}]}}", vec!["1"; 20_000].join(","));
    let bodies =
        ["{", "[]", "null", "1", "\"a\"", "{\"a\":1}{", "{\"a\":1} x", "{a:1}", "{'a':1}", &deep, &many, &wide];

    for body in bodies {
        let started = Instant::now();
        let answer = app.ask_text(body).await;
        let shown: String = body.chars().take(40).collect();
        assert!(matches!(answer.status, 200 | 400) && answer.code() == Some(500), "{shown}: {}", answer.summary());
        assert!(answer.content_type.starts_with("application/json") && !answer.description().is_empty());
        assert!(started.elapsed() < Duration::from_secs(2), "{shown} took {:?}", started.elapsed());
    }
}

/// threats PAR-8
#[tokio::test]
async fn texts_longer_than_documented_are_refused_counted_in_characters() {
    let app = TestApp::spawn().await;
    let longest = "ж".repeat(128);
    app.player(&longest).await;
    let deposit = check_deposit(&order("alice", 5, "USD"));

    app.refuses(&with(deposit.clone(), "site_login", "ж".repeat(129)), "Invalid parameter site_login").await;
    app.refuses(&with(deposit.clone(), "transaction_id", "1".repeat(129)), "Invalid parameter transaction_id").await;
    app.refuses(&with(deposit.clone(), "customer_purse", "x".repeat(1025)), "Invalid parameter customer_purse").await;
    app.refuses(&with(deposit, "action", "x".repeat(65)), "Unknown action").await;
    let fits = app.deposit(&longest, 5).await;
    let notice = notification(&fits.id, &fits.order, PURCHASE, SUCCESS);
    for (name, length) in
        [("external_id", 257), ("site_login", 129), ("transaction_id", 129), ("processor_message", 1025)]
    {
        let answer = app.notify(&with(notice.clone(), name, "x".repeat(length))).await;
        assert_eq!((answer.status, answer.code()), (400, Some(500)), "{name}: {}", answer.summary());
    }
    assert!(app.notify(&notice).await.acknowledges());

    assert_eq!(app.balance(&longest).await, (5, 0));
}

/// threats PAR-9, SEC-2
#[tokio::test]
async fn unknown_parameters_are_signed_kept_masked_and_otherwise_ignored() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let question = with(check_deposit(&order("alice", 5, "USD")), "bank_country", "LV");
    let unsigned = with(signed(&check_deposit(&order("alice", 5, "USD"))), "bank_country", "LV");

    assert_eq!(app.ask(&question).await.code(), Some(0));
    assert_eq!(app.ask_as_is(&unsigned, Dress::Json).await.description(), "Invalid signature");
    let deposit = app.deposit("alice", 50).await;
    let notice = with(notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS), "card", "4111 1111 1111 1111");
    let notice = with(notice, "customer_purse", "4111111111111111");
    assert!(app.notify(&notice).await.acknowledges());

    let id = deposit.id.clone();
    let stored = app.read(move |conn| croupier::webhooks::of_order(conn, &id)).await;
    assert!(stored[0].content.contains("411111...1111"), "{}", stored[0].content);
    assert!(!stored[0].content.contains("4111111111111111") && !stored[0].content.contains("1111 1111"));
    assert_eq!(app.balance("alice").await, (50, 0));
}

/// threats SEC-2
#[tokio::test]
async fn no_file_of_ours_holds_a_whole_card_number() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let card = "5555555555554444";
    let payout = with(request_payout(&order("alice", 5, "USD")), "customer_purse", card);
    let deposit = with(check_deposit(&order("alice", 5, "USD")), "customer_purse", card);

    let answers = [app.ask(&payout).await, app.ask(&deposit).await];
    let id = answers[0].external_id().expect("an order").to_owned();
    let initiation = app.cashier.wait_for(&id, crate::support::app::PATIENCE).await.expect("it arrives");

    assert_eq!(initiation.params["customer_purse"], "555555...4444");
    for entry in std::fs::read_dir(app.directory()).expect("the directory") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        assert!(!bytes.windows(card.len()).any(|window| window == card.as_bytes()), "a card number is stored");
    }
}

/// threats PAR-10
#[tokio::test]
async fn an_integer_as_a_text_is_the_same_integer() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let question = check_deposit(&order("alice", 10_000, "USD"));
    let texts = with(with(with(question.clone(), "amount", "10000"), "site_id", "332"), "payment_group_id", "6");

    let (first, second) = (app.ask(&question).await, app.ask(&texts).await);

    assert_eq!(first.code(), Some(0), "{}", first.summary());
    assert_eq!(first.json, second.json, "the same question");
}

/// threats PAR-11
#[tokio::test]
async fn an_unknown_player_is_refused_unless_the_site_creates_players() {
    let rejecting = TestApp::spawn().await;
    let creating = TestApp::with(|text| set(&text, "sites.demo", "unknown_players", r#""create""#)).await;

    for question in [check_deposit(&order("new", 5, "USD")), request_payout(&order("new", 5, "USD"))] {
        rejecting.refuses(&question, "User not found").await;
    }
    let payout = creating.ask(&request_payout(&order("new", 5, "USD"))).await;
    assert_eq!((payout.code(), payout.description()), (Some(402), "Insufficient funds"));
    assert_eq!(creating.count("players").await, 0, "a refusal creates nobody");
    creating.paid_deposit("new", 500).await;
    creating.payout("new", 500).await;

    assert_eq!(creating.balance("new").await, (0, 500));
    assert_eq!(creating.count("players").await, 1);
}

/// threats PAR-12
#[tokio::test]
async fn more_than_a_hundred_parameters_are_refused() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let own = check_deposit(&order("alice", 5, "USD")).len() + 1;
    let filled = |count: usize| {
        let question = check_deposit(&order("alice", 5, "USD"));
        signed(&(0..count - own).fold(question, |question, n| with(question, &format!("extra_{n}"), n)))
    };

    for dress in DRESSES {
        let refused = app.ask_as_is(&filled(101), dress).await;
        assert_eq!((refused.status, refused.code()), (200, Some(500)), "{dress:?}: {}", refused.summary());
        let taken = app.ask_as_is(&filled(100), dress).await;
        assert_eq!((taken.status, taken.code()), (200, Some(0)), "{dress:?}: {}", taken.summary());
    }
}

/// The HTTP status of a message that can be read and is refused.
fn refusal(route: Route) -> u16 {
    match route {
        Route::Callback => 200,
        Route::Webhook => 403,
    }
}
