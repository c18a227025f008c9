//! Notices: where they go, what they say, and that their signature is right unless it was to be wrong.

use super::*;

/// A merchant that keeps what it is told.
struct Merchant {
    host: Host,
    heard: Arc<Mutex<Vec<(String, Params)>>>,
}

impl Merchant {
    async fn listening() -> Self {
        let heard: Arc<Mutex<Vec<(String, Params)>>> = Arc::default();
        let kept = heard.clone();
        let handler = move |incoming: Incoming| {
            let body = serde_json::from_slice(&incoming.body).expect("a notice is an object");
            kept.lock().expect("no panic").push((incoming.path + "?" + &incoming.query, body));
            ready(Reply::ok(json!({"ok": true}))).boxed()
        };
        Self { host: Host::start(here(), Arc::new(handler)).await.expect("a free port"), heard }
    }

    fn url(&self) -> String {
        format!("http://{}", self.host.address())
    }

    fn last(&self) -> (String, Params) {
        let (target, body) = self.heard.lock().expect("no panic").last().cloned().expect("something was heard");
        (target.trim_end_matches('?').to_owned(), body)
    }
}

/// A platform that has taken a payout and a payment, and a merchant that it notifies.
async fn both() -> (Exotic, Merchant) {
    let (platform, merchant) = (started(account()).await, Merchant::listening().await);
    post(&platform, "create_pay_out/", &payout("out")).await.expect("an answer");
    post(&platform, "create_pay_in", &payment("in")).await.expect("an answer");
    platform.set_merchant(&format!("{}/", merchant.url()));
    (platform, merchant)
}

fn says(end: End) -> Note {
    Note { says: Some(end), twist: Twist::None }
}

fn holds(body: &Params) -> bool {
    text(body, "standart_sign") == standard(text(body, "order_id"))
}

#[tokio::test]
async fn a_notice_has_every_documented_member_and_a_signature_that_holds() {
    let (platform, merchant) = both().await;
    platform.set("out", End::Paid);

    let answer = platform.notify("out", Note::PLAIN).await.expect("an answer");

    assert!(platform.is_acknowledged(&answer));
    let (path, mut body) = merchant.last();
    assert_eq!(path, "/success/out");
    assert!(holds(&body));
    for name in ["created_at", "updated_at"] {
        let at = body.remove(name).expect("a time");
        assert!(at.as_str().is_some_and(|at| at.len() == 20 && at.ends_with('Z')), "{at}");
    }
    let expected = json!({"order_id": "out", "standart_sign": standard("out"), "type": "pay_out",
        "status": "successful", "fiat_amount": "1500.00", "usdt_amount": "14.9630", "merchant_spent_usdt": "15.1126",
        "fiat_currency": "rub", "exchange_rate": "100.2472", "payment_method": "sbp", "number_card": null,
        "phone_number": "79161234567", "number_score": null, "iban_number": null,
        "full_name": "Ivanov Ivan Ivanovich", "bank_name": "Sberbank"});
    assert_eq!(body, object(expected));
}

#[tokio::test]
async fn rejections_go_to_the_address_of_errors_and_the_order_stays_as_it_is() {
    let (platform, merchant) = both().await;
    let rejections =
        [(End::Declined, "rejected_gate"), (End::Cancelled, "rejected_merchant"), (End::Expired, "rejected_timeout")];

    for (end, wire) in rejections {
        platform.notify("out", says(end)).await.expect("an answer");
        let (path, body) = merchant.last();
        assert_eq!((path.as_str(), text(&body, "status")), ("/error/out", wire));
    }
    platform.notify("out", Note::PLAIN).await.expect("an answer");

    assert_eq!(text(&merchant.last().1, "status"), "expectation");
    assert_eq!(platform.orders()[0].end, End::Pending);
    // The payment came without an address for errors.
    assert!(platform.notify("in", says(End::Declined)).await.is_err());
    assert!(platform.notify("unknown", Note::PLAIN).await.is_err());
}

#[tokio::test]
async fn a_notice_goes_exactly_where_the_order_says_until_the_merchant_is_set() {
    let (platform, merchant) = (started(account()).await, Merchant::listening().await);
    let mut body = payout("out");
    body.insert("success_callback_url".to_owned(), format!("{}/a/b?c=d", merchant.url()).into());
    post(&platform, "create_pay_out/", &body).await.expect("an answer");

    platform.notify("out", says(End::Paid)).await.expect("an answer");

    assert_eq!(merchant.last().0, "/a/b?c=d");
    let other = Merchant::listening().await;
    platform.set_merchant(&other.url());
    platform.notify("out", says(End::Paid)).await.expect("an answer");
    assert_eq!(other.last().0, "/a/b?c=d");
}

#[tokio::test]
async fn every_twist_makes_one_thing_wrong() {
    let (platform, merchant) = both().await;
    let mut plain = None;
    for twist in [
        Twist::None,
        Twist::WrongSignature,
        Twist::NoSignature,
        Twist::ForeignSignature,
        Twist::OtherAmount,
        Twist::OtherCurrency,
        Twist::OtherPlayer,
        Twist::OtherDirection,
        Twist::UnknownOrder,
    ] {
        platform.notify("out", Note { says: Some(End::Paid), twist }).await.expect("an answer");
        let (path, body) = merchant.last();

        let plain = plain.get_or_insert_with(|| body.clone());
        let changed = |name: &str| body.get(name) != plain.get(name);
        let (signature, wrong) = match twist {
            Twist::None | Twist::OtherPlayer => (true, body != *plain),
            Twist::WrongSignature | Twist::ForeignSignature => (false, changed("standart_sign")),
            Twist::NoSignature => (false, !body.contains_key("standart_sign")),
            Twist::OtherAmount => (true, text(&body, "fiat_amount") == "1501.00"),
            Twist::OtherCurrency => (true, text(&body, "fiat_currency") == "eur"),
            Twist::OtherDirection => (true, text(&body, "type") == "pay_in"),
            Twist::UnknownOrder => (true, changed("order_id") && path.ends_with(text(&body, "order_id"))),
        };
        assert_eq!(holds(&body), signature, "{twist:?}");
        assert_eq!(wrong, !matches!(twist, Twist::None | Twist::OtherPlayer), "{twist:?}");
    }
}

#[tokio::test]
async fn a_notice_of_a_payment_says_so_and_names_whom_the_player_paid() {
    let (platform, merchant) = both().await;

    platform.notify("in", says(End::Paid)).await.expect("an answer");

    let (path, body) = merchant.last();
    assert_eq!((path.as_str(), text(&body, "type"), text(&body, "fiat_amount")), ("/success/in", "pay_in", "300.00"));
    assert_eq!((text(&body, "number_card"), text(&body, "merchant_received_usdt")), ("4276345439581234", "2.9627"));
    assert!(holds(&body));
}
