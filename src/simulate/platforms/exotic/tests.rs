//! The platform over its own socket: what it takes, what it refuses, what it says.

mod notices;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::super::host::Reply;
use super::super::{Params, Twist, Way};
use super::sign::{Formula, Signed, pay_in, pay_out};
use super::*;

const KEY: &str = "a-sign-key-for-these-tests-only";

fn account() -> Account {
    Account { sign_key: crate::secret::Secret::new(KEY), ..Account::example() }
}

fn here() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn started(account: Account) -> Exotic {
    Exotic::start(here(), account).await.expect("a free port")
}

fn object(value: Value) -> Params {
    value.as_object().cloned().expect("an object")
}

/// The member as text, or nothing.
fn text<'a>(body: &'a Params, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn payout(order_id: &str) -> Params {
    let body = json!({"order_id": order_id, "payment_method": "sbp", "fiat_amount": "1500.00", "fiat_currency": "rub",
        "timeout": 30, "phone_number": "79161234567", "bank_name": "Sberbank", "full_name": "Ivanov Ivan Ivanovich",
        "customer": "alice", "success_callback_url": format!("http://127.0.0.1:1/success/{order_id}"),
        "error_callback_url": format!("http://127.0.0.1:1/error/{order_id}")});
    signed_payout(object(body), KEY)
}

fn signed_payout(mut body: Params, key: &str) -> Params {
    let details = ["number_card", "phone_number", "number_score", "iban_number"].map(|name| text(&body, name)).concat();
    let parts = ["order_id", "fiat_amount", "fiat_currency"].map(|name| text(&body, name));
    let sign = pay_out(parts[0], parts[1], &details, parts[2], key);
    body.insert("sign".to_owned(), sign.into());
    body
}

fn payment(order_id: &str) -> Params {
    let body = json!({"order_id": order_id, "payment_method": "card", "fiat_amount": "300.00", "fiat_currency": "rub",
        "bank": "sber", "customer": "alice", "success_callback_url": format!("http://127.0.0.1:1/success/{order_id}")});
    signed_payment(object(body), KEY)
}

fn signed_payment(mut body: Params, key: &str) -> Params {
    let parts = ["order_id", "fiat_amount", "fiat_currency", "payment_method"].map(|name| text(&body, name));
    let sign = pay_in(parts[0], parts[1], parts[2], parts[3], key);
    body.insert("sign".to_owned(), sign.into());
    body
}

/// `change` applied to a payout, then signed anew: wrong in this one thing only.
fn changed(change: Value) -> Params {
    let mut body = payout("order-1");
    body.extend(object(change));
    body.retain(|_, value| !value.is_null());
    signed_payout(body, KEY)
}

fn standard(order_id: &str) -> String {
    let formula = Formula::parse("{order_id}:{sign_key}").expect("a formula");
    formula.sign(Signed { order_id, ..Signed::default() }, KEY)
}

async fn post(platform: &Exotic, call: &str, body: &Params) -> Result<(u16, Value), CallError> {
    let url = format!("{}/api/merchant/m1/{call}", platform.url());
    let request = caller::client().post(url).header("content-type", "application/json");
    let sent = request.body(Value::Object(body.clone()).to_string()).send().await;
    let answer = caller::read(sent.map_err(|error| no_answer(&error.to_string()))?).await?;
    Ok((answer.status, answer.json.unwrap_or_default()))
}

async fn told(platform: &Exotic, call: &str, key: &str) -> (u16, Value) {
    let url = format!("{}/api/merchant/m1/{call}", platform.url());
    let request = caller::client().get(url).header("content-type", "application/json").header("x-api-key", key);
    let answer = caller::read(request.send().await.expect("an answer")).await.expect("an answer");
    (answer.status, answer.json.unwrap_or_default())
}

async fn status(platform: &Exotic, call: &str) -> (u16, Value) {
    told(platform, call, "exotic-demo-api-key-b92e74a6").await
}

