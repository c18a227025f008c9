//! Everything a strict platform does not take.

use super::*;
use crate::simulate::platforms::cactus::Manners;

/// Calls with a right signature; the answer must refuse for this reason, signed, and nothing be taken.
async fn refuse(bench: &Bench, call: Call, params: &Params, reason: &str) {
    let (status, answer) = bench.call(call, params).await.expect("an answer");
    let told = (status, &answer["success"], answer["message"].as_str().unwrap_or_default());
    assert_eq!(told, (200, &json!(false), reason), "{call:?} {params:?}");
    assert!(holds(&answer), "a refusal is signed, too: {answer}");
}

#[tokio::test]
async fn a_wrong_signature_is_refused_on_every_call() {
    let bench = Bench::start().await;

    for call in Call::ALL {
        let right = signed(&order(call));
        let foreign = sign::signed(order(call), "a salt of somebody else, long enough");
        let stale = with(right.clone(), &[("currency", json!("USD")), ("site_login", json!("changed"))]);
        let zeros = with(right, &[("signature", json!("0".repeat(40)))]);
        for wrong in [foreign, stale, zeros] {
            let (status, answer) = bench.send(call, &wrong).await.expect("an answer");
            assert_eq!((status, &answer["success"]), (200, &json!(false)), "{call:?}");
            assert_eq!(answer["message"], "Invalid signature", "{call:?}");
            assert!(holds(&answer), "{call:?}: {answer}");
        }
    }
    assert_eq!(bench.cactus.orders().len(), 0);
    assert_eq!(bench.cactus.asked_about("request_id123"), 0);
}

#[tokio::test]
async fn every_required_member_is_required_and_named() {
    let bench = Bench::start().await;

    for call in Call::ALL {
        for name in call.required() {
            for blank in [None, Some(json!(" "))] {
                let mut params = signed(&order(call));
                params.remove(*name);
                params.extend(blank.map(|blank| ((*name).to_owned(), blank)));
                let (_, answer) = bench.send(call, &params).await.expect("an answer");
                assert_eq!(answer["message"], format!("Missing parameter {name}"), "{call:?}");
            }
        }
    }
    assert_eq!(bench.cactus.orders().len(), 0);
}

#[tokio::test]
async fn another_merchant_or_site_is_refused_before_the_signature() {
    let bench = Bench::start().await;

    for call in Call::ALL {
        for (name, value) in [("merchant_id", json!("other")), ("site_id", json!(333)), ("site_id", json!("0332"))] {
            let params = with(order(call), &[(name, value)]);
            refuse(&bench, call, &params, "Unknown merchant or site").await;
            let (_, answer) = bench.send(call, &with(params, &[("signature", json!("x"))])).await.expect("an answer");
            assert_eq!(answer["message"], "Unknown merchant or site");
        }
    }
    let as_text = with(order(Call::Payout), &[("site_id", json!("332"))]);
    let (_, answer) = bench.call(Call::Payout, &as_text).await.expect("an answer");
    assert_eq!(answer["success"], true, "samples send the number as a text");
}

#[tokio::test]
async fn amounts_currencies_and_methods_are_checked() {
    let bench = Bench::start().await;
    let amounts = [json!(0), json!(-1), json!("900000"), json!(9000.5), json!(1_000_000_000_000_001_i64), json!(true)];

    for call in [Call::Form, Call::Invoice, Call::Payout, Call::Book] {
        for amount in &amounts {
            refuse(&bench, call, &with(order(call), &[("amount", amount.clone())]), "Invalid amount").await;
        }
        for currency in ["GBP", "usd", "US"] {
            let params = with(order(call), &[("currency", json!(currency))]);
            refuse(&bench, call, &params, "Unsupported currency").await;
        }
        let params = with(order(call), &[("method", json!("hawala"))]);
        refuse(&bench, call, &params, "Unsupported method").await;
        for name in ["request_id", "site_login"] {
            let params = with(order(call), &[(name, json!(17))]);
            refuse(&bench, call, &params, &format!("Invalid parameter {name}")).await;
        }
    }
    for (call, method) in [(Call::Payout, "qiwi"), (Call::Payout, "cis_transfer"), (Call::Invoice, "skrill")] {
        let params = with(order(call), &[("method", json!(method))]);
        refuse(&bench, call, &params, "Unsupported method").await;
    }
    assert_eq!(bench.cactus.orders().len(), 0);
}

#[tokio::test]
async fn every_field_that_a_method_must_have_is_missed() {
    let bench = Bench::start().await;

    for call in [Call::Form, Call::Invoice, Call::Payout] {
        for rail in call.rails() {
            for field in rail.fields.iter().filter(|field| field.is_required) {
                for instead in [None, Some(json!(""))] {
                    let (name, mut given) = fields(call, rail.name);
                    let inner = given.as_object_mut().expect("an object");
                    inner.remove(field.name);
                    inner.extend(instead.map(|instead| (field.name.to_owned(), instead)));
                    let params = with(order(call), &[("method", json!(rail.name)), (name, given)]);
                    let reason = format!("Missing parameter additional_fields.{}", field.name);
                    refuse(&bench, call, &params, &reason).await;
                }
            }
        }
    }
    assert_eq!(bench.cactus.orders().len(), 0);
}

