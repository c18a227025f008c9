//! What the main platform promises, and what it does not take.

use tokio::sync::mpsc;

use super::super::Twist;
use super::*;
use crate::simulate::caller::{client, read};

const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn start() -> Carouseller {
    Carouseller::start(HERE, Account::default()).await.expect("a free port")
}

fn object(value: Value) -> Params {
    value.as_object().cloned().expect("written as an object")
}

fn signed(value: Value) -> Params {
    Account::default().brand.signed(&object(value))
}

fn with(mut params: Params, name: &str, value: Value) -> Params {
    params.insert(name.to_owned(), value);
    params
}

/// The parameters with other ones, rightly signed.
fn resigned(params: &Params, name: &str, value: Value) -> Params {
    Account::default().brand.signed(&with(params.clone(), name, value))
}

/// HTTP status and JSON, or why there was no answer.
async fn post_text(platform: &Carouseller, path: &str, body: String) -> Result<(u16, Value), String> {
    let request = client().post(format!("{}{path}", platform.url())).header("content-type", "application/json");
    let sent = request.body(body).send().await.map_err(|error| error.to_string())?;
    let answer = read(sent).await.map_err(|error| error.to_string())?;
    Ok((answer.status, answer.json.ok_or("not JSON")?))
}

async fn post(platform: &Carouseller, path: &str, params: &Params) -> Result<(u16, Value), String> {
    post_text(platform, path, Value::Object(params.clone()).to_string()).await
}

async fn done(platform: &Carouseller, path: &str, params: &Params) -> Value {
    let (status, answer) = post(platform, path, params).await.expect("an answer");
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    answer
}

async fn get(platform: &Carouseller, path: &str, params: &Params) -> (u16, Option<Value>) {
    let url = format!("{}{path}?{}", platform.url(), crate::simulate::form(params));
    let answer = read(client().get(url).send().await.expect("an answer")).await.expect("an answer");
    (answer.status, answer.json)
}

fn opening(currency: &str) -> Value {
    json!({"site_id": 332, "site_login": "u1", "customer_ip": "185.56.232.170", "currency": currency})
}

async fn session(platform: &Carouseller, currency: &str) -> Value {
    done(platform, SESSION, &signed(opening(currency))).await["session_key"].clone()
}

fn card(id: &str, key: &Value) -> Params {
    object(json!({"session_key": key, "order_ref": id, "group": 501, "amount": 20.5, "card_holder": "Good Fella",
        "card_number": "4111111111111111", "valid_thru_month": "02", "valid_thru_year": "2027"}))
}

fn deposit(id: &str, key: &Value) -> Params {
    with(card(id, key), "cvv", "123".into())
}

fn payout(id: &str, key: &Value) -> Params {
    let params = with(card(id, key), "site_id", 332.into());
    Account::default().brand.signed(&with(params, "site_login", "u1".into()))
}

fn initiation(id: &str) -> Params {
    signed(json!({"action": "payout", "amount": 400_000, "currency": "USD", "external_id": id, "site_id": 332,
        "site_login": "u1", "customer_purse": "DE89"}))
}

/// A merchant that answers so, and what it was sent.
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
async fn a_key_opens_the_cashier_and_a_wrong_one_does_not() {
    let platform = start().await;

    let (status, answer) = get(&platform, AUTHLINK, &signed(opening("USD"))).await;
    let answer = answer.expect("JSON");
    let opened = get(&platform, OPEN, &object(json!({"key": answer["key"]}))).await;
    let refused = get(&platform, OPEN, &object(json!({"key": "another"}))).await;

    assert_eq!((status, &answer["success"], &answer["errors"]), (200, &json!(true), &Value::Null));
    assert_eq!((opened.0, refused.0), (200, 403));
    let wrong = [
        with(signed(opening("USD")), "site_login", "u2".into()),
        signed(json!({"site_id": 333, "site_login": "u1", "customer_ip": "1.2.3.4", "currency": "USD"})),
        signed(json!({"site_id": 332, "site_login": "u1", "customer_ip": "1.2.3", "currency": "USD"})),
        signed(json!({"site_id": 332, "site_login": "u1", "customer_ip": "1.2.3.4"})),
        resigned(&signed(opening("USD")), "force_action", 3.into()),
    ];
    for params in wrong {
        let (status, answer) = get(&platform, AUTHLINK, &params).await;
        assert_eq!((status, &answer.expect("JSON")["success"]), (200, &json!(false)));
    }
    let rotation = signed(json!({"site_id": 332, "site_login": "u1"}));
    assert_eq!(done(&platform, ROTATION, &rotation).await["error"], Value::Null);
}

