//! What API 2.0 promises, and what it does not take.

use std::sync::Mutex;

use serde_json::json;
use tokio::sync::mpsc;

use super::super::host::Reply;
use super::super::{Answering, End, Note, Platform, Telling, Twist, Way};
use super::calls::{DEPOSIT, PAYOUT, STATUS};
use super::*;

const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn start() -> Cabbagino {
    Cabbagino::start(HERE, Account::default()).await.expect("a free port")
}

fn object(value: Value) -> Params {
    value.as_object().cloned().expect("written as an object")
}

fn order(id: &str, system: &str, data: Value) -> Params {
    object(json!({"payment_system": system, "external_id": id, "amount": 2000, "currency": "USD", "payment_data": data,
        "customer": {"customer_id": "JohnDoe", "country": "LV", "first_name": "Test", "last_name": "Test"}}))
}

fn payout(id: &str) -> Params {
    order(id, "JETON_PS", json!({"wallet": "12345678"}))
}

fn signed(params: Params) -> Params {
    sign::sealed(params, Account::default().salt.expose())
}

/// HTTP status and JSON, or why there was no answer.
async fn post(platform: &Cabbagino, path: &str, params: &Params) -> Result<(u16, Value), String> {
    let key = Account::default().merchant_key;
    let request = caller::client().post(format!("{}{path}", platform.url())).header("MERCHANT_KEY", key.expose());
    let body = Value::Object(params.clone()).to_string();
    let sent = request.header("content-type", "application/json").body(body).send().await;
    let answer = caller::read(sent.map_err(|error| error.to_string())?).await.map_err(|error| error.to_string())?;
    Ok((answer.status, answer.json.ok_or("not JSON")?))
}

async fn take(platform: &Cabbagino, path: &str, params: Params) -> Value {
    let (status, answer) = post(platform, path, &signed(params)).await.expect("an answer");
    assert_eq!(status, 200, "{answer}");
    answer
}

/// A merchant that acknowledges, and what it was sent.
async fn merchant(answer: Value) -> (Host, mpsc::UnboundedReceiver<Incoming>) {
    let (heard, hearing) = mpsc::unbounded_channel();
    let heard = Mutex::new(heard);
    let handler = move |incoming: Incoming| -> BoxFuture<'static, Reply> {
        heard.lock().expect("nobody panics while hearing").send(incoming).expect("the test listens");
        Box::pin(std::future::ready(Reply::ok(answer.clone())))
    };
    (Host::start(HERE, Arc::new(handler)).await.expect("a free port"), hearing)
}

#[tokio::test]
async fn a_deposit_leads_to_a_page_or_shows_where_to_pay() {
    let platform = start().await;
    let card = json!({"card_number": "4111111111111111", "card_holder": "John Doe", "exp_year": "2028",
        "exp_month": "06", "cvv": "123"});

    let page = take(&platform, DEPOSIT, order("d-1", "TEST_PS", card)).await;
    let shown = take(&platform, DEPOSIT, order("d-2", "P2P_PS", json!({}))).await;

    assert_eq!((&page["status"], &page["type"], &page["external_id"]), (&json!(3), &json!(1), &json!("d-1")));
    let page = page["redirect"].as_str().expect("an address").to_owned();
    assert_eq!(caller::client().get(page).send().await.expect("an answer").status(), 200);
    assert_eq!((&shown["status"], &shown["type"], &shown["external_id"]), (&json!(1), &json!(1), &json!("d-2")));
    assert!(shown["display_data"]["card"].is_string() && shown.get("redirect").is_none());
    let taken = platform.wait_for("d-1", Duration::from_secs(5)).await.expect("it is there");
    assert_eq!((taken.way, taken.login.as_str(), taken.amount, taken.asked), (Way::Deposit, "JohnDoe", 2000, 1));
}

#[tokio::test]
async fn the_same_order_twice_is_one_and_another_under_its_id_is_refused() {
    let platform = start().await;

    let first = take(&platform, PAYOUT, payout("p-1")).await;
    platform.set("p-1", End::Paid);
    let again = take(&platform, PAYOUT, payout("p-1")).await;
    let mut other = payout("p-1");
    other.insert("amount".to_owned(), 2001.into());
    let other = post(&platform, PAYOUT, &signed(other)).await.expect("an answer");
    let other_way = post(&platform, DEPOSIT, &signed(payout("p-1"))).await.expect("an answer");

    assert_eq!((&first["status"], &first["type"], &first["external_id"]), (&json!(1), &json!(2), &json!("p-1")));
    assert_eq!(again, first);
    assert_eq!((other.0, other_way.0), (409, 409));
    let orders = platform.orders();
    assert_eq!((orders.len(), orders[0].asked, orders[0].amount, orders[0].way), (1, 4, 2000, Way::Payout));
}