fn error(text: &str) -> Value {
    json!({"ok": false, "error": text})
}

#[tokio::test]
async fn a_payout_is_taken_and_answered_as_the_manual_says() {
    let platform = started(account()).await;

    let (status, answer) = post(&platform, "create_pay_out/", &payout("order-1")).await.expect("an answer");

    let taken = platform.wait_for("order-1", Duration::from_secs(5)).await.expect("it is taken");
    let reject = format!("{}/api/merchant/m1/rejected_pay_out/", platform.url());
    let expected = json!({"ok": true, "internal_transaction_id": taken.own_id, "fiat_amount": "1500.00",
        "usdt_amount": "14.9630", "merchant_spent_usdt": "15.1126", "fiat_currency": "rub",
        "exchange_rate": "100.2472", "payment_method": "sbp", "reject_callback_url": reject});
    assert_eq!((status, answer), (200, expected));
    assert_eq!((taken.way, taken.amount, taken.currency.as_str()), (Way::Payout, 150_000, "RUB"));
    assert_eq!((taken.login.as_str(), taken.method.as_str(), taken.asked), ("alice", "sbp", 1));
    assert_eq!((taken.end, &taken.params), (End::Pending, &payout("order-1")));
    assert_eq!(platform.balance(), account().balance - 151_126);
}

#[tokio::test]
async fn a_payment_is_answered_with_whom_to_pay_and_how_much() {
    let platform = started(Account { pay_in_surcharge: 7, ..account() }).await;

    let (status, answer) = post(&platform, "create_pay_in", &payment("order-1")).await.expect("an answer");

    assert_eq!(status, 200);
    assert_eq!((&answer["order_id"], &answer["payment_method"]), (&json!("order-1"), &json!("card")));
    assert_eq!((&answer["fiat_amount"], &answer["number_card"]), (&json!("300.07"), &json!("4276345439581234")));
    assert_eq!((&answer["bank_name"], &answer["phone_number"]), (&json!("sber"), &Value::Null));
    assert!(answer["expires_at"].as_str().is_some_and(|at| at.len() == 20 && at.ends_with('Z')), "{answer}");
    assert_eq!(platform.orders()[0].amount, 30_000);
}