#[tokio::test]
async fn a_plain_payout_is_taken_once_in_either_encoding() {
    let platform = start().await;

    let first = done(&platform, INITIATION, &initiation("p-1")).await;
    let request = client().post(format!("{}{INITIATION}", platform.url()));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let again = request.body(crate::simulate::form(&initiation("p-1"))).send().await.expect("an answer");
    let again = read(again).await.expect("an answer").json.expect("JSON");
    let other = resigned(&initiation("p-1"), "customer_purse", "DE90".into());
    let other = post(&platform, INITIATION, &other).await.expect("an answer");

    assert_eq!((&first["code"], first["order_id"].as_str().map(str::len)), (&json!(0), Some(30)));
    assert!(first["transaction_id"].is_u64());
    assert_eq!(again, first);
    assert_eq!((other.0, &other.1["success"], &other.1["code"]), (200, &json!(false), &json!(500)));
    let orders = platform.orders();
    assert_eq!((orders.len(), orders[0].asked, orders[0].amount, orders[0].method.as_str()), (1, 3, 400_000, ""));
}

#[tokio::test]
async fn a_plain_payout_is_refused_with_a_clear_no() {
    let platform = start().await;
    let right = initiation("x");
    let wrong = [
        (with(right.clone(), "amount", 1.into()), 403),
        (resigned(&right, "site_id", 333.into()), 403),
        (resigned(&right, "action", "request_payout".into()), 400),
        (resigned(&right, "amount", 0.into()), 400),
        (resigned(&right, "amount", "01".into()), 400),
        (resigned(&right, "amount", json!(10.5)), 400),
        (resigned(&right, "amount", "-5".into()), 400),
        (resigned(&right, "currency", "DOLLAR".into()), 400),
        (resigned(&right, "external_id", " ".into()), 400),
        (resigned(&right, "external_id", "x".repeat(257).into()), 400),
        (resigned(&right, "site_login", "".into()), 400),
    ];
    for (params, code) in wrong {
        let (status, answer) = post(&platform, INITIATION, &params).await.expect("an answer");
        assert_eq!((status, &answer["success"], &answer["code"]), (200, &json!(false), &json!(code)), "{params:?}");
    }
    assert!(platform.orders().is_empty());
}

#[tokio::test]
async fn a_session_pays_in_and_out_by_card() {
    let platform = start().await;
    let key = session(&platform, "usd").await;

    let page = done(&platform, DEPOSIT, &deposit("d-1", &key)).await;
    let paid = done(&platform, PAYOUT, &payout("p-1", &key)).await;
    let later = session(&platform, "USD").await;
    let again = done(&platform, PAYOUT, &payout("p-1", &later)).await;

    let page = page["3ds_redirect_url"].as_str().expect("an address").to_owned();
    assert_eq!(client().get(page).send().await.expect("an answer").status(), 200);
    assert!(paid.get("3ds_redirect_url").is_none());
    assert_eq!(again, paid);
    let orders: Vec<_> = platform.orders().into_iter().map(|o| (o.id, o.way, o.amount, o.currency, o.asked)).collect();
    assert_eq!(orders[0], ("d-1".to_owned(), Way::Deposit, 2050, "USD".to_owned(), 1));
    assert_eq!(orders[1], ("p-1".to_owned(), Way::Payout, 2050, "USD".to_owned(), 2));
    assert_eq!((platform.orders()[0].login.as_str(), platform.orders()[0].method.as_str()), ("u1", "501"));
}