#[tokio::test]
async fn every_call_needs_the_key_and_the_signature_of_the_merchant() {
    let platform = start().await;
    let question = object(json!({"order_id": "173805987126016235868000000001"}));
    for (path, params) in [(DEPOSIT, payout("x")), (PAYOUT, payout("x")), (STATUS, question)] {
        let unsigned = post(&platform, path, &params).await.expect("an answer");
        let mut changed = signed(params.clone());
        changed.insert("more".to_owned(), "text".into());
        let changed = post(&platform, path, &changed).await.expect("an answer");
        let foreign = post(&platform, path, &sign::sealed(params.clone(), "another salt")).await.expect("an answer");
        for (status, answer) in [unsigned, changed, foreign] {
            assert_eq!((status, &answer["errors"]), (403, &json!("Invalid signature")), "{path}");
        }
        for key in [None, Some(""), Some("another key")] {
            let mut request = caller::client().post(format!("{}{path}", platform.url()));
            if let Some(key) = key {
                request = request.header("MERCHANT_KEY", key);
            }
            let body = Value::Object(signed(params.clone())).to_string();
            let sent = request.header("content-type", "application/json").body(body).send().await;
            assert_eq!(sent.expect("an answer").status(), 403, "{path} {key:?}");
        }
    }
    assert!(platform.orders().is_empty());
}

#[tokio::test]
async fn only_the_published_addresses_methods_and_content_types_are_served() {
    let platform = start().await;
    let http = caller::client();
    let url = |path: &str| format!("{}{path}", platform.url());
    for path in ["/", "/status", "/v2/payment/deposit", "/v1/payments/deposit/", "/3ds/1"] {
        assert_eq!(http.get(url(path)).send().await.expect("an answer").status(), 404, "{path}");
    }
    for path in [DEPOSIT, PAYOUT, STATUS] {
        assert_eq!(http.get(url(path)).send().await.expect("an answer").status(), 405, "{path}");
        assert_eq!(http.post(url(path)).body("{}").send().await.expect("an answer").status(), 415, "{path}");
    }
}

#[tokio::test]
async fn what_is_missing_or_malformed_is_named() {
    let platform = start().await;
    let with = |name: &str, value: Value| {
        let mut params = payout("x");
        params.insert(name.to_owned(), value);
        params
    };
    let card = |name: &str, value: &str| {
        let mut data = json!({"card_number": "4111111111111111", "card_holder": "A", "exp_year": "2028",
            "exp_month": "06"});
        data[name] = value.into();
        order("x", "TEST_PS", data)
    };
    let customer = |country: &str| json!({"customer_id": "a", "country": country, "first_name": "b", "last_name": "c"});
    let cases = [
        (with("payment_system", "NO_PS".into()), "Invalid parameter payment_system"),
        (with("payment_system", "cabbagino_jeton".into()), "Invalid parameter payment_system"),
        (with("external_id", " ".into()), "Missing parameter external_id"),
        (with("external_id", 5.into()), "Invalid parameter external_id"),
        (with("external_id", "x".repeat(257).into()), "Invalid parameter external_id"),
        (with("amount", 0.into()), "Invalid parameter amount"),
        (with("amount", (-5).into()), "Invalid parameter amount"),
        (with("amount", "2000".into()), "Invalid parameter amount"),
        (with("amount", json!(20.5)), "Invalid parameter amount"),
        (with("currency", "US".into()), "Invalid parameter currency"),
        (with("customer", "JohnDoe".into()), "Invalid parameter customer"),
        (with("customer", json!({"customer_id": "a"})), "Missing parameter first_name"),
        (with("customer", customer("LVA")), "Invalid parameter country"),
        (with("payment_data", json!({})), "Missing parameter wallet"),
        (with("payment_data", json!({"wallet": 12345678})), "Invalid parameter wallet"),
        (with("payment_data", json!({"wallet": "1", "cvv": "123"})), "Invalid parameter payment_data"),
        (card("card_number", "4111...1111"), "Invalid parameter card_number"),
        (card("exp_month", "13"), "Invalid parameter exp_month"),
        (card("exp_month", "6"), "Invalid parameter exp_month"),
        (card("exp_year", "28"), "Invalid parameter exp_year"),
        (card("cvv", "123"), "Invalid parameter payment_data"),
    ];
    for (params, why) in cases {
        let (status, answer) = post(&platform, PAYOUT, &signed(params)).await.expect("an answer");
        assert_eq!((status, &answer["errors"]), (400, &json!(why)));
    }
    let japan = order("x", "JAPAN_BANK_PS", json!({}));
    let (status, answer) = post(&platform, DEPOSIT, &signed(japan)).await.expect("an answer");
    assert_eq!((status, &answer["errors"]), (400, &json!("Invalid parameter payment_system")));
    assert!(platform.orders().is_empty());
}