#[tokio::test]
async fn every_rail_pays_out_with_its_own_details() {
    let platform = started(account()).await;
    for (rail, member) in [("card", "number_card"), ("score", "number_score"), ("iban", "iban_number")] {
        let details = platform.details(&format!("exotic_{rail}"));
        let mut body = payout(rail);
        body.remove("phone_number");
        body.extend(details.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        body.insert("payment_method".to_owned(), rail.into());

        let (code, _) = post(&platform, "create_pay_out/", &signed_payout(body.clone(), KEY)).await.expect("an answer");

        assert_eq!(code, 200, "{rail}");
        let (_, told) = status(&platform, &format!("status_pay_out/{rail}/")).await;
        assert_eq!((&told[member], &told["phone_number"]), (&body[member], &Value::Null), "{rail}");
    }
}

#[tokio::test]
async fn a_wrong_signature_or_key_is_refused_on_every_call() {
    let platform = started(account()).await;
    post(&platform, "create_pay_out/", &payout("out")).await.expect("an answer");
    post(&platform, "create_pay_in", &payment("in")).await.expect("an answer");
    let mut altered = payout("order-1");
    altered.insert("fiat_amount".to_owned(), "1500.01".into());
    let mut upper = payout("order-1");
    upper.insert("sign".to_owned(), text(&upper, "sign").to_ascii_uppercase().into());
    let foreign = |id: &str| object(json!({"order_id": id, "standart_sign": standard("another")}));

    let refused = [
        ("create_pay_out/", signed_payout(payout("order-1"), "another key")),
        ("create_pay_out/", altered),
        ("create_pay_out/", upper),
        ("create_pay_in", signed_payment(payment("order-1"), "another key")),
        ("rejected_pay_out/", foreign("out")),
        ("rejected_pay_in/", foreign("in")),
        ("rejected_pay_out/", foreign("unknown")),
    ];
    for (call, body) in refused {
        assert_eq!(post(&platform, call, &body).await.expect("an answer").0, 403, "{call}");
    }
    for call in ["status_pay_out/out/", "status_pay_in/in/"] {
        assert_eq!(told(&platform, call, "another key").await.0, 401, "{call}");
    }

    assert_eq!(platform.orders().len(), 2);
    assert!(platform.orders().iter().all(|order| order.end == End::Pending));
    assert_eq!((platform.asked_about("out"), platform.cancellations("out")), (0, 0));
}

#[tokio::test]
async fn a_malformed_payout_is_refused_with_the_name_of_the_member() {
    let platform = started(account()).await;
    let refused = [
        ("order_id", json!({"order_id": null})),
        ("order_id", json!({"order_id": 7})),
        ("order_id", json!({"order_id": ""})),
        ("order_id", json!({"order_id": "a:b"})),
        ("order_id", json!({"order_id": "x".repeat(256)})),
        ("payment_method", json!({"payment_method": "cash"})),
        ("fiat_amount", json!({"fiat_amount": "1500"})),
        ("fiat_amount", json!({"fiat_amount": "1500.0"})),
        ("fiat_amount", json!({"fiat_amount": "0.00"})),
        ("fiat_amount", json!({"fiat_amount": 1500})),
        ("fiat_currency", json!({"fiat_currency": "RUB"})),
        ("phone_number", json!({"phone_number": null})),
        ("phone_number", json!({"phone_number": "7916123456"})),
        ("phone_number", json!({"phone_number": "8 916 123 45"})),
        ("bank_name", json!({"bank_name": null})),
        ("success_callback_url", json!({"success_callback_url": null})),
        ("success_callback_url", json!({"success_callback_url": "ftp://example.com"})),
        ("error_callback_url", json!({"error_callback_url": null})),
        ("timeout", json!({"timeout": "30"})),
        ("timeout", json!({"timeout": 0})),
        ("customer", json!({"customer": "x".repeat(129)})),
        ("number_card", json!({"payment_method": "card", "phone_number": null, "number_card": "42763454395812345"})),
        ("number_score", json!({"payment_method": "score", "phone_number": null, "number_score": "4081"})),
        (
            "iban_number",
            json!({"payment_method": "iban", "phone_number": null, "iban_number": "de89370400440532013000"}),
        ),
    ];

    for (member, change) in refused {
        let (code, answer) = post(&platform, "create_pay_out/", &changed(change.clone())).await.expect("an answer");
        let named = answer["error"].as_str().is_some_and(|text| text.starts_with(&format!("{member}: ")));
        assert!(code == 400 && named, "{change}: {code} {answer}");
    }
    let mut unsigned = payout("order-1");
    unsigned.remove("sign");
    assert_eq!(post(&platform, "create_pay_out/", &unsigned).await.expect("an answer").0, 400);

    assert!(platform.orders().is_empty());
}

#[tokio::test]
async fn paths_methods_and_content_types_are_taken_as_printed() {
    let platform = started(account()).await;
    for path in ["", "create_pay_in/", "create_pay_out", "status_pay_out/a", "status_pay_out//", "status_pay_out/a/b/"]
    {
        assert_eq!(post(&platform, path, &payout("order-1")).await.expect("an answer").0, 404, "{path}");
    }
    let other = format!("{}/api/merchant/m2/create_pay_out/", platform.url());
    let http = caller::client();
    let json = |request: reqwest::RequestBuilder| request.header("content-type", "application/json");

    let of_another = json(http.post(other)).body("{}").send().await.expect("an answer").status();
    let asked = json(http.get(format!("{}/api/merchant/m1/create_pay_out/", platform.url()))).send().await;
    let posted = post(&platform, "status_pay_out/a/", &Params::new()).await.expect("an answer").0;
    let form = http.post(format!("{}/api/merchant/m1/create_pay_out/", platform.url())).body("order_id=1").send().await;
    let list = json(http.post(format!("{}/api/merchant/m1/create_pay_out/", platform.url()))).body("[]").send().await;

    assert_eq!((of_another.as_u16(), asked.expect("an answer").status().as_u16(), posted), (404, 405, 405));
    assert_eq!(form.expect("an answer").status(), 415);
    assert_eq!(list.expect("an answer").status(), 400);
}

#[tokio::test]
async fn what_is_answered_badly_is_taken_and_what_vanishes_is_not() {
    let taking = [
        Answering::Accept,
        Answering::Slow(Duration::ZERO),
        Answering::Hangup,
        Answering::Reset,
        Answering::Status(502),
        Answering::Html,
        Answering::BrokenJson,
        Answering::Endless,
    ];
    let leaving = [Answering::Refuse, Answering::Vanish, Answering::Redirect("http://127.0.0.1:1/".to_owned())];
    let platform = started(account()).await;
    let url = format!("{}/api/merchant/m1/create_pay_out/", platform.url());

    for (number, answering) in taking.iter().chain(&leaving).enumerate() {
        let id = format!("order-{number}");
        platform.answer_with(answering.clone());
        let body = Value::Object(payout(&id)).to_string();
        // Only the head of the answer is awaited: one of them never ends.
        let head = caller::client().post(&url).header("content-type", "application/json").body(body).send().await;

        assert_eq!(platform.find(&id).is_some(), taking.contains(answering), "{answering:?}");
        let code = head.map(|response| response.status().as_u16()).unwrap_or_default();
        let expected = match answering {
            Answering::Accept | Answering::Slow(_) | Answering::Html | Answering::BrokenJson | Answering::Endless => {
                200
            }
            Answering::Hangup | Answering::Reset | Answering::Vanish => 0,
            Answering::Status(status) => *status,
            Answering::Refuse => 400,
            Answering::Redirect(_) => 302,
        };
        assert_eq!(code, expected, "{answering:?}");
    }
}

#[tokio::test]
async fn a_repeated_order_is_refused_and_counted_and_never_a_second_one() {
    let platform = started(account()).await;
    post(&platform, "create_pay_out/", &payout("order-1")).await.expect("an answer");
    let mut other = payout("order-1");
    other.insert("fiat_amount".to_owned(), "9.00".into());

    let same = post(&platform, "create_pay_out/", &payout("order-1")).await.expect("an answer");
    let changed = post(&platform, "create_pay_out/", &signed_payout(other, KEY)).await.expect("an answer");
    let crossed = post(&platform, "create_pay_in", &payment("order-1")).await.expect("an answer");
    platform.answer_with(Answering::Refuse);
    let refusing = post(&platform, "create_pay_out/", &payout("order-1")).await.expect("an answer");

    for answer in [same, changed, crossed, refusing] {
        assert_eq!(answer, (400, error("duplicate order")));
    }
    let orders = platform.orders();
    assert_eq!((orders.len(), orders[0].asked, orders[0].amount), (1, 5, 150_000));
}

#[tokio::test]
async fn the_documented_refusals_come_in_every_shape_and_take_nothing() {
    let shapes = [
        (ErrorForm::Error, json!({"ok": false, "error": "low balance"})),
        (ErrorForm::Message, json!({"ok": false, "message": "low balance"})),
        (ErrorForm::Detail, json!({"detail": "low balance"})),
        (ErrorForm::List, json!({"ok": false, "errors": ["low balance"]})),
        (ErrorForm::Text, json!("low balance")),
    ];
    for (error_form, expected) in shapes {
        let poor = Account { balance: 151_125, error_form, refusal_status: 200, ..account() };
        let platform = started(poor).await;
        let answer = post(&platform, "create_pay_out/", &payout("order-1")).await.expect("an answer");
        assert_eq!((answer, platform.orders().len()), ((200, expected), 0));
    }
    let platform = started(Account { rails: vec![Rail::Card], balance: 151_126, ..account() }).await;
    let disabled = post(&platform, "create_pay_out/", &payout("order-1")).await.expect("an answer");
    platform.answer_with(Answering::Refuse);
    let overloaded = post(&platform, "create_pay_out/", &payout("order-1")).await.expect("an answer");
    platform.refuse_with(Refusal::LowBalance);
    let poor = post(&platform, "create_pay_in", &payment("order-2")).await.expect("an answer");

    assert_eq!(disabled, (400, error("this payment method is disabled for your merchant")));
    assert_eq!(overloaded, (400, error("overloading requisite")));
    assert_eq!(poor, (400, error("low balance")));
    assert!(platform.orders().is_empty());
}

#[tokio::test]
async fn a_refused_payout_gives_its_usdt_back() {
    let platform = started(Account { balance: 151_126, ..account() }).await;
    post(&platform, "create_pay_out/", &payout("order-1")).await.expect("an answer");

    let poor = post(&platform, "create_pay_out/", &payout("order-2")).await.expect("an answer");
    platform.set("order-1", End::Declined);
    let covered = post(&platform, "create_pay_out/", &payout("order-2")).await.expect("an answer");

    assert_eq!((poor, covered.0, platform.balance()), ((400, error("low balance")), 200, 0));
}

#[tokio::test]
async fn the_status_is_what_was_decided_and_names_receipts_only_when_paid() {
    let platform = started(Account { cheques: 3, ..account() }).await;
    post(&platform, "create_pay_out/", &payout("out")).await.expect("an answer");
    post(&platform, "create_pay_in", &payment("in")).await.expect("an answer");
    let ends = [
        (End::Pending, "expectation"),
        (End::Declined, "rejected_gate"),
        (End::Cancelled, "rejected_merchant"),
        (End::Expired, "rejected_timeout"),
        (End::Paid, "successful"),
    ];

    for (end, wire) in ends {
        platform.set("out", end);
        let (code, told) = status(&platform, "status_pay_out/out/").await;
        assert_eq!((code, &told["ok"], &told["status"]), (200, &json!(true), &json!(wire)));
        assert_eq!((&told["type"], &told["fiat_amount"]), (&json!("pay_out"), &json!("1500.00")));
        assert_eq!((told.get("standart_sign"), told.get("cheque_urls").is_some()), (None, end == End::Paid));
    }
    let (_, paid) = status(&platform, "status_pay_out/out/").await;
    let (_, payment) = status(&platform, "status_pay_in/in/").await;

    assert_eq!(paid["cheque_urls"].as_array().map(Vec::len), Some(3));
    assert_eq!((&payment["type"], &payment["merchant_received_usdt"]), (&json!("pay_in"), &json!("2.9627")));
    assert_eq!(payment.get("merchant_spent_usdt"), None);
    assert_eq!(status(&platform, "status_pay_in/out/").await.0, 404);
    assert_eq!(platform.asked_about("out"), 7);
}

#[tokio::test]
async fn a_question_is_answered_as_told_and_limited() {
    let limit = StatusLimit { questions: 2, window: Duration::from_secs(3600) };
    let platform = started(Account { status_limit: Some(limit), ..account() }).await;
    post(&platform, "create_pay_out/", &payout("order-1")).await.expect("an answer");

    platform.tell_with(Telling::NotFound);
    assert_eq!(status(&platform, "status_pay_out/order-1/").await.0, 404);
    platform.tell_with(Telling::Truth);
    assert_eq!(status(&platform, "status_pay_out/order-1/").await.0, 200);
    assert_eq!(status(&platform, "status_pay_out/order-1/").await.0, 429);

    let patient = started(account()).await;
    post(&patient, "create_pay_out/", &payout("order-1")).await.expect("an answer");
    for (telling, code) in [(Telling::Unavailable, 503), (Telling::TooMany, 429), (Telling::Truth, 200)] {
        patient.tell_with(telling);
        assert_eq!(status(&patient, "status_pay_out/order-1/").await.0, code, "{telling:?}");
    }
    assert_eq!((platform.asked_about("order-1"), patient.asked_about("order-1")), (3, 3));
}

#[tokio::test]
async fn the_status_takes_the_id_it_was_set_to_and_no_other() {
    let platform = started(Account { status_by: StatusBy::InternalTransactionId, ..account() }).await;
    post(&platform, "create_pay_out/", &payout("order-1")).await.expect("an answer");
    let own_id = platform.orders()[0].own_id.clone();

    assert_eq!(status(&platform, "status_pay_out/order-1/").await.0, 404);
    assert_eq!(status(&platform, &format!("status_pay_out/{own_id}/")).await.0, 200);
    assert_eq!(platform.asked_about("order-1"), 2);
}

#[tokio::test]
async fn a_cancellation_ends_what_waits_and_nothing_that_has_ended() {
    let platform = started(account()).await;
    for id in ["waiting", "paid", "moving"] {
        post(&platform, "create_pay_out/", &payout(id)).await.expect("an answer");
    }
    platform.set("paid", End::Paid);
    let cancel = |id: &str| object(json!({"order_id": id, "standart_sign": standard(id)}));

    let waiting = post(&platform, "rejected_pay_out/", &cancel("waiting")).await.expect("an answer");
    let again = post(&platform, "rejected_pay_out/", &cancel("waiting")).await.expect("an answer");
    let paid = post(&platform, "rejected_pay_out/", &cancel("paid")).await.expect("an answer");
    let crossed = post(&platform, "rejected_pay_in/", &cancel("waiting")).await.expect("an answer");
    platform.heed_cancellations(false);
    let moving = post(&platform, "rejected_pay_out/", &cancel("moving")).await.expect("an answer");

    assert_eq!((waiting.0, again.0, paid.0, crossed.0, moving.0), (200, 200, 400, 404, 200));
    let ends = platform.orders().into_iter().map(|order| order.end).collect::<Vec<_>>();
    assert_eq!(ends, [End::Cancelled, End::Paid, End::Pending]);
    assert_eq!((platform.cancellations("waiting"), platform.cancellations("moving")), (2, 1));
}

#[tokio::test]
async fn the_settings_lead_here_and_secrets_are_not_printed() {
    let platform = started(account()).await;

    let toml = platform.settings("demo");

    let read = config::Config::builder().add_source(config::File::from_str(&toml, config::FileFormat::Toml)).build();
    let read = read.expect("TOML");
    let text = |key: &str| read.get_string(key).unwrap_or_default();
    assert_eq!(text("sites.demo.exotic.url"), platform.url());
    assert_eq!(text("sites.demo.exotic.sign_keys[0]"), KEY);
    assert_eq!(text("sites.demo.exotic.callback_formula"), "{order_id}:{sign_key}");
    for rail in Rail::ALL {
        assert_eq!(text(&format!("sites.demo.methods.exotic_{}.provider_method", rail.wire())), rail.wire());
    }
    let printed = format!("{platform:?}");
    for secret in [KEY, account().api_key.expose(), account().callback_token.expose()] {
        assert!(secret.len() >= 24 && !printed.contains(secret), "{printed}");
    }
}

#[tokio::test]
async fn a_formula_that_cannot_be_read_does_not_start() {
    let account = Account { callback_formula: "{order_id}".to_owned(), ..account() };

    let started = Exotic::start(here(), account).await;

    assert_eq!(started.map(|_| ()).map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
}