#[tokio::test]
async fn amounts_are_read_as_they_were_written() {
    let platform = start().await;
    let key = session(&platform, "USD").await;
    let yen = session(&platform, "JPY").await;
    let body = |id: &str, key: &Value, amount: &str| {
        let mut params = deposit(id, key);
        params.remove("amount");
        let text = Value::Object(params).to_string();
        format!("{},{amount}}}", text.trim_end_matches('}'))
    };
    let taken = [
        (&key, r#""amount":20.50"#, 2050),
        (&key, r#""amount":"20.50""#, 2050),
        (&key, r#""amount":20"#, 2000),
        (&key, r#""minor_amount":2050"#, 2050),
        (&key, r#""amount":20.5,"minor_amount":2050"#, 2050),
        (&yen, r#""amount":2000"#, 2000),
        (&yen, r#""minor_amount":2000"#, 2000),
    ];
    for (number, (key, amount, minor)) in taken.into_iter().enumerate() {
        let (status, answer) =
            post_text(&platform, DEPOSIT, body(&format!("d-{number}"), key, amount)).await.expect("an answer");
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{amount}");
        assert_eq!(platform.orders()[number].amount, minor, "{amount}");
    }
    let refused = [
        (&key, r#""other":1"#),
        (&key, r#""amount":20.505"#),
        (&key, r#""amount":2e1"#),
        (&key, r#""amount":-20"#),
        (&key, r#""amount":0"#),
        (&key, r#""amount":null"#),
        (&key, r#""minor_amount":0"#),
        (&key, r#""minor_amount":20.5"#),
        (&key, r#""minor_amount":"2050""#),
        (&key, r#""amount":20.5,"minor_amount":2051"#),
        (&yen, r#""amount":20.5"#),
    ];
    let signed_short = Value::Object(payout("p-1", &key)).to_string().replace(":20.5,", ":20.50,");
    let signed_long = Value::Object(resigned(&payout("p-2", &key), "amount", "20.50".into())).to_string();
    let signed_long = signed_long.replace("\"20.50\"", "20.50");
    let (status, _) = post_text(&platform, PAYOUT, signed_short).await.expect("an answer");
    assert_eq!(status, 200, "a number is signed as its shortest text");
    let (status, _) = post_text(&platform, PAYOUT, signed_long).await.expect("an answer");
    assert_eq!(status, 403, "and as no other");
    for (key, amount) in refused {
        let (status, answer) = post_text(&platform, DEPOSIT, body("x", key, amount)).await.expect("an answer");
        assert_eq!((status, &answer["success"]), (400, &json!(false)), "{amount}");
    }
}

#[tokio::test]
async fn what_is_missing_or_malformed_is_named() {
    let platform = start().await;
    let key = session(&platform, "USD").await;
    let cases = [
        ("group", json!("501"), "Invalid parameter group"),
        ("group", json!(7), "Invalid parameter group"),
        ("card_number", json!("4111 1111 1111 1111"), "Invalid parameter card_number"),
        ("card_number", json!(4_111_111_111_111_111_i64), "Invalid parameter card_number"),
        ("valid_thru_month", json!("2"), "Invalid parameter valid_thru_month"),
        ("valid_thru_month", json!("00"), "Invalid parameter valid_thru_month"),
        ("valid_thru_year", json!("27"), "Invalid parameter valid_thru_year"),
        ("card_holder", json!(" "), "Missing parameter card_holder"),
        ("external_id", json!("another"), "Invalid parameter order_ref"),
        ("order_ref", json!(""), "Missing parameter external_id"),
    ];
    for (name, value, why) in cases {
        let wrong = with(deposit("x", &key), name, value.clone());
        let (status, answer) = post(&platform, DEPOSIT, &wrong).await.expect("an answer");
        assert_eq!((status, &answer["errors"]), (400, &json!(why)));
        let wrong = resigned(&payout("x", &key), name, value);
        let (status, answer) = post(&platform, PAYOUT, &wrong).await.expect("an answer");
        assert_eq!((status, &answer["errors"]), (400, &json!(why)));
    }
    for (name, value) in [("cvv", json!("12")), ("screen_width", json!("2880")), ("time_zone_offset", json!([]))] {
        let (status, _) = post(&platform, DEPOSIT, &with(deposit("x", &key), name, value)).await.expect("an answer");
        assert_eq!(status, 400, "{name}");
    }
    let korean = object(json!({"session_key": key, "order_ref": "k-1", "group": 1207, "amount": 20,
        "account_number": "12345678910", "Owner_name": "John Dow"}));
    assert_eq!(post(&platform, DEPOSIT, &korean).await.expect("an answer").0, 400);
    assert!(platform.orders().is_empty());
    done(&platform, DEPOSIT, &with(korean, "bank_name", "산업은행".into())).await;
}

#[tokio::test]
async fn every_signed_call_needs_the_signature_and_every_payment_the_session() {
    let platform = start().await;
    let key = session(&platform, "USD").await;
    let status = signed(json!({"site_id": 332, "site_login": "u1", "external_id": "p-1"}));
    let session = signed(opening("USD"));
    for (path, right) in [(SESSION, session), (PAYOUT, payout("x", &key)), (STATUS, status)] {
        let mut unsigned = right.clone();
        unsigned.remove("signature");
        let foreign = Brand::new(332, "another salt").signed(&right);
        let changed = with(right.clone(), "more", "text".into());
        for wrong in [unsigned, foreign, changed, resigned(&right, "site_id", 333.into())] {
            let (status, answer) = post(&platform, path, &wrong).await.expect("an answer");
            assert_eq!((status, &answer["errors"]), (403, &json!("Invalid signature")), "{path}");
        }
    }
    for wrong in [json!("another"), json!(5)] {
        let (status, _) = post(&platform, DEPOSIT, &deposit("x", &wrong)).await.expect("an answer");
        assert_eq!(status, 403);
        assert_eq!(post(&platform, PAYOUT, &payout("x", &wrong)).await.expect("an answer").0, 403);
    }
    let somebody_else = resigned(&payout("x", &key), "site_login", "u2".into());
    assert_eq!(post(&platform, PAYOUT, &somebody_else).await.expect("an answer").0, 403);
    assert!(platform.orders().is_empty());
}

#[tokio::test]
async fn only_the_published_addresses_and_methods_are_served() {
    let platform = start().await;
    let url = |path: &str| format!("{}{path}", platform.url());
    for path in ["/", "/v1/payments/status", "/v2/payment/deposit/", "/api/payout", "/3ds/1"] {
        assert_eq!(client().get(url(path)).send().await.expect("an answer").status(), 404, "{path}");
    }
    for path in [ROTATION, INITIATION, SESSION, SESSION_TOO, DEPOSIT, PAYOUT, STATUS] {
        assert_eq!(client().get(url(path)).send().await.expect("an answer").status(), 405, "{path}");
        assert_eq!(client().post(url(path)).body("{}").send().await.expect("an answer").status(), 415, "{path}");
    }
    assert_eq!(client().post(url(AUTHLINK)).send().await.expect("an answer").status(), 405);
    done(&platform, SESSION_TOO, &signed(opening("USD"))).await;
}

#[tokio::test]
async fn a_badly_answered_order_is_taken_and_a_refused_one_is_not() {
    let bad = [
        Answering::Hangup,
        Answering::Reset,
        Answering::BrokenJson,
        Answering::Html,
        Answering::Status(502),
        Answering::Slow(Duration::from_millis(1)),
    ];
    for answering in bad {
        let platform = start().await;
        let key = session(&platform, "USD").await;
        platform.answer_with(answering.clone());
        for (path, params) in
            [(INITIATION, initiation("p-1")), (PAYOUT, payout("p-2", &key)), (DEPOSIT, deposit("d-1", &key))]
        {
            let answer = post(&platform, path, &params).await;
            assert_eq!(answer.is_ok(), matches!(answering, Answering::Slow(_)), "{answering:?} {path}");
        }
        assert_eq!(platform.orders().len(), 3, "{answering:?}");
    }
    let platform = start().await;
    let key = session(&platform, "USD").await;
    for answering in [Answering::Refuse, Answering::Vanish, Answering::Redirect("http://127.0.0.1:9/".to_owned())] {
        platform.answer_with(answering.clone());
        for (path, params) in
            [(INITIATION, initiation("p-1")), (PAYOUT, payout("p-2", &key)), (DEPOSIT, deposit("d-1", &key))]
        {
            let answer = post(&platform, path, &params).await.ok().map(|(_, answer)| answer["success"].clone());
            assert_eq!(answer, (answering == Answering::Refuse).then_some(json!(false)), "{answering:?} {path}");
        }
    }
    assert!(platform.orders().is_empty());
}

#[tokio::test]
async fn a_question_is_answered_by_either_id_for_the_same_player_only() {
    let platform = start().await;
    let key = session(&platform, "USD").await;
    let own_id = done(&platform, PAYOUT, &payout("p-1", &key)).await["order_id"].clone();
    let ask = |name: &str, id: &Value| signed(json!({"site_id": 332, "site_login": "u1", name: id}));
    let ours = ask("external_id", &json!("p-1"));

    for (end, status_id) in
        [(End::Pending, 2), (End::Paid, 4), (End::Declined, 6), (End::Expired, 13), (End::Cancelled, 14)]
    {
        platform.set("p-1", end);
        let answer = done(&platform, STATUS, &ours).await;
        assert_eq!((&answer["status_id"], &answer["amount"]), (&json!(status_id), &json!(2050)));
        assert_eq!((&answer["payment_group_id"], &answer["order_id"]), (&json!(501), &own_id));
        assert_eq!(done(&platform, STATUS, &ask("order_id", &own_id)).await, answer);
    }
    let refused = [
        (resigned(&ours, "site_login", "u2".into()), 404),
        (ask("external_id", &json!("p-2")), 404),
        (ask("order_id", &json!("1")), 404),
        (resigned(&ours, "order_id", own_id), 400),
        (ask("track", &json!("1")), 400),
    ];
    for (params, status) in refused {
        assert_eq!(post(&platform, STATUS, &params).await.expect("an answer").0, status, "{params:?}");
    }
    assert_eq!((platform.asked_about("p-1"), platform.asked_about("p-2")), (11, 1));
    platform.tell_with(Telling::NotFound);
    assert_eq!(post(&platform, STATUS, &ours).await.expect("an answer").0, 404);
    platform.tell_with(Telling::Unavailable);
    assert!(post(&platform, STATUS, &ours).await.is_err());
}

#[tokio::test]
async fn a_notification_is_signed_and_a_twist_shows() {
    let platform = start().await;
    let (merchant, mut heard) = merchant(json!({"code": 0})).await;
    let before = platform.notify("p-1", Note::PLAIN).await;
    platform.set_merchant(&format!("http://{}", merchant.address()));
    done(&platform, INITIATION, &initiation("p-1")).await;
    platform.set("p-1", End::Expired);
    let salt = Account::default().brand.salt;

    let answer = platform.notify("p-1", Note::PLAIN).await.expect("an answer");
    let sent = heard.recv().await.expect("a notification");
    let plain: Params = serde_json::from_slice(&sent.body).expect("JSON");
    assert!(before.is_err() && platform.is_acknowledged(&answer));
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/cashier/webhook/carouseller"));
    assert!(sign::holds(&plain, salt.expose()));
    assert_eq!(
        (&plain["status_id"], &plain["type_id"], &plain["customer_purse"]),
        (&json!(6), &json!(11), &json!("DE89"))
    );

    let twists = [
        (Twist::WrongSignature, false, ""),
        (Twist::NoSignature, false, ""),
        (Twist::ForeignSignature, false, ""),
        (Twist::OtherAmount, true, "amount"),
        (Twist::OtherCurrency, true, "currency"),
        (Twist::OtherPlayer, true, "site_login"),
        (Twist::OtherDirection, true, "type_id"),
        (Twist::UnknownOrder, true, "external_id"),
    ];
    for (twist, verifies, changed) in twists {
        platform.notify("p-1", Note { says: None, twist }).await.expect("an answer");
        let sent: Params = serde_json::from_slice(&heard.recv().await.expect("one").body).expect("JSON");
        assert_eq!(sign::holds(&sent, salt.expose()), verifies, "{twist:?}");
        for name in ["amount", "currency", "site_login", "type_id", "external_id", "status_id"] {
            assert_eq!(sent[name] != plain[name], name == changed, "{twist:?} {name}");
        }
    }
    platform.notify("p-1", Note { says: Some(End::Paid), twist: Twist::None }).await.expect("an answer");
    let lie: Params = serde_json::from_slice(&heard.recv().await.expect("one").body).expect("JSON");
    assert_eq!((&lie["status_id"], platform.orders()[0].end), (&json!(4), End::Expired));
}

#[tokio::test]
async fn a_card_order_is_notified_of_in_its_group_and_without_the_card() {
    let platform = start().await;
    let (merchant, mut heard) = merchant(json!({"code": 0})).await;
    platform.set_merchant(&format!("http://{}", merchant.address()));
    let key = session(&platform, "USD").await;
    done(&platform, DEPOSIT, &deposit("d-1", &key)).await;

    platform.notify("d-1", Note { says: Some(End::Paid), twist: Twist::None }).await.expect("an answer");

    let sent: Params = serde_json::from_slice(&heard.recv().await.expect("one").body).expect("JSON");
    assert_eq!((&sent["type_id"], &sent["payment_group_id"], &sent["amount"]), (&json!(3), &json!(501), &json!(2050)));
    assert_eq!(sent["customer_purse"], json!("411111...1111"));
}

#[tokio::test]
async fn an_allowed_deposit_is_on_the_record_and_a_refused_one_is_not() {
    let order =
        |transaction_id| Order { login: "u1".to_owned(), amount: 100, currency: "USD".to_owned(), transaction_id };
    let platform = start().await;
    let (yes, mut heard) = merchant(json!({"code": 0, "external_id": "d-1"})).await;
    let (no, _heard) = merchant(json!({"code": 500, "error_description": "User not found"})).await;

    platform.set_merchant(&format!("http://{}", no.address()));
    platform.check_deposit(&order(1)).await.expect("an answer");
    assert!(platform.orders().is_empty());
    platform.set_merchant(&format!("http://{}", yes.address()));
    platform.check_deposit(&order(2)).await.expect("an answer");
    platform.notify("d-1", Note::PLAIN).await.expect("an answer");

    assert_eq!(heard.recv().await.expect("a question").path, "/cashier/callback/carouseller");
    let sent: Params = serde_json::from_slice(&heard.recv().await.expect("one").body).expect("JSON");
    assert_eq!((&sent["transaction_id"], &sent["external_id"]), (&json!(2), &json!("d-1")));
    assert_eq!((platform.orders()[0].way, platform.orders()[0].amount), (Way::Deposit, 100));
    platform.request_payout(&order(3)).await.expect("an answer");
    let asked: Params = serde_json::from_slice(&heard.recv().await.expect("one").body).expect("JSON");
    assert_eq!((&asked["action"], platform.orders().len()), (&json!("request_payout"), 1));
}

#[tokio::test]
async fn the_settings_lead_here_and_secrets_are_not_printed() {
    let platform = start().await;
    let (url, salt) = (platform.url(), Account::default().brand.salt);

    let settings = platform.settings("demo");

    for (key, path) in [
        ("payout_url", INITIATION),
        ("authlink_url", AUTHLINK),
        ("session_url", SESSION),
        ("deposit_url", DEPOSIT),
        ("direct_payout_url", PAYOUT),
        ("status_url", STATUS),
    ] {
        assert!(settings.contains(&format!("\n{key} = \"{url}{path}\"\n")), "{key}");
    }
    assert!(
        settings
            .contains("[sites.demo.methods.carouseller_card]\nprovider = \"carouseller\"\nprovider_method = \"501\"\n")
    );
    assert!(
        settings.contains("[sites.demo.methods.carouseller_cashier]\nprovider = \"carouseller\"\ndeposits = true\n")
    );
    assert_eq!(platform.details("501"), platform.details("carouseller_card"));
    assert_eq!(platform.details("carouseller_cashier")[0].0, "customer_purse");
    assert!(salt.expose().len() >= 24 && !format!("{platform:?}").contains(salt.expose()));
}