#[tokio::test]
async fn what_a_player_gives_is_what_is_asked_for() {
    let platform = start().await;
    for (number, method) in methods::all().iter().enumerate() {
        for (way, path) in [(Way::Deposit, DEPOSIT), (Way::Payout, PAYOUT)] {
            let Some(sample) = method.sample(way) else { continue };
            let data = sample.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            let id = format!("{number}-{way:?}");
            take(&platform, path, order(&id, method.wire, Value::Object(data))).await;
        }
        let details = platform.details(method.label);
        assert!(!details.is_empty() && details == platform.details(method.wire));
    }
    assert_eq!(platform.orders().len(), 2 * methods::all().len() - 1);
}

#[tokio::test]
async fn a_badly_answered_order_is_taken() {
    let bad = [
        (Answering::Hangup, None),
        (Answering::Reset, None),
        (Answering::BrokenJson, None),
        (Answering::Html, None),
        (Answering::Status(502), None),
        (Answering::Slow(Duration::from_millis(1)), Some(200)),
    ];
    for (answering, status) in bad {
        let platform = start().await;
        platform.answer_with(answering.clone());

        let answer = post(&platform, PAYOUT, &signed(payout("p-1"))).await;

        assert_eq!(answer.ok().map(|(status, _)| status), status, "{answering:?}");
        assert_eq!(platform.orders().len(), 1, "{answering:?}");
    }
    let platform = start().await;
    platform.answer_with(Answering::Endless);
    let unfinished = signed(payout("p-1"));
    tokio::select! {
        answer = post(&platform, PAYOUT, &unfinished) => assert!(answer.is_err(), "{answer:?}"),
        taken = platform.wait_for("p-1", Duration::from_secs(5)) => assert!(taken.is_some()),
    }
}

#[tokio::test]
async fn a_refused_or_vanished_order_is_not_there() {
    let platform = start().await;

    platform.answer_with(Answering::Refuse);
    let refused = take(&platform, PAYOUT, payout("p-1")).await;
    platform.answer_with(Answering::Vanish);
    let vanished = post(&platform, PAYOUT, &signed(payout("p-2"))).await;
    platform.answer_with(Answering::Redirect("http://127.0.0.1:9/".to_owned()));
    let elsewhere = post(&platform, PAYOUT, &signed(payout("p-3"))).await;

    assert_eq!((&refused["status"], &refused["reason_code"]), (&json!(5), &json!("001")));
    assert!(refused.get("order_id").is_none());
    assert!(vanished.is_err() && elsewhere.is_err());
    assert!(platform.orders().is_empty());
}

#[tokio::test]
async fn a_question_is_answered_with_how_the_order_stands_and_signed() {
    let platform = start().await;
    let own_id = take(&platform, PAYOUT, payout("p-1")).await["order_id"].clone();
    let question = signed(object(json!({"order_id": own_id})));

    for (end, status, reason) in [
        (End::Pending, 1, None),
        (End::Paid, 4, None),
        (End::Declined, 5, Some("001")),
        (End::Cancelled, 5, Some("001")),
        (End::Expired, 5, Some("001")),
    ] {
        platform.set("p-1", end);
        let (_, answer) = post(&platform, STATUS, &question).await.expect("an answer");
        assert!(sign::verifies(&object(answer.clone()), Account::default().salt.expose()));
        assert_eq!((&answer["status"], &answer["type"], &answer["amount"]), (&json!(status), &json!(2), &json!(2000)));
        assert_eq!((&answer["customer_id"], answer["reason_code"].as_str()), (&json!("JohnDoe"), reason));
    }
    assert_eq!(platform.asked_about("p-1"), 5);
    for (telling, expected) in [(Telling::NotFound, Some(404)), (Telling::Hangup, None)] {
        platform.tell_with(telling);
        let answer = post(&platform, STATUS, &question).await;
        assert_eq!(answer.ok().map(|(status, _)| status), expected, "{telling:?}");
    }
    assert_eq!(platform.asked_about("p-1"), 7);
}

#[tokio::test]
async fn an_order_is_asked_about_by_the_platforms_id_unless_the_account_says_more() {
    let ours = signed(object(json!({"external_id": "p-1"})));
    let strict = start().await;
    take(&strict, PAYOUT, payout("p-1")).await;
    let lenient = Account { status_by_external_id: true, ..Account::default() };
    let lenient = Cabbagino::start(HERE, lenient).await.expect("a free port");
    take(&lenient, PAYOUT, payout("p-1")).await;

    assert_eq!(post(&strict, STATUS, &ours).await.expect("an answer").0, 400);
    assert_eq!(post(&lenient, STATUS, &ours).await.expect("an answer").0, 200);
    let unknown = signed(object(json!({"order_id": "1"})));
    assert_eq!(post(&strict, STATUS, &unknown).await.expect("an answer").0, 404);
    assert_eq!(strict.asked_about("1"), 1);
}