#[tokio::test]
async fn fields_are_texts_with_known_names() {
    let bench = Bench::start().await;
    let cash = json!({"address": "a", "username": "@u", "messenger": "telegram"});

    for (call, method, given, wrong) in [
        (
            Call::Payout,
            "card",
            json!({"card_number": 4_242_424_242_424_242_i64}),
            "Invalid parameter additional_fields.card_number",
        ),
        (
            Call::Payout,
            "card",
            json!({"card_number": "1", "card_numbr": "1"}),
            "Invalid parameter additional_fields.card_numbr",
        ),
        (
            Call::Payout,
            "card",
            json!({"card_number": "1", "bank_name": null}),
            "Invalid parameter additional_fields.bank_name",
        ),
        (Call::Payout, "binance", json!({"wallet": "x"}), "Invalid parameter additional_fields.wallet"),
        (Call::Payout, "card", json!([]), "Invalid parameter additional_fields"),
        (Call::Invoice, "card", json!("Morgan"), "Invalid parameter additional_fields"),
        (Call::Invoice, "card", json!({"card_number": "1"}), "Invalid parameter additional_fields.card_number"),
        (Call::Invoice, "PIX", json!({"anything": 1}), "Invalid parameter additional_fields.anything"),
        (Call::Invoice, "cash", cash, "Missing parameter additional_fields.asap or additional_fields.time"),
        (Call::Invoice, "cis_transfer", json!({"bank_app": "Morgan"}), "Invalid parameter additional_fields.bank_app"),
        (
            Call::Form,
            "cis_transfer_card",
            json!({"bank_app": "Morgan"}),
            "Invalid parameter additional_fields.bank_app",
        ),
    ] {
        let params = with(order(call), &[("method", json!(method)), ("additional_fields", given)]);
        refuse(&bench, call, &params, wrong).await;
    }
    assert_eq!(bench.cactus.orders().len(), 0);
    for name in ["expiry date", "expiry_date"] {
        let given = json!({"card_number": "4242424242424242", name: "07/23"});
        let params = with(order(Call::Payout), &[("request_id", json!(name)), ("additional_fields", given)]);
        let (_, answer) = bench.call(Call::Payout, &params).await.expect("an answer");
        assert_eq!(answer["success"], true, "both spellings are taken: {answer}");
    }
}

#[tokio::test]
async fn a_text_that_imitates_a_further_member_is_refused() {
    let bench = Bench::start().await;
    let holder = json!({"card_number": "1", "card_holder": "John;card_number:2"});

    for (name, value) in [("site_login", json!("u;status:3")), ("additional_fields", holder)] {
        let params = with(order(Call::Payout), &[(name, value)]);
        refuse(&bench, Call::Payout, &params, &format!("Invalid parameter {name}")).await;
    }
    assert_eq!(bench.cactus.orders().len(), 0);
}

#[tokio::test]
async fn what_is_not_a_json_object_is_answered_with_the_manuals_words() {
    let bench = Bench::start().await;
    let right = Value::Object(signed(&order(Call::Payout))).to_string();

    for (content_type, body) in [
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", ""),
        ("text/plain", right.as_str()),
        ("application/x-www-form-urlencoded", "a=b"),
    ] {
        for call in Call::ALL.into_iter().filter(|call| call.method() == "POST") {
            let request = bench.http.post(format!("{}{}", bench.cactus.url(), call.path()));
            let sent = request.header("content-type", content_type).body(body.to_owned()).send().await;
            let answer = sent.expect("an answer").bytes().await.expect("a body");
            let answer: Value = serde_json::from_slice(&answer).expect("JSON");
            assert_eq!(answer["message"], "Invalid ContentType or json format", "{call:?} {content_type} {body}");
            assert!(answer["success"] == false && holds(&answer), "{answer}");
        }
    }
    let request = bench.http.post(format!("{}{}", bench.cactus.url(), Call::Payout.path()));
    let sent = request.header("content-type", "application/json; charset=utf-8").body(right).send().await;
    assert_eq!(sent.expect("an answer").status(), 200);
    assert_eq!(bench.cactus.orders().len(), 1, "a character set beside the content type is fine");
}

#[tokio::test]
async fn unknown_paths_and_other_methods_are_not_served() {
    let bench = Bench::start().await;
    let status = async |method: &str, path: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let sent = bench.http.request(method, format!("{}{path}", bench.cactus.url())).send().await;
        sent.expect("an answer").status().as_u16()
    };

    for call in Call::ALL {
        let other = if call.method() == "GET" { "POST" } else { "GET" };
        assert_eq!(status(other, call.path()).await, 405, "{call:?}");
        assert_eq!(status(call.method(), &format!("{}x", call.path())).await, 404, "{call:?}");
    }
    bench.cactus.behave(Manners { tells_status: false, ..Manners::default() });
    assert_eq!(status("POST", Call::Status.path()).await, 404, "the manual has no such call");
}