#[tokio::test]
async fn a_notification_is_signed_and_a_twist_shows() {
    let platform = start().await;
    let (merchant, mut heard) = merchant(json!({"code": 0, "result": "ok"})).await;
    platform.set_merchant(&format!("http://{}/", merchant.address()));
    take(&platform, PAYOUT, payout("p-1")).await;
    platform.set("p-1", End::Paid);
    let salt = Account::default().salt;

    let answer = platform.notify("p-1", Note::PLAIN).await.expect("an answer");
    let sent = heard.recv().await.expect("a notification");
    let plain: Params = serde_json::from_slice(&sent.body).expect("JSON");
    assert!(platform.is_acknowledged(&answer));
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/cashier/webhook/cabbagino"));
    assert!(sign::verifies(&plain, salt.expose()));
    assert_eq!(
        (&plain["status"], &plain["type"], &plain["customer_purse"]),
        (&json!(4), &json!(2), &json!("12345678"))
    );

    let twists = [
        (Twist::WrongSignature, false, ""),
        (Twist::NoSignature, false, ""),
        (Twist::ForeignSignature, false, ""),
        (Twist::OtherAmount, true, "amount"),
        (Twist::OtherCurrency, true, "currency"),
        (Twist::OtherPlayer, true, "customer_id"),
        (Twist::OtherDirection, true, "type"),
        (Twist::UnknownOrder, true, "external_id"),
    ];
    for (twist, verifies, changed) in twists {
        platform.notify("p-1", Note { says: None, twist }).await.expect("an answer");
        let sent: Params = serde_json::from_slice(&heard.recv().await.expect("one").body).expect("JSON");
        assert_eq!(sign::verifies(&sent, salt.expose()), verifies, "{twist:?}");
        for name in ["amount", "currency", "customer_id", "type", "external_id", "status"] {
            assert_eq!(sent[name] != plain[name], name == changed, "{twist:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_notification_may_say_what_is_not_so_and_changes_nothing() {
    let platform = start().await;
    let (merchant, mut heard) = merchant(json!({"result": "error"})).await;
    platform.set_merchant(&format!("http://{}", merchant.address()));
    take(&platform, DEPOSIT, order("d-1", "P2P_PS", json!({}))).await;

    let lie = Note { says: Some(End::Expired), twist: Twist::None };
    let answer = platform.notify("d-1", lie).await.expect("an answer");
    let unclear = platform.notify_with("d-1", &[("status", 7.into()), ("type", 3.into())]).await;
    let nobody = platform.notify("d-2", Note::PLAIN).await;

    let told: Params = serde_json::from_slice(&heard.recv().await.expect("one").body).expect("JSON");
    assert_eq!((&told["status"], &told["reason_code"]), (&json!(5), &json!("051")));
    let told: Params = serde_json::from_slice(&heard.recv().await.expect("one").body).expect("JSON");
    assert_eq!((&told["status"], &told["type"]), (&json!(7), &json!(3)));
    assert!(sign::verifies(&told, Account::default().salt.expose()));
    assert!(!platform.is_acknowledged(&answer) && unclear.is_ok() && nobody.is_err());
    assert_eq!(platform.orders()[0].end, End::Pending);
}

#[tokio::test]
async fn only_http_200_and_result_ok_acknowledge() {
    let platform = start().await;
    let answer = |status, body: &str| Answer {
        status,
        content_type: String::new(),
        json: serde_json::from_str(body).ok(),
        body: body.into(),
    };
    assert!(platform.is_acknowledged(&answer(200, r#"{"code":0,"result":"ok"}"#)));
    for (status, body) in
        [(200, r#"{"code":0}"#), (201, r#"{"result":"ok"}"#), (503, r#"{"result":"ok"}"#), (200, "ok")]
    {
        assert!(!platform.is_acknowledged(&answer(status, body)), "{status} {body}");
    }
}

#[tokio::test]
async fn the_settings_lead_here_and_secrets_are_not_printed() {
    let platform = start().await;
    let account = Account::default();

    let settings = platform.settings("demo");

    assert!(
        settings.contains(&format!("[sites.demo.cabbagino]\nmerchant_key = \"{}\"", account.merchant_key.expose()))
    );
    assert!(settings.contains(&format!("url = \"{}\"", platform.url())));
    assert!(
        settings
            .contains("[sites.demo.methods.cabbagino_p2p]\nprovider = \"cabbagino\"\nprovider_method = \"P2P_PS\"\n")
    );
    assert!(account.salt.expose().len() >= 24 && account.merchant_key.expose().len() >= 24);
    let printed = format!("{platform:?}");
    assert!(!printed.contains(account.salt.expose()) && !printed.contains(account.merchant_key.expose()));
}
